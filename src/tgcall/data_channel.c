#include "tgcall/data_channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tgcall/sctp.h"

/* RFC 8831 8 and 8832 8.2.1 */
#define PPID_DCEP 50
#define PPID_STRING 51
#define PPID_BINARY 53
#define DCEP_OPEN 3
#define DCEP_ACK 2
#define DCEP_OPEN_BYTES 12

struct data_channel {
	struct data_channel_conf conf;
	struct sctp *sctp;
	bool open;
	uint16_t stream; /* as its opener chose */
	usec_t now;      /* of the call that is being served */
};

static void on_packet(struct bytes packet, void *arg)
{
	struct data_channel *c = arg;

	c->conf.handlers.packet(packet, c->conf.arg);
}

static void opened(struct data_channel *c)
{
	if (c->open)
		return;
	c->open = true;
	if (c->conf.handlers.open)
		c->conf.handlers.open(c->conf.arg);
}

static void on_established(void *arg)
{
	/* E.9: type 3, reliable and ordered, priority and parameter 0, label
	 * "data", no protocol. */
	static const uint8_t request[] = {
		DCEP_OPEN, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 'd', 'a', 't', 'a'};
	struct data_channel *c = arg;

	if (c->conf.opener)
		sctp_send(c->sctp, c->stream, PPID_DCEP,
			  bytes_of(request, sizeof(request)), c->now);
}

static void dcep_input(struct data_channel *c, uint16_t stream,
		       struct bytes data)
{
	static const uint8_t ack[] = {DCEP_ACK};
	struct rd r;
	size_t label, protocol;

	rd_init(&r, data.p, data.n);
	switch (rd_u8(&r)) {
	case DCEP_OPEN:
		rd_skip(&r, 7);
		label = rd_be16(&r);
		protocol = rd_be16(&r);
		if (r.bad || r.n != label + protocol) {
			count_bad("data-channel", "open", "malformed");
			return;
		}
		sctp_send(c->sctp, stream, PPID_DCEP, bytes_of(ack, 1), c->now);
		c->stream = stream;
		opened(c);
		break;
	case DCEP_ACK:
		opened(c);
		break;
	default:
		count_bad("data-channel", "dcep", "unknown message");
		break;
	}
}

static void on_message(uint16_t stream, uint32_t ppid, struct bytes data,
		       void *arg)
{
	struct data_channel *c = arg;

	if (ppid == PPID_DCEP)
		dcep_input(c, stream, data);
	else if ((ppid == PPID_STRING || ppid == PPID_BINARY) &&
		 c->conf.handlers.text)
		c->conf.handlers.text(data, c->conf.arg);
}

static void on_closed(const char *why, void *arg)
{
	struct data_channel *c = arg;

	(void)why;
	c->open = false;
}

int data_channel_new(struct data_channel **cp,
		     const struct data_channel_conf *conf)
{
	struct data_channel *c = calloc(1, sizeof(*c));
	struct sctp_conf sctp = {
		.port = 5000,
		.packet_max = 1150,
		.message_max = 262144,
		.init_first = 400 * USEC_MS,
		.init_cap = 2 * USEC_S,
		.resend_first = 400 * USEC_MS,
		.resend_cap = 2 * USEC_S,
		.heartbeat = 30500 * USEC_MS,
		.handlers = {on_packet, on_established, on_message, on_closed},
		.arg = c,
	};
	int e;

	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	/* RFC 8832 6: even for the DTLS client, odd for the server. */
	c->stream = conf->dtls_client ? 0 : 1;
	e = sctp_new(&c->sctp, &sctp);
	if (e < 0) {
		free(c);
		return e;
	}
	*cp = c;
	return 0;
}

void data_channel_free(struct data_channel **cp)
{
	struct data_channel *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	if (sctp_is_established(c->sctp))
		sctp_abort(c->sctp, c->now);
	sctp_free(&c->sctp);
	free(c);
}

void data_channel_start(struct data_channel *c, usec_t now)
{
	c->now = now;
	sctp_connect(c->sctp, now);
}

int data_channel_input(struct data_channel *c, struct bytes packet, usec_t now)
{
	c->now = now;
	return sctp_input(c->sctp, packet, now);
}

int data_channel_send(struct data_channel *c, struct bytes text, usec_t now)
{
	c->now = now;
	if (!c->open)
		return -ENOTCONN;
	return sctp_send(c->sctp, c->stream, PPID_STRING, text, now);
}

bool data_channel_is_open(const struct data_channel *c)
{
	return c->open;
}

usec_t data_channel_deadline(const struct data_channel *c)
{
	return sctp_deadline(c->sctp);
}

void data_channel_timeout(struct data_channel *c, usec_t now)
{
	c->now = now;
	sctp_timeout(c->sctp, now);
}

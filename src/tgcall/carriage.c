#include "tgcall/carriage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tgcall/acked.h"
#include "tgcall/raw.h"
#include "tgcall/sctp.h"
#include "tgcall/window.h"

#define KEPT_MAX 128

/* E.4 V3 */
#define SCTP_PORT 5000
#define SCTP_PPID_BINARY 53
#define SCTP_PACKET_BYTES_MAX 1191
#define SCTP_MESSAGE_BYTES_MAX 262144
/* "2026 timers: T1-init and T1-cookie 400 ms, back-off cap 750 ms" */
#define SCTP_TIMER_FIRST (400 * USEC_MS)
#define SCTP_TIMER_CAP (750 * USEC_MS)
#define SCTP_HEARTBEAT_EVERY (30500 * USEC_MS)

struct kept {
	struct kept *next;
	bool sent;
	size_t n;
	uint8_t text[];
};

struct carriage {
	struct carriage_conf conf;
	struct tgcall_crypto crypto;
	enum carriage_mode mode;
	bool is_open;  /* may send */
	bool is_heard; /* the peer's framing is known for certain */
	bool is_closed, is_aborted;
	usec_t now;

	uint32_t counter; /* of our packets, whatever the framing */
	struct window window;
	struct acked *acked;
	struct sctp *sctp;
	struct kept *kept, **kept_last;
	size_t kept_n;
};

/* -- what is kept until the peer was heard ------------------------------- */

static struct kept *kept_add(struct carriage *c, struct bytes text)
{
	struct kept *k;

	if (c->kept_n == KEPT_MAX)
		return NULL;
	k = calloc(1, sizeof(*k) + text.n);
	if (!k)
		return NULL;
	k->n = text.n;
	memcpy(k->text, text.p, text.n);
	*c->kept_last = k;
	c->kept_last = &k->next;
	c->kept_n++;
	return k;
}

static void kept_clear(struct carriage *c)
{
	while (c->kept) {
		struct kept *k = c->kept;

		c->kept = k->next;
		bytes_wipe(k->text, k->n);
		free(k);
	}
	c->kept_last = &c->kept;
	c->kept_n = 0;
}

/* -- sending ------------------------------------------------------------- */

static void plain_seal(struct carriage *c, struct buf *packet,
		       struct bytes plain)
{
	if (tgcall_crypto_seal(&c->crypto, packet, plain)) {
		count_bad("signaling", "seal", "a message was not encrypted");
		buf_reset(packet);
	}
}

static void acked_packet(struct bytes plain, void *arg)
{
	struct carriage *c = arg;
	struct buf packet;

	buf_init(&packet);
	plain_seal(c, &packet, plain);
	if (packet.n)
		c->conf.blob(buf_bytes(&packet), c->conf.arg);
	buf_clear(&packet);
}

static void raw_send(struct carriage *c, struct bytes text)
{
	struct buf plain, packet;

	buf_init(&plain);
	buf_init(&packet);
	if (raw_put(&plain, ++c->counter, text, c->mode != CARRIAGE_RAW) == 0)
		plain_seal(c, &packet, buf_bytes(&plain));
	if (packet.n && c->mode == CARRIAGE_SCTP)
		(void)sctp_send(c->sctp, 0, SCTP_PPID_BINARY,
				buf_bytes(&packet), c->now);
	else if (packet.n)
		c->conf.blob(buf_bytes(&packet), c->conf.arg);
	buf_clear(&packet);
	buf_clear(&plain);
}

static void text_send(struct carriage *c, struct bytes text)
{
	if (c->mode != CARRIAGE_ACKED)
		raw_send(c, text);
	else if (acked_send(c->acked, text, c->now))
		count_bad("signaling", "send", "a message was not sent");
}

static void kept_send(struct carriage *c)
{
	for (struct kept *k = c->kept; k; k = k->next) {
		if (k->sent)
			continue;
		k->sent = true;
		text_send(c, bytes_of(k->text, k->n));
	}
}

void carriage_send(struct carriage *c, struct bytes text, usec_t now)
{
	c->now = now;
	if (c->is_closed)
		return;
	if (!c->is_heard || !c->is_open) {
		struct kept *k = kept_add(c, text);

		if (k)
			k->sent = c->is_open;
	}
	if (c->is_open)
		text_send(c, text);
}

/* -- receiving ----------------------------------------------------------- */

static int text_input(struct carriage *c, struct bytes text)
{
	struct buf plain;
	int err;

	if (!raw_is_gzip(text))
		return c->conf.text(text, c->conf.arg);
	buf_init(&plain);
	err = raw_gunzip(&plain, text, RAW_TEXT_MAX);
	if (err)
		count_bad("signaling", "gzip", "broken gzip from the peer");
	else
		err = c->conf.text(buf_bytes(&plain), c->conf.arg);
	buf_clear(&plain);
	return err;
}

static void acked_text(struct bytes text, void *arg)
{
	(void)text_input(arg, text);
}

static int raw_input(struct carriage *c, struct bytes plain)
{
	struct rd r;
	uint32_t counter;

	rd_init(&r, plain.p, plain.n);
	counter = rd_be32(&r) & RAW_COUNTER_MASK;
	if (r.bad)
		return -EBADMSG;
	if (!window_accept(&c->window, counter))
		return -EALREADY;
	return text_input(c, rd_bytes(&r, r.n));
}

static enum carriage_mode mode_of_plain(struct bytes plain)
{
	if (acked_is_packet(plain))
		return CARRIAGE_ACKED;
	return plain.n > 4 && raw_is_gzip(bytes_of(plain.p + 4, plain.n - 4))
		       ? CARRIAGE_GZIP
		       : CARRIAGE_RAW;
}

static int engine_ensure(struct carriage *c, enum carriage_mode mode);

/* The peer speaks: `certain` when it has proved to hold the key. If it is
 * another framing than ours, what we sent was not understood: again. */
static void peer_heard(struct carriage *c, enum carriage_mode mode,
		       bool certain)
{
	if (c->is_heard)
		return;
	if (mode != c->mode && engine_ensure(c, mode) == 0) {
		for (struct kept *k = c->kept; k; k = k->next)
			k->sent = false;
		c->mode = mode;
	}
	c->is_open = true;
	if (mode == CARRIAGE_SCTP)
		sctp_connect(c->sctp, c->now);
	kept_send(c);
	if (!certain)
		return;
	c->is_heard = true;
	kept_clear(c);
}

static int plain_input(struct carriage *c, struct bytes plain, bool in_sctp)
{
	int err;

	peer_heard(c, in_sctp ? CARRIAGE_SCTP : mode_of_plain(plain), true);
	if (acked_is_packet(plain))
		err = acked_input(c->acked, plain, c->now);
	else
		err = raw_input(c, plain);
	if (err == -EALREADY)
		count_add("signaling", "repeat", 1);
	else if (err)
		count_bad("signaling", "message", "broken message");
	return err;
}

int carriage_input_plain(struct carriage *c, struct bytes plain, usec_t now)
{
	c->now = now;
	return plain_input(c, plain, false);
}

static int packet_input(struct carriage *c, struct bytes packet, bool in_sctp)
{
	struct buf plain;
	int err;

	buf_init(&plain);
	err = tgcall_crypto_open(&c->crypto, &plain, packet);
	if (err)
		count_bad("signaling", "cipher", "not under the call's key");
	else
		err = plain_input(c, buf_bytes(&plain), in_sctp);
	buf_clear(&plain);
	return err;
}

int carriage_input(struct carriage *c, struct bytes blob, usec_t now)
{
	int err;

	c->now = now;
	if (c->is_closed)
		return 0;
	/* A blob of another framing looks like this once in 2^64. */
	if (!sctp_is_packet(blob, SCTP_PORT))
		return packet_input(c, blob, false);
	if (c->is_heard && c->mode != CARRIAGE_SCTP)
		err = -EBADMSG;
	else
		err = engine_ensure(c, CARRIAGE_SCTP);
	if (!err) {
		peer_heard(c, CARRIAGE_SCTP, false);
		err = sctp_input(c->sctp, blob, now);
	}
	if (err)
		count_bad("signaling", "sctp", "bad SCTP packet");
	return err;
}

/* -- SCTP ---------------------------------------------------------------- */

static void on_sctp_packet(struct bytes packet, void *arg)
{
	struct carriage *c = arg;

	c->conf.blob(packet, c->conf.arg);
}

static void on_sctp_established(void *arg)
{
	((struct carriage *)arg)->is_aborted = false;
}

static void on_sctp_message(uint16_t stream, uint32_t ppid, struct bytes data,
			    void *arg)
{
	(void)packet_input(arg, data, true);
}

static void on_sctp_closed(const char *why, void *arg)
{
	((struct carriage *)arg)->is_aborted = true;
}

/* -- the engines --------------------------------------------------------- */

static int engine_ensure(struct carriage *c, enum carriage_mode mode)
{
	usec_t first =
		c->conf.sctp_first ? c->conf.sctp_first : SCTP_TIMER_FIRST;
	usec_t cap = c->conf.sctp_cap ? c->conf.sctp_cap : SCTP_TIMER_CAP;
	const struct sctp_conf sctp = {
		.port = SCTP_PORT,
		.packet_max = SCTP_PACKET_BYTES_MAX,
		.message_max = SCTP_MESSAGE_BYTES_MAX,
		.init_first = first,
		.init_cap = cap,
		.resend_first = SCTP_TIMER_FIRST,
		.resend_cap = cap,
		.heartbeat = SCTP_HEARTBEAT_EVERY,
		.random = c->conf.random,
		.random_arg = c->conf.random_arg,
		.handlers = {on_sctp_packet, on_sctp_established,
			     on_sctp_message, on_sctp_closed},
		.arg = c,
	};
	const struct acked_conf acked = {
		.counter = &c->counter,
		.window = &c->window,
		.packet = acked_packet,
		.text = acked_text,
		.arg = c,
	};

	if (!c->acked && acked_new(&c->acked, &acked))
		return -ENOMEM;
	return mode == CARRIAGE_SCTP && !c->sctp ? sctp_new(&c->sctp, &sctp)
						 : 0;
}

int carriage_new(struct carriage **cp, const struct carriage_conf *conf)
{
	struct carriage *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	c->conf.key = NULL;
	c->mode = conf->mode;
	c->crypto.outgoing = conf->outgoing;
	memcpy(c->crypto.key, conf->key, sizeof(c->crypto.key));
	c->kept_last = &c->kept;
	err = engine_ensure(c, c->mode);
	if (err)
		carriage_free(&c);
	else
		*cp = c;
	return err;
}

void carriage_free(struct carriage **cp)
{
	struct carriage *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	sctp_free(&c->sctp);
	acked_free(&c->acked);
	kept_clear(c);
	bytes_wipe(c, sizeof(*c));
	free(c);
}

void carriage_open(struct carriage *c, usec_t now)
{
	c->now = now;
	if (c->is_open)
		return;
	c->is_open = true;
	if (c->mode == CARRIAGE_SCTP)
		sctp_connect(c->sctp, now);
	kept_send(c);
}

enum carriage_mode carriage_mode(const struct carriage *c)
{
	return c->mode;
}

bool carriage_is_aborted(const struct carriage *c)
{
	return c->is_aborted;
}

void carriage_close(struct carriage *c, usec_t now)
{
	if (c->sctp)
		sctp_abort(c->sctp, now);
	c->is_closed = true;
}

usec_t carriage_deadline(const struct carriage *c)
{
	if (c->is_closed)
		return USEC_NEVER;
	if (c->mode == CARRIAGE_SCTP)
		return sctp_deadline(c->sctp);
	return c->mode == CARRIAGE_ACKED ? acked_deadline(c->acked)
					 : USEC_NEVER;
}

void carriage_timeout(struct carriage *c, usec_t now)
{
	c->now = now;
	if (c->is_closed)
		return;
	if (c->mode == CARRIAGE_SCTP)
		sctp_timeout(c->sctp, now);
	else if (c->mode == CARRIAGE_ACKED)
		acked_timeout(c->acked, now);
}

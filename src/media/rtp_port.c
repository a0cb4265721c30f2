#include "media/rtp_port_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "media/rtp_ports.h"

#define DATAGRAM_BYTES 1500
#define RTCP_BYTES 256
/* RFC 4594: audio is EF, six bits of which are the code point. */
#define TOS_EXPEDITED (46 << 2)

/* -- creation ----------------------------------------------------------- */

static int socket_bind(const struct sa *address, uint16_t port)
{
	struct sa sa = *address;
	int on = 1, tos = TOS_EXPEDITED, fd, err;

	sa_set_port(&sa, port);
	fd = socket(sa_af(&sa), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sa_af(&sa) == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				 sizeof(on));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos,
				 sizeof(tos));
	} else {
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	}
	if (bind(fd, &sa.u.sa, sa.len)) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}

static int pair_bind(struct rtp_port *p, const struct sa *address)
{
	p->rtp = socket_bind(address, p->number);
	if (p->rtp < 0)
		return p->rtp;
	p->rtcp = socket_bind(address, (uint16_t)(p->number + 1));
	if (p->rtcp >= 0)
		return 0;
	(void)close(p->rtp);
	p->rtp = -1;
	return p->rtcp;
}

/* Somebody else may sit on a port of ours: try the next pair. */
static int pair_open(struct rtp_port *p, const struct sa *address)
{
	unsigned tries = rtp_ports_pairs(p->range);
	int err = -EADDRINUSE;

	while (err == -EADDRINUSE && tries--) {
		p->number = rtp_ports_take(p->range);
		if (!p->number)
			return -EADDRINUSE;
		err = pair_bind(p, address);
		if (err)
			rtp_ports_give(p->range, p->number);
	}
	return err;
}

int rtp_port_new(struct rtp_port **pp, struct rtp_ports *range,
		 const struct sa *address, const struct rtp_port_handlers *h,
		 void *arg)
{
	struct rtp_port *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->range = range;
	err = pair_open(p, address);
	if (err) {
		free(p);
		return err;
	}
	p->handlers = *h;
	p->arg = arg;
	p->pt = p->dtmf_pt = -1;
	p->any_at = USEC_NEVER;
	p->ssrc = random_u32();
	p->ts = random_u32();
	p->seq = (uint16_t)random_u32();
	random_text(p->cname, sizeof(p->cname) - 1);
	*pp = p;
	return 0;
}

uint16_t rtp_port_number(const struct rtp_port *p)
{
	return p->number;
}

void rtp_port_set_remote(struct rtp_port *p, const struct sa *remote,
			 const struct media_codec *codec, int pt, int dtmf_pt)
{
	p->codec = codec;
	p->pt = pt;
	p->dtmf_pt = dtmf_pt;
	if (p->negotiated && sa_cmp(&p->signalled, remote, SA_ALL))
		return; /* what was learned of its place stays true */
	p->negotiated = true;
	p->latched = false;
	p->rtcp_latched = false;
	p->signalled = *remote;
	p->remote = *remote;
	p->rtcp_remote = *remote;
	sa_set_port(&p->rtcp_remote, (uint16_t)(sa_port(remote) + 1));
	p->dtls_to[0] = p->remote;
	p->dtls_to[1] = p->rtcp_remote;
}

/* -- protection --------------------------------------------------------- */

static void on_dtls_send(bool rtcp, struct bytes datagram, void *arg)
{
	struct rtp_port *p = arg;
	const struct sa *to = &p->dtls_to[rtcp];

	if (sa_port(to))
		(void)sendto(rtcp ? p->rtcp : p->rtp, datagram.p, datagram.n, 0,
			     &to->u.sa, to->len);
}

/* What was to be protected never goes plain. */
static int protected(struct rtp_port *p, int err)
{
	p->shut = err != 0;
	return err;
}

int rtp_port_set_sdes(struct rtp_port *p, const struct media_srtp_key *tx,
		      const struct media_srtp_key *rx)
{
	return protected(p, rtp_secure_sdes(&p->secure, tx, rx));
}

int rtp_port_set_dtls(struct rtp_port *p, bool client,
		      const uint8_t fingerprint[32])
{
	struct rtp_secure_dtls conf = {
		.client = client, .send = on_dtls_send, .arg = p};

	memcpy(conf.fingerprint, fingerprint, sizeof(conf.fingerprint));
	return protected(p, rtp_secure_dtls(&p->secure, &conf));
}

void rtp_port_set_plain(struct rtp_port *p)
{
	rtp_secure_free(&p->secure);
	p->shut = false;
}

void rtp_port_show(struct rtp_port *p, bool sent, bool rtcp,
		   const struct sa *peer, struct bytes plain)
{
	const struct rtp_port_packet packet = {.sent = sent,
					       .rtcp = rtcp,
					       .secure = p->secure != NULL,
					       .peer = peer,
					       .plain = plain};

	if (p->tap)
		p->tap(&packet, p->tap_arg);
}

void rtp_port_set_tap(struct rtp_port *p, rtp_port_tap_h *h, void *arg)
{
	p->tap = h;
	p->tap_arg = arg;
}

/* -- sending ------------------------------------------------------------ */

static int packet_send(struct rtp_port *p, struct rtp_header *h)
{
	uint8_t datagram[DATAGRAM_BYTES];
	int n = rtp_write(datagram, sizeof(datagram) - MEDIA_SRTP_TAIL_BYTES,
			  h);

	if (n > 0)
		rtp_port_show(p, true, false, &p->remote,
			      bytes_of(datagram, (size_t)n));
	if (n > 0 && p->secure)
		n = rtp_secure_protect(p->secure, false, datagram, (size_t)n);
	if (n < 0)
		return n;
	p->ts_last = h->ts;
	if (sendto(p->rtp, datagram, (size_t)n, 0, &p->remote.u.sa,
		   p->remote.len) < 0)
		return -errno;
	p->stats.tx_packets++;
	p->stats.tx_bytes += h->payload.n;
	return 0;
}

/* A key that is pressed stands where the audio would; true: it did. */
static bool key_send(struct rtp_port *p, uint32_t samples)
{
	uint8_t payload[TELEPHONE_EVENT_BYTES];
	struct telephone_slot slot = {.ts = p->ts,
				      .samples = samples,
				      .clock_hz = p->codec->rtp_clock_hz,
				      .event_clock_hz = p->keys_hz};
	struct rtp_header h = {
		.pt = (uint8_t)p->dtmf_pt, .seq = p->seq, .ssrc = p->ssrc};

	if (p->dtmf_pt < 0 ||
	    !telephone_sender_next(&p->keys, payload, &slot, &h.marker))
		return false;
	h.ts = slot.ts;
	h.payload = bytes_of(payload, sizeof(payload));
	(void)packet_send(p, &h);
	return true;
}

int rtp_port_send(struct rtp_port *p, struct bytes payload, uint32_t samples,
		  bool marker)
{
	struct rtp_header h = {.marker = marker,
			       .pt = (uint8_t)p->pt,
			       .seq = p->seq,
			       .ts = p->ts,
			       .ssrc = p->ssrc,
			       .payload = payload};
	bool pressed;

	if (!p->negotiated)
		return -ENOTCONN;
	if (p->shut)
		return -ENOKEY;
	pressed = key_send(p, samples);
	p->seq++;
	p->ts += samples;
	return pressed || !payload.n ? 0 : packet_send(p, &h);
}

int rtp_port_send_digits(struct rtp_port *p, const char *digits,
			 uint32_t event_hz)
{
	if (p->dtmf_pt < 0 || !event_hz)
		return -ENOTSUP;
	p->keys_hz = event_hz;
	return dtmf_queue_put(&p->keys.queue, digits);
}

static int report_write(struct rtp_port *p, uint8_t *dst, size_t room,
			usec_t now)
{
	struct rtcp_sender s = {
		.ssrc = p->ssrc,
		.packets = (uint32_t)p->stats.tx_packets,
		.octets = (uint32_t)p->stats.tx_bytes,
		.ts = p->ts_last,
		.cname = p->cname,
		.wall = clock_wall(),
		.now = now,
	};

	return rtcp_write_report(dst, room, &s, &p->receive);
}

static void rtcp_send(struct rtp_port *p, uint8_t *datagram, int n)
{
	if (p->shut)
		return;
	if (n > 0 && p->negotiated)
		rtp_port_show(p, true, true, &p->rtcp_remote,
			      bytes_of(datagram, (size_t)n));
	if (n > 0 && p->secure)
		n = rtp_secure_protect(p->secure, true, datagram, (size_t)n);
	if (n > 0 && p->negotiated)
		(void)sendto(p->rtcp, datagram, (size_t)n, 0,
			     &p->rtcp_remote.u.sa, p->rtcp_remote.len);
}

static void report_send(struct rtp_port *p, usec_t now)
{
	uint8_t datagram[RTCP_BYTES + MEDIA_SRTP_TAIL_BYTES];

	if (!p->report_at)
		p->report_at = now + RTP_PORT_REPORT_US / 2;
	if (now < p->report_at || !p->negotiated)
		return;
	p->report_at = now + RTP_PORT_REPORT_US;
	rtcp_send(p, datagram, report_write(p, datagram, RTCP_BYTES, now));
}

/* RFC 3550 6.1: a BYE stands behind a report. */
static void bye_send(struct rtp_port *p)
{
	uint8_t datagram[RTCP_BYTES + MEDIA_SRTP_TAIL_BYTES];
	int n = report_write(p, datagram, RTCP_BYTES, clock_now());
	int bye;

	if (n < 0)
		return;
	bye = rtcp_write_bye(datagram + n, RTCP_BYTES - (size_t)n, p->ssrc);
	if (bye > 0)
		rtcp_send(p, datagram, n + bye);
}

void rtp_port_free(struct rtp_port **pp)
{
	struct rtp_port *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	bye_send(p);
	rtp_secure_free(&p->secure); /* says goodbye by DTLS */
	(void)close(p->rtp);
	(void)close(p->rtcp);
	rtp_ports_give(p->range, p->number);
	free(p);
}

/* -- poll --------------------------------------------------------------- */

void rtp_port_poll(struct rtp_port *p, usec_t now)
{
	rtp_receive(p, now);
	if (!p->negotiated)
		return;
	if (p->secure)
		rtp_secure_tick(p->secure, now);
	rtp_receive_expire(p, now);
	report_send(p, now);
}

usec_t rtp_port_silence(const struct rtp_port *p, usec_t now)
{
	if (p->any_at == USEC_NEVER)
		return USEC_NEVER;
	return now > p->any_at ? now - p->any_at : 0;
}

void rtp_port_stats(const struct rtp_port *p, struct rtp_port_stats *s)
{
	*s = p->stats;
	s->rx_lost = p->lost_before + rtp_stats_lost(&p->receive);
	if (p->codec)
		s->jitter_us = (uint32_t)((p->receive.jitter_q4 >> 4) * USEC_S /
					  p->codec->rtp_clock_hz);
	s->remote = p->remote;
}

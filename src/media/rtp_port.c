#include "media/rtp_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "media/rtp_ports.h"
#include "media/rtp_secure.h"
#include "media/telephone_event.h"

#define DATAGRAM_BYTES 1500
/* L16 at 48 kHz comes in parts, which the kernel puts together. */
#define RECEIVE_BYTES 4096
#define BATCH 8
/* A flood must not hold the thread: the rest waits for the next tick. */
#define BATCHES_MAX 16
#define RTCP_POLL_US (100 * USEC_MS)
#define RTCP_BYTES 256
/* RFC 4594: audio is EF, six bits of which are the code point. */
#define TOS_EXPEDITED (46 << 2)

struct rtp_port {
	struct rtp_ports *range;
	uint16_t number;
	int rtp, rtcp; /* sockets */
	struct rtp_port_handlers handlers;
	void *arg;
	rtp_port_tap_h *tap;
	void *tap_arg;

	/* what was negotiated */
	bool negotiated;
	const struct media_codec *codec;
	int pt, dtmf_pt;
	struct sa signalled;
	struct rtp_secure *secure; /* NULL: plain */
	bool shut;            /* no keys for what was agreed: nothing passes */
	struct sa dtls_to[2]; /* where RTP's and RTCP's DTLS goes */

	/* where the peer is */
	bool latched;
	usec_t heard_at; /* RTP from `remote` */
	usec_t any_at;   /* anything from the peer; USEC_NEVER before */
	struct sa remote, rtcp_remote;
	bool rtcp_latched;

	/* what we send */
	char cname[17];
	uint32_t ssrc, ts;
	uint16_t seq;
	uint32_t ts_last;

	usec_t rtcp_poll_at, report_at;
	struct rtp_receive_stats receive;
	struct telephone_events events;
	struct telephone_sender keys;
	uint32_t keys_hz;
	uint64_t lost_before; /* by sources before this one */
	struct rtp_port_stats stats;
};

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

/* It authenticated itself: where it sits is where it sends from. */
static void dtls_take(struct rtp_port *p, struct bytes datagram,
		      const struct sa *src, bool rtcp, usec_t now)
{
	if (!p->secure)
		return;
	p->dtls_to[rtcp] = *src;
	if (!rtp_secure_input(p->secure, rtcp, datagram, now) || rtcp)
		return;
	p->remote = *src;
	p->latched = true;
	p->heard_at = now;
}

/* Opens a packet in its place; false: it is not the peer's. */
static bool secure_open(struct rtp_port *p, uint8_t *datagram, size_t *n,
			bool rtcp)
{
	int opened;

	if (!p->secure)
		return true;
	opened = rtp_secure_unprotect(p->secure, rtcp, datagram, *n);
	if (opened < 0) {
		p->stats.rx_unsafe++;
		return false;
	}
	*n = (size_t)opened;
	return true;
}

static void tap(struct rtp_port *p, bool sent, bool rtcp, const struct sa *peer,
		struct bytes plain)
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
		tap(p, true, false, &p->remote, bytes_of(datagram, (size_t)n));
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
		tap(p, true, true, &p->rtcp_remote,
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

/* -- RTP in ------------------------------------------------------------- */

/* Symmetric RTP: is this source the peer? A stranger gets in only when nobody
 * else has been heard lately, and never against the signalled address. */
static bool source_is_peer(struct rtp_port *p, const struct sa *src, usec_t now)
{
	bool known = sa_cmp(src, &p->remote, SA_ALL);

	if (!known && p->latched && !sa_cmp(src, &p->signalled, SA_ALL) &&
	    now < p->heard_at + RTP_PORT_RELATCH_US)
		return false;
	if (!known) {
		p->remote = *src;
		p->rtcp_remote = *src;
		sa_set_port(&p->rtcp_remote, (uint16_t)(sa_port(src) + 1));
		p->rtcp_latched = false;
	}
	p->latched = true;
	p->heard_at = now;
	p->any_at = now;
	return true;
}

static void digits_report(struct rtp_port *p, const struct telephone_digit *d,
			  int n)
{
	for (int i = 0; i < n; i++) {
		p->stats.digits++;
		if (p->handlers.digit)
			p->handlers.digit(
				d[i].digit,
				(unsigned)((uint64_t)d[i].duration * 1000 /
					   p->codec->rtp_clock_hz),
				p->arg);
	}
}

static void event_take(struct rtp_port *p, const struct rtp_header *h,
		       usec_t now)
{
	struct telephone_digit d[2];
	int n = telephone_event_read(&p->events, d, h, now);

	if (n < 0) {
		p->stats.rx_bad++;
		count_bad("rtp", "telephone-event", "too short");
	}
	digits_report(p, d, n);
}

static void receive_count(struct rtp_port *p, const struct rtp_header *h,
			  usec_t now)
{
	struct rtp_header counted = *h;

	/* the timestamp of an event is that of its beginning */
	if (h->pt == p->dtmf_pt)
		counted.payload.n = 0;
	if (p->receive.started && p->receive.ssrc != h->ssrc)
		p->lost_before += rtp_stats_lost(&p->receive);
	(void)rtp_stats_update(&p->receive, &counted, p->codec->rtp_clock_hz,
			       now);
	p->stats.rx_packets++;
	p->stats.rx_bytes += h->payload.n;
}

static void audio_take(struct rtp_port *p, const struct rtp_header *h,
		       usec_t now)
{
	struct media_packet packet = {.seq = h->seq,
				      .ts = h->ts,
				      .marker = h->marker,
				      .pt = h->pt,
				      .payload = h->payload,
				      .arrival = now};

	if (p->handlers.audio)
		p->handlers.audio(&packet, p->arg);
}

static void rtp_take(struct rtp_port *p, struct bytes datagram,
		     const struct sa *src, usec_t now)
{
	struct rtp_header h;

	if (rtp_read(&h, datagram)) {
		p->stats.rx_bad++;
		count_bad("rtp", "malformed", "not an RTP packet");
		return;
	}
	if ((h.pt != p->pt && h.pt != p->dtmf_pt &&
	     !sa_cmp(src, &p->remote, SA_ALL)) ||
	    !source_is_peer(p, src, now)) {
		p->stats.rx_foreign++;
		return;
	}
	tap(p, false, false, src, datagram);
	receive_count(p, &h, now);
	if (h.pt == p->dtmf_pt)
		event_take(p, &h, now);
	else if (h.pt == p->pt && h.payload.n)
		audio_take(p, &h, now);
}

/* -- RTCP in ------------------------------------------------------------ */

/* The middle 32 bits of the NTP time: 1/65536 s. */
static uint32_t ntp_middle(struct wall wall)
{
	uint64_t us = (uint64_t)wall.us + 2208988800U * USEC_S;

	return (uint32_t)((us / USEC_S) << 16 | ((us % USEC_S) << 16) / USEC_S);
}

static void block_take(struct rtp_port *p, const struct rtcp_report_block *b)
{
	uint32_t rtt;

	if (b->ssrc != p->ssrc || !b->last_sr)
		return;
	/* RFC 3550 6.4.1: A - LSR - DLSR */
	rtt = ntp_middle(clock_wall()) - b->last_sr - b->delay_since_sr;
	if (rtt < 30U << 16)
		p->stats.rtt_us = (uint32_t)((uint64_t)rtt * USEC_S >> 16);
}

static void rtcp_take(struct rtp_port *p, struct bytes datagram,
		      const struct sa *src, bool own_socket, usec_t now)
{
	struct rtcp_summary s;

	/* Its port may differ, its address may not. */
	if (!sa_cmp(src, &p->remote, SA_ADDR)) {
		p->stats.rx_foreign++;
		return;
	}
	if (!rtp_is_rtcp(datagram) || rtcp_read(&s, datagram)) {
		p->stats.rx_bad++;
		count_bad("rtcp", "malformed", "not an RTCP packet");
		return;
	}
	tap(p, false, true, src, datagram);
	p->any_at = now;
	if (own_socket && !p->rtcp_latched) {
		p->rtcp_latched = true;
		p->rtcp_remote = *src;
	}
	if (s.has_sr && s.sender_ssrc == p->receive.ssrc) {
		p->receive.last_sr = (uint32_t)(s.ntp >> 16);
		p->receive.last_sr_at = now;
	}
	for (size_t i = 0; i < s.blocks_n; i++)
		block_take(p, &s.blocks[i]);
	if (s.has_bye && p->handlers.bye)
		p->handlers.bye(p->arg);
}

/* -- poll --------------------------------------------------------------- */

static void datagram_take(struct rtp_port *p, uint8_t *datagram, size_t n,
			  const struct sockaddr_storage *from, bool own_socket,
			  usec_t now)
{
	bool rtcp = own_socket || rtp_is_rtcp(bytes_of(datagram, n));
	struct sa src;

	if (!p->negotiated || p->shut ||
	    sa_set_sa(&src, (const struct sockaddr *)from))
		return;
	if (rtp_secure_is_dtls(bytes_of(datagram, n)))
		dtls_take(p, bytes_of(datagram, n), &src, own_socket, now);
	else if (!secure_open(p, datagram, &n, rtcp))
		return;
	else if (rtcp)
		rtcp_take(p, bytes_of(datagram, n), &src, own_socket, now);
	else
		rtp_take(p, bytes_of(datagram, n), &src, now);
}

/* Returns how many datagrams there were. */
static int batch_read(struct rtp_port *p, int fd, usec_t now)
{
	uint8_t bytes[BATCH][RECEIVE_BYTES];
	struct sockaddr_storage from[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int n;

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < BATCH; i++) {
		parts[i].iov_base = bytes[i];
		parts[i].iov_len = RECEIVE_BYTES;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &from[i];
		messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		if (messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
			p->stats.rx_bad++;
			count_bad("rtp", "oversize", "longer than 4096 bytes");
			continue;
		}
		datagram_take(p, bytes[i], messages[i].msg_len, &from[i],
			      fd == p->rtcp, now);
	}
	return n;
}

static void socket_read(struct rtp_port *p, int fd, usec_t now)
{
	for (unsigned i = 0; i < BATCHES_MAX; i++)
		if (batch_read(p, fd, now) < BATCH)
			return;
}

void rtp_port_poll(struct rtp_port *p, usec_t now)
{
	struct telephone_digit d;

	socket_read(p, p->rtp, now);
	if (now >= p->rtcp_poll_at) {
		p->rtcp_poll_at = now + RTCP_POLL_US;
		socket_read(p, p->rtcp, now);
	}
	if (!p->negotiated)
		return;
	if (p->secure)
		rtp_secure_tick(p->secure, now);
	digits_report(p, &d, telephone_event_expire(&p->events, &d, now));
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

/* What comes to an RTP port: opened, laid to the peer or to a stranger, taken
 * as audio, digits or reports. */
#include "media/rtp_port_priv.h"

#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

/* 40 ms of L16 at 48 kHz, protected; they come in parts, which the kernel puts
 * together. */
#define RECEIVE_BYTES 4096
#define BATCH 8
/* A flood must not hold the thread: the rest waits for the next tick. */
#define BATCHES_MAX 16
#define RTCP_POLL_US (100 * USEC_MS)

/* -- protection --------------------------------------------------------- */

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
	rtp_port_show(p, false, false, src, datagram);
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
	rtp_port_show(p, false, true, src, datagram);
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

/* -- sockets ------------------------------------------------------------ */

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

void rtp_receive(struct rtp_port *p, usec_t now)
{
	socket_read(p, p->rtp, now);
	if (now < p->rtcp_poll_at)
		return;
	p->rtcp_poll_at = now + RTCP_POLL_US;
	socket_read(p, p->rtcp, now);
}

void rtp_receive_expire(struct rtp_port *p, usec_t now)
{
	struct telephone_digit d;

	digits_report(p, &d, telephone_event_expire(&p->events, &d, now));
}

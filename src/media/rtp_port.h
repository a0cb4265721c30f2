/* The RTP side towards SIP: one even port with RTP and the next odd one with
 * RTCP, symmetric RTP, RFC 4733 digits, reception statistics.
 *
 * Ports come from a range (default 16384-32768), shared by all threads through
 * one struct rtp_ports. An rtp_port lives on one media thread; once polled it
 * is read on the tick.
 */
#ifndef MEDIA_RTP_PORT_H
#define MEDIA_RTP_PORT_H

#include "base/re.h"

#include "media/codec.h"
#include "media/packet.h"
#include "media/rtp.h"
#include "media/srtp.h"

#define RTP_PORT_RELATCH_US (2 * USEC_S)
#define RTP_PORT_REPORT_US (5 * USEC_S)

struct rtp_ports; /* the range; thread-safe */
/* Even ports of first..last whose odd neighbour is in it as well. -EINVAL:
 * none. */
int rtp_ports_new(struct rtp_ports **pp, uint16_t first, uint16_t last);
void rtp_ports_free(struct rtp_ports **pp);
unsigned rtp_ports_in_use(struct rtp_ports *p); /* pairs */

struct rtp_port;

struct rtp_port_handlers {
	void (*audio)(const struct media_packet *p, void *arg);
	/* One RFC 4733 digit, once per press: 0-9, *, #, A-D. */
	void (*digit)(char digit, unsigned duration_ms, void *arg);
	void (*bye)(void *arg); /* RTCP BYE */
};

struct rtp_port_stats {
	uint64_t rx_packets, rx_bytes, rx_lost, rx_bad, rx_foreign;
	uint64_t rx_unsafe; /* plain, changed or replayed where SRTP is due */
	uint64_t tx_packets, tx_bytes, digits;
	uint32_t jitter_us, rtt_us;
	struct sa remote; /* where we send */
};

/* Binds a pair on `address` (its port is ignored). -EADDRINUSE: the range is
 * used up. May be called from any thread; attach it to the media thread before
 * use. The range must outlive the port. Handlers run inside rtp_port_poll();
 * they must not free the port. */
int rtp_port_new(struct rtp_port **pp, struct rtp_ports *range,
		 const struct sa *address, const struct rtp_port_handlers *h,
		 void *arg);
/* Every packet that counts, in clear: what comes from `peer` and what goes to
 * him. NULL: nobody looks. */
struct rtp_port_packet {
	bool sent, rtcp;
	bool secure; /* SRTP on the wire */
	const struct sa *peer;
	struct bytes plain;
};
typedef void(rtp_port_tap_h)(const struct rtp_port_packet *packet, void *arg);
void rtp_port_set_tap(struct rtp_port *p, rtp_port_tap_h *h, void *arg);
void rtp_port_free(struct rtp_port **pp); /* sends RTCP BYE */
uint16_t rtp_port_number(const struct rtp_port *p);
/* What the answer said: where to send and which payload types. dtmf_pt -1:
 * none. Symmetric RTP: the first valid packet's source wins over `remote`;
 * another one only when that has been silent for RTP_PORT_RELATCH_US, or when
 * it is `remote` itself. Before this call packets are dropped. */
void rtp_port_set_remote(struct rtp_port *p, const struct sa *remote,
			 const struct media_codec *codec, int pt, int dtmf_pt);
/* Digits of ours as events: each in place of the audio of its time. event_hz:
 * the clock of their payload type. -ENOTSUP: no such type was negotiated;
 * -EINVAL, -ENOSPC. */
int rtp_port_send_digits(struct rtp_port *p, const char *digits,
			 uint32_t event_hz);
/* Protection (rtp_secure.h), before rtp_port_set_remote() or at a change: from
 * now on nothing plain passes either way. Keys and associations that are the
 * same as before go on. -ENOMEM, -EINVAL, -EIO: nothing passes at all. */
int rtp_port_set_sdes(struct rtp_port *p, const struct media_srtp_key *tx,
		      const struct media_srtp_key *rx);
int rtp_port_set_dtls(struct rtp_port *p, bool client,
		      const uint8_t fingerprint[32]);
void rtp_port_set_plain(struct rtp_port *p);
/* Reads the RTP socket empty and the RTCP socket every tenth of a second;
 * sends reports; call on every tick. */
void rtp_port_poll(struct rtp_port *p, usec_t now);
/* payload.n 0: a packet that was lost before it came to us: its sequence
 * number and time pass, nothing is sent. -ENOTCONN before set_remote, -ENOKEY
 * without the keys for what was agreed. */
int rtp_port_send(struct rtp_port *p, struct bytes payload, uint32_t samples,
		  bool marker);
/* Microseconds since the last packet of any kind; USEC_NEVER before. */
usec_t rtp_port_silence(const struct rtp_port *p, usec_t now);
void rtp_port_stats(const struct rtp_port *p, struct rtp_port_stats *s);

#endif

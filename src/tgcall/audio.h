/* RTP and RTCP of one call's audio, in clear: the stream we send, the stream
 * we receive, reports and transport-wide feedback (telegram-wire E.11).
 *
 * An engine; one thread. Nothing is allocated per packet. Handlers run inside
 * the call that fed it.
 */
#ifndef TGCALL_AUDIO_H
#define TGCALL_AUDIO_H

#include "media/packet.h"
#include "media/rtp.h"
#include "tgcall/signaling.h"
#include "tgcall/twcc.h"

struct tgcall_audio_handlers {
	/* One packet to protect and send. */
	void (*send)(struct bytes plain, bool rtcp, void *arg);
	void (*audio)(const struct media_packet *packet, void *arg);
};

struct tgcall_audio {
	struct tgcall_audio_handlers handlers;
	void *arg;

	/* Sending. */
	bool send_open;
	struct tgcall_channel send;
	uint16_t seq, transport_seq;
	uint32_t ts;
	usec_t sent_at; /* the last packet; 0: none yet */
	uint32_t sent_samples;
	uint64_t tx_packets, tx_bytes;
	char cname[17];

	/* Receiving. */
	bool recv_open;
	struct tgcall_channel recv;
	struct rtp_receive_stats received;
	struct twcc_receiver feedback;
	uint64_t rx_packets, rx_bytes, rx_padding, rx_bad;
	uint8_t remote_lost_q8; /* fraction lost, from the peer's reports */
	struct twcc_report remote_feedback, loss_from; /* loss_from: of the
						       last window's end */
	usec_t feedback_heard_at; /* 0: the peer sends none */
	uint32_t loss_q16;        /* smoothed; of 65536 */
	uint32_t last_samples;    /* of a received packet, by its timestamp */
	uint32_t last_ts;
	uint16_t last_seq;

	usec_t report_at, feedback_at;
};

void tgcall_audio_init(struct tgcall_audio *a,
		       const struct tgcall_audio_handlers *h, void *arg);
void tgcall_audio_send_open(struct tgcall_audio *a,
			    const struct tgcall_channel *c, usec_t now);
void tgcall_audio_recv_open(struct tgcall_audio *a,
			    const struct tgcall_channel *c, usec_t now);
/* -ENOTCONN before the direction is open, -EMSGSIZE. */
int tgcall_audio_send(struct tgcall_audio *a, struct bytes opus,
		      uint32_t samples, usec_t now);
/* Is this datagram, still protected, of the stream we expect? */
bool tgcall_audio_is_expected(const struct tgcall_audio *a,
			      struct bytes datagram);
void tgcall_audio_rtp(struct tgcall_audio *a, struct bytes plain, usec_t now);
void tgcall_audio_rtcp(struct tgcall_audio *a, struct bytes plain, usec_t now);
/* Per cent of our packets that the peer lost lately, by its feedback, else by
 * its reports. */
unsigned tgcall_audio_loss(const struct tgcall_audio *a);
usec_t tgcall_audio_deadline(const struct tgcall_audio *a);
void tgcall_audio_timeout(struct tgcall_audio *a, usec_t now);

#endif

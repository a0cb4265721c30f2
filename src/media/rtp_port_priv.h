/* The inside of an RTP port, shared by two files only.
 *
 *   rtp_port.c     life, what was negotiated, packets and reports of ours
 *   rtp_receive.c  what comes in: whose it is, what it means
 */
#ifndef MEDIA_RTP_PORT_PRIV_H
#define MEDIA_RTP_PORT_PRIV_H

#include "media/rtp_port.h"
#include "media/rtp_secure.h"
#include "media/telephone_event.h"

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

/* -- rtp_port.c ----------------------------------------------------------- */

/* To whoever captures the call; plain: a packet that counts. */
void rtp_port_show(struct rtp_port *p, bool sent, bool rtcp,
		   const struct sa *peer, struct bytes plain);

/* -- rtp_receive.c -------------------------------------------------------- */

/* Reads the sockets as rtp_port_poll() says; handlers run inside. */
void rtp_receive(struct rtp_port *p, usec_t now);
/* Digits whose end was lost are told. */
void rtp_receive_expire(struct rtp_port *p, usec_t now);

#endif

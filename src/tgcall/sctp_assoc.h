/* The inside of an association, shared by its files: sctp.c (the outer
 * interface, timers, output), sctp_setup.c (INIT, cookies, tags) and
 * sctp_input.c (chunks).
 *
 *   CLOSED ──connect──▶ COOKIE_WAIT ──INIT-ACK──▶ COOKIE_ECHOED
 *     │ ▲                    │                         │ COOKIE-ACK, DATA
 *     │ │ ABORT          COOKIE-ECHO (of ours)     COOKIE-ECHO
 *     │ └────────────────┐   ▼                         ▼
 *     └──COOKIE-ECHO────▶ ESTABLISHED ──SHUTDOWN──▶ SHUTDOWN_RECEIVED
 *                            ▲                         │ all acknowledged
 *                            └─ restart (5.2.4 A)      ▼
 *                                              SHUTDOWN_ACK_SENT ──▶ CLOSED
 */
#ifndef TGCALL_SCTP_ASSOC_H
#define TGCALL_SCTP_ASSOC_H

#include "tgcall/sctp.h"
#include "tgcall/sctp_cookie.h"
#include "tgcall/sctp_packet.h"
#include "tgcall/sctp_rx.h"
#include "tgcall/sctp_tx.h"

enum sctp_state {
	SCTP_STATE_CLOSED,
	SCTP_STATE_COOKIE_WAIT,
	SCTP_STATE_COOKIE_ECHOED,
	SCTP_STATE_ESTABLISHED,
	SCTP_STATE_SHUTDOWN_RECEIVED,
	SCTP_STATE_SHUTDOWN_ACK_SENT,
};

struct sctp_packet;

struct sctp {
	struct sctp_conf conf;
	enum sctp_state state;
	bool ended;             /* it was open, and closed */
	bool running;           /* handlers are being called */
	bool is_new;            /* `established` is to be told */
	const char *why_closed; /* to be told */
	usec_t now;

	uint8_t secret[SCTP_SECRET_BYTES];
	uint32_t local_tag, peer_tag, local_tsn;
	uint32_t peer_streams;
	struct buf cookie; /* the peer's, to be echoed */

	usec_t setup_at, setup_delay; /* T1, and T2 when shutting down */
	unsigned setup_n;
	usec_t heartbeat_at;

	struct sctp_rx rx;
	struct sctp_tx tx;
	struct sctp_packet *packets, **packets_tail; /* for the carrier */
	size_t packets_n;
};

/* -- sctp.c */
void sctp_state_set(struct sctp *s, enum sctp_state state);
void sctp_close(struct sctp *s, const char *why);
/* A packet of one chunk, queued. */
void sctp_chunk_send(struct sctp *s, uint32_t tag, uint8_t type, uint8_t flags,
		     struct bytes body);
void sctp_packet_queue(struct sctp *s, struct buf *packet);

/* -- sctp_input.c */
int sctp_packet_input(struct sctp *s, struct bytes packet);

/* -- sctp_setup.c */
void sctp_init_send(struct sctp *s);
void sctp_cookie_echo_send(struct sctp *s);
int sctp_on_init(struct sctp *s, struct bytes body);
int sctp_on_init_ack(struct sctp *s, struct bytes body);
int sctp_on_cookie_echo(struct sctp *s, uint32_t tag, struct bytes body);

#endif

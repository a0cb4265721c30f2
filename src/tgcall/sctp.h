/* A small SCTP association (RFC 9260) over any datagram carrier: the signalling
 * channel (E.4) and the data channel under DTLS (E.9, RFC 8831).
 *
 * An engine: packets and `now` in, packets and a deadline out. Ordered,
 * reliable streams; fragmentation and reassembly; gap-aware receipt; INIT
 * collision (5.2.1) and INIT in any state; HEARTBEAT; ABORT; SHUTDOWN.
 * No multi-homing, no congestion control beyond the peer's window and a fixed
 * flight limit: the carriers are a few messages a call.
 * One thread; handlers run last, they must not free the association.
 */
#ifndef TGCALL_SCTP_H
#define TGCALL_SCTP_H

#include "base/bytes.h"
#include "base/clock.h"

struct sctp;

struct sctp_handlers {
	void (*packet)(struct bytes packet, void *arg); /* for the carrier */
	void (*established)(void *arg);
	void (*message)(uint16_t stream, uint32_t ppid, struct bytes data,
			void *arg);
	/* ABORT, SHUTDOWN. A later INIT of the peer opens it again. */
	void (*closed)(const char *why, void *arg);
};

struct sctp_conf {
	uint16_t port;       /* both sides: 5000 */
	size_t packet_max;   /* bytes of one packet, e.g. 1191 */
	size_t message_max;  /* 262144 */
	usec_t init_first;   /* T1: 400 ms */
	usec_t init_cap;     /* back-off cap: 750 ms */
	usec_t resend_first; /* T3: 400 ms */
	usec_t resend_cap;   /* 750 ms */
	usec_t heartbeat;    /* 30.5 s; 0: none */
	void (*random)(void *p, size_t n, void *arg); /* NULL: random_bytes */
	void *random_arg;
	struct sctp_handlers handlers;
	void *arg;
};

int sctp_new(struct sctp **sp, const struct sctp_conf *conf);
void sctp_free(struct sctp **sp);
void sctp_connect(struct sctp *s, usec_t now); /* sends INIT */
/* -EBADMSG: bad checksum, tag or chunk; counted by the caller. */
int sctp_input(struct sctp *s, struct bytes packet, usec_t now);
/* The same without looking at the checksum: for fuzzing. */
int sctp_input_unchecked(struct sctp *s, struct bytes packet, usec_t now);
/* Looks like a packet between these ports with a right checksum. */
bool sctp_is_packet(struct bytes packet, uint16_t port);
/* Queued until established. -EMSGSIZE, -ENOMEM, -EPIPE after close. */
int sctp_send(struct sctp *s, uint16_t stream, uint32_t ppid, struct bytes data,
	      usec_t now);
void sctp_abort(struct sctp *s, usec_t now);
bool sctp_is_established(const struct sctp *s);
usec_t sctp_deadline(const struct sctp *s);
void sctp_timeout(struct sctp *s, usec_t now);
uint32_t sctp_crc32c(const void *p, size_t n);

#endif

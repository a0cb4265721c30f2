/* Call signalling: framing, encryption, JSON, negotiation (telegram-wire E.3
 * to E.6). An engine without I/O and clock: blobs and `now` in; blobs, events
 * and a deadline out. One thread. Handlers run last inside the call that fed
 * the engine; they must not free it.
 */
#ifndef TGCALL_SIGNALING_H
#define TGCALL_SIGNALING_H

#include "base/bytes.h"
#include "base/clock.h"

struct tgcall_signaling;

enum tgcall_framing {
	TGCALL_FRAMING_RAW,   /* 7.0.0 */
	TGCALL_FRAMING_ACKED, /* 8.0.0, 9.0.0, 10.0.0 */
	TGCALL_FRAMING_SCTP,  /* 11.0.0, 12.0.0, 13.0.0 */
};

/* All versions this library speaks, descending, NULL-terminated. Which of them
 * are announced is a setting: 10.0.0 and 11.0.0 are not by themselves. */
const char *const *tgcall_versions(void);
/* -ENOENT for a version we do not speak. */
int tgcall_framing_of(enum tgcall_framing *fp, const char *version);
/* 10.0.0 and 11.0.0, which exchange session descriptions (E.13). */
bool tgcall_version_is_sdp(const char *version);

enum tgcall_setup { TGCALL_ACTPASS, TGCALL_ACTIVE, TGCALL_PASSIVE };

struct tgcall_transport { /* InitialSetup */
	char ufrag[260];
	char pwd[260];
	bool renomination;
	enum tgcall_setup setup;
	uint8_t fingerprint[32]; /* sha-256 */
};

struct tgcall_channel { /* the audio content of a NegotiateChannels */
	uint32_t ssrc;
	int payload_type;      /* Opus */
	int ext_abs_send_time; /* RTP header extension ids, 0: none */
	int ext_transport_cc;
	int ext_audio_level;
	int ext_mid;
};

struct tgcall_media_state {
	bool muted, low_battery;
};

struct tgcall_signaling_handlers {
	/* One blob for phone.sendSignalingData; keep the order. */
	void (*blob)(struct bytes blob, void *arg);
	/* Peer's InitialSetup or description, first or changed (ICE
	 * restart). */
	void (*remote_transport)(const struct tgcall_transport *t, void *arg);
	/* "candidate:..." as given. */
	void (*remote_candidate)(const char *candidate, void *arg);
	/* Our sending direction is open: send with these ids. */
	void (*send_open)(const struct tgcall_channel *c, void *arg);
	/* The peer's sending direction is open: receive this SSRC. May come
	 * again with other values. */
	void (*recv_open)(const struct tgcall_channel *c, void *arg);
	void (*media_state)(const struct tgcall_media_state *s, void *arg);
};

struct tgcall_signaling_conf {
	enum tgcall_framing framing;
	bool sdp;      /* session descriptions instead of E.5's messages */
	bool outgoing; /* we are the caller */
	uint8_t key[256];
	bool nosctp; /* network_signaling_nosctp */
	/* network_sctp_*: first delay of SCTP's timers and its cap; 0: 400 and
	 * 750 ms */
	usec_t sctp_first, sctp_cap;
	struct tgcall_transport local;
	uint32_t ssrc;                                /* ours; 0: drawn */
	void (*random)(void *p, size_t n, void *arg); /* NULL: random_bytes */
	void *random_arg;
	struct tgcall_signaling_handlers handlers;
	void *arg;
};

int tgcall_signaling_new(struct tgcall_signaling **sp,
			 const struct tgcall_signaling_conf *conf);
void tgcall_signaling_free(struct tgcall_signaling **sp);
/* Begins: the caller sends its messages, the callee waits. */
void tgcall_signaling_start(struct tgcall_signaling *s, usec_t now);
/* One blob from the peer. A bad one is counted and dropped: -EBADMSG. The
 * framing is taken from the blob's content where it tells (E.1 note 1), and
 * ours follows what the peer speaks. -EALREADY: came before. */
int tgcall_signaling_input(struct tgcall_signaling *s, struct bytes blob,
			   usec_t now);
/* The same behind the cipher: for tests and fuzzing. */
int tgcall_signaling_input_plain(struct tgcall_signaling *s, struct bytes plain,
				 usec_t now);
/* One local candidate, "candidate:1 1 udp ...", trickled. */
void tgcall_signaling_candidate(struct tgcall_signaling *s,
				const char *candidate, usec_t now);
/* Our MediaState, to a peer without a data channel. */
void tgcall_signaling_media_state(struct tgcall_signaling *s,
				  const struct tgcall_media_state *state,
				  usec_t now);
/* A JSON text that came over the data channel (MediaState and others). */
int tgcall_signaling_json(struct tgcall_signaling *s, struct bytes json,
			  usec_t now);
usec_t tgcall_signaling_deadline(const struct tgcall_signaling *s);
void tgcall_signaling_timeout(struct tgcall_signaling *s, usec_t now);
bool tgcall_signaling_send_is_open(const struct tgcall_signaling *s);
bool tgcall_signaling_recv_is_open(const struct tgcall_signaling *s);
/* A candidate carried sdpMid, which native apps do not send; or descriptions
 * are exchanged, with which they behave like one. */
bool tgcall_signaling_peer_is_web(const struct tgcall_signaling *s);
/* The framing spoken: the configured one, or what the peer speaks. */
enum tgcall_framing tgcall_signaling_framing(const struct tgcall_signaling *s);
/* The peer's association ended (SCTP ABORT); nothing more will come. */
bool tgcall_signaling_aborted(const struct tgcall_signaling *s);
/* Says goodbye (SCTP ABORT) where the framing has one. */
void tgcall_signaling_close(struct tgcall_signaling *s, usec_t now);

/* Appends the MediaState message, for the data channel. -ENOMEM. */
int tgcall_media_state_put(struct buf *b, const struct tgcall_media_state *s);

#endif

/* One Telegram call's media: signalling, ICE, DTLS-SRTP, audio, data channel.
 *
 * Ties the engines to sockets on the current thread's libre loop: create, use
 * and free it on one thread (a media thread). During set-up sockets wake the
 * loop; once established the owner calls tgcall_poll() on its tick, so that a
 * busy thread wakes once a tick and not once a packet. Handlers must not free
 * the call: note it and free it later.
 */
#ifndef TGCALL_TGCALL_H
#define TGCALL_TGCALL_H

#include "base/bytes.h"
#include "base/clock.h"
#include "media/packet.h"
#include "tgcall/signaling.h"

struct tgcall;

enum tgcall_state {
	TGCALL_STATE_WAIT,        /* nothing from the peer yet, or connecting */
	TGCALL_STATE_ESTABLISHED, /* ICE writable and DTLS done */
	TGCALL_STATE_RECONNECTING,
	TGCALL_STATE_FAILED, /* 20 s without a connection; final */
};

struct tgcall_server {
	int id;        /* of a reflector: 1..n by sorted ids (E.8) */
	char host[48]; /* literal address */
	uint16_t port;
	char username[128], password[128];
	bool turn; /* else STUN when no username and no tag */
	bool reflector, tcp;
	uint8_t peer_tag[16];
};

struct tgcall_handlers {
	void (*signal)(struct bytes blob,
		       void *arg); /* phone.sendSignalingData */
	void (*state)(enum tgcall_state state, void *arg);
	/* One decrypted Opus packet; padding-only packets are left out. Runs
	 * from tgcall_poll() or the socket; no allocation on the way. */
	void (*audio)(const struct media_packet *packet, void *arg);
	void (*media_state)(const struct tgcall_media_state *s, void *arg);
};

struct tgcall_conf {
	const char *version;
	bool outgoing;
	uint8_t key[256];
	bool p2p_allowed; /* false: relays only, no other socket is opened */
	const char *custom_parameters;       /* JSON or NULL */
	const struct tgcall_server *servers; /* copied */
	size_t servers_n;
	/* Local addresses to gather on; NULL: all of the machine, loopback only
	 * when there is no other or allow_loopback. */
	const char *bind_address;
	bool allow_loopback;
	struct tgcall_handlers handlers;
	void *arg;
};

struct tgcall_stats {
	uint64_t rx_packets, rx_bytes, rx_lost, rx_padding, rx_bad;
	uint64_t tx_packets, tx_bytes;
	uint32_t rtt_us; /* of the ICE pair */
	uint32_t
		remote_lost_q8; /* fraction lost reported by the peer, of 256 */
	uint32_t connect_us;    /* start to established */
	char local[64],
		remote[64]; /* the selected pair, "host 10.0.0.1:4000" */
};

/* -ENOENT: version unknown. -EADDRNOTAVAIL: nothing to gather on; without
 * p2p_allowed: no relay among the servers. -ENOTSUP: the parameters ask
 * for network_use_mtproto with 10.0.0 or 11.0.0. */
int tgcall_new(struct tgcall **cp, const struct tgcall_conf *conf);
void tgcall_free(struct tgcall **cp); /* says goodbye, closes sockets */
void tgcall_start(struct tgcall *c);
int tgcall_signal_input(struct tgcall *c, struct bytes blob);
/* One Opus packet of `samples` at 48 kHz. Dropped before the direction opens:
 * -ENOTCONN. Empty: a packet was lost before it reached us; the sequence goes
 * on and nothing is sent. */
/* Every packet of its media, in clear. NULL: nobody looks. */
typedef void(tgcall_tap_h)(bool sent, bool rtcp, struct bytes plain, void *arg);
void tgcall_set_tap(struct tgcall *c, tgcall_tap_h *h, void *arg);
int tgcall_send_audio(struct tgcall *c, struct bytes opus, uint32_t samples);
void tgcall_mute(struct tgcall *c, bool muted); /* MediaState to the peer */
/* Reads every socket empty and runs what is due. */
void tgcall_poll(struct tgcall *c, usec_t now);
/* true: the owner polls on its tick from now on; sockets leave the loop. */
void tgcall_set_polled(struct tgcall *c, bool polled);
enum tgcall_state tgcall_state(const struct tgcall *c);
bool tgcall_peer_is_native(const struct tgcall *c); /* no sdpMid seen: 60 ms */
/* Per cent of our packets that the peer lost lately, smoothed; 0 while it has
 * not said: what the encoder should be prepared for. */
unsigned tgcall_reported_loss(const struct tgcall *c);
void tgcall_stats(const struct tgcall *c, struct tgcall_stats *s);

#endif

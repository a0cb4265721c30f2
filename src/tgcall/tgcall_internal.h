/* A call's inside, shared by its files only. */
#ifndef TGCALL_TGCALL_INTERNAL_H
#define TGCALL_TGCALL_INTERNAL_H

#include "base/re.h"
#include "ice/agent.h"
#include "media/dtls.h"
#include "media/srtp_pair.h"
#include "tgcall/audio.h"
#include "tgcall/data_channel.h"
#include "tgcall/relay.h"
#include "tgcall/sealed.h"
#include "tgcall/socket.h"
#include "tgcall/tgcall.h"

#define TGCALL_CANDIDATES_MAX 32
#define TGCALL_HELLO_BYTES 1500

struct tgcall_socket {
	struct tgcall *call;
	struct sa addr;
	int fd;
	int base; /* of the ICE agent; -1: none yet */
};

struct tgcall {
	struct tgcall_handlers handlers;
	void *arg;
	tgcall_tap_h *tap;
	void *tap_arg;
	bool outgoing;
	bool standalone; /* network_standalone_reflectors */
	int servers_n;
	struct sa servers[8]; /* STUN */

	struct ice_agent *ice;
	struct tgcall_signaling *signaling;
	struct media_dtls *dtls;
	struct srtp_pair *srtp;
	struct sealed *sealed; /* instead of both: network_use_mtproto */
	struct data_channel *channel;
	struct tgcall_audio audio;

	int sockets_n;
	struct tgcall_socket sockets[TGCALL_SOCKETS_MAX];
	int relays_n;
	struct tgcall_relay *relays[TGCALL_RELAYS_MAX];
	bool has_bind, allow_loopback;
	struct sa bind; /* local address to gather on, port 0 */
	int reading;    /* base of the socket that is being read */
	bool started, polled, muted;
	struct tmr tmr;
	usec_t now;    /* of the call into us that is being served */
	usec_t due_at; /* when time alone asks for something */
	unsigned polls;

	bool has_remote;
	struct tgcall_transport remote;
	/* E.9: "a ClientHello may arrive before InitialSetup was processed:
	 * cache one". */
	uint8_t hello[TGCALL_HELLO_BYTES];
	size_t hello_n;
	bool dtls_broken, dtls_closed;
	usec_t dtls_retry_at;

	/* Local candidates on their way into signalling. */
	int candidates_n;
	char candidates[TGCALL_CANDIDATES_MAX][160];

	enum tgcall_state state;
	bool tell_state, tell_media;
	usec_t started_at, lost_at, renew_at;
	uint32_t connect_us;
	uint64_t rx_bad;
};

/* gather.c: the call's own sockets. */
int tgcall_sockets_open(struct tgcall *c, const struct tgcall_conf *conf);
void tgcall_sockets_gather(struct tgcall *c); /* into the ICE agent */
/* Those for addresses that the machine did not have before. */
void tgcall_sockets_renew(struct tgcall *c);
/* NULL: the base is a relay's. */
struct tgcall_socket *tgcall_socket_of(struct tgcall *c, int base);
/* secure.c: DTLS, its keys and what runs over them. */
void tgcall_secure_try(struct tgcall *c);
void tgcall_secure_reset(struct tgcall *c);
void tgcall_secure_input(struct tgcall *c, struct bytes datagram);
/* May media pass? */
bool tgcall_secure_is_up(const struct tgcall *c);
void tgcall_secure_media(struct tgcall *c, struct bytes plain, bool rtcp);
/* A packet of network_use_mtproto. */
void tgcall_secure_sealed(struct tgcall *c, struct bytes packet);
void tgcall_secure_timeout(struct tgcall *c);
usec_t tgcall_secure_deadline(const struct tgcall *c);
void tgcall_secure_media_state(struct tgcall *c);
/* tgcall.c: every way in begins and ends with these. */
void tgcall_enter(struct tgcall *c, usec_t now);
void tgcall_leave(struct tgcall *c);
/* datagram.c. One datagram of a peer, from the base `reading`. */
void tgcall_datagram_input(struct tgcall *c, const struct sa *src,
			   struct bytes d);
void tgcall_socket_listen(struct tgcall_socket *s, bool listen);
void tgcall_base_send(struct tgcall *c, int base, const struct sa *dst,
		      struct bytes datagram);
/* RTP or RTCP in clear. */
void tgcall_media_plain(struct tgcall *c, struct bytes plain, bool rtcp);
/* To the selected pair. */
void tgcall_datagram_send(struct tgcall *c, struct bytes datagram);

#endif

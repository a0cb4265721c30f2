/* phone.* signalling of one-to-one calls (telegram-wire D).
 *
 * One object a call, an idempotent state machine: phoneCall may come as the
 * result of a query or as an update, twice, or late. Every check of D.2 is
 * made here; a failed one discards the call with reason Disconnect and says
 * so. Same loop and rules as account.h.
 */
#ifndef TELEGRAM_PHONE_H
#define TELEGRAM_PHONE_H

#include "telegram/account.h"

enum tg_call_state {
	TG_CALL_REQUESTING, /* requestCall sent */
	TG_CALL_WAITING,    /* accepted by the server, no device yet */
	TG_CALL_RINGING,    /* a device has it (outgoing), or we are called */
	TG_CALL_EXCHANGING, /* accepted, keys under way */
	TG_CALL_ACTIVE,     /* key known: media may start */
	TG_CALL_ENDED,
};

enum tg_discard {
	TG_DISCARD_NONE, /* the server gave no reason */
	TG_DISCARD_MISSED,
	TG_DISCARD_BUSY,
	TG_DISCARD_HANGUP,
	TG_DISCARD_DISCONNECT,
};

/* One relay or STUN server of the call (D.9). */
struct tg_call_server {
	int64_t id;
	char ip[48], ipv6[48];
	uint16_t port;
	bool turn, stun, tcp, reflector;
	char username[128], password[128]; /* TURN */
	uint8_t peer_tag[16];              /* reflector */
};

/* All that the media engine needs. Wipe after use. */
struct tg_call_media {
	uint8_t key[256];
	bool outgoing; /* we are the caller */
	char version[16];
	bool p2p_allowed;
	struct tg_call_server servers[16];
	size_t servers_n;
	char *custom_parameters; /* JSON or NULL; owned by the call */
	uint8_t emoji[4 * 2];    /* four indices, BE16 each (D.2) */
};

struct tg_call_end {
	enum tg_discard reason;
	bool by_us;
	bool was_ringing; /* some device had confirmed the call */
	bool was_active;
	int duration_s;
	/* Set when a query failed: Telegram's own code and text (D.8), or a
	 * failed check of ours with code 0. */
	int error_code;
	char error[128];
};

struct tg_call_handlers {
	void (*state)(enum tg_call_state state, void *arg);
	void (*active)(const struct tg_call_media *media, void *arg);
	/* One blob of updatePhoneCallSignalingData, in order; early ones are
	 * queued (64 KiB at most) until the call is ACTIVE. */
	void (*signaling)(struct bytes data, void *arg);
	/* Last handler of the call; tg_call_unref() may be called inside. */
	void (*ended)(const struct tg_call_end *end, void *arg);
};

/* Whether a call may be asked for now, to `to` or (NULL) at all; false: why is
 * the error that Telegram would give, "FLOOD_WAIT_n" or "PEER_FLOOD"; or
 * "FEATURE_OFF": calls are not among the account's features. */
bool tg_call_permitted(struct tg_account *a, const struct tg_user *to,
		       char why[32]);
/* Starts a call to a user with an access hash. versions: library versions to
 * announce, descending, NULL-terminated; copied. Errors: -EINVAL, -ENOMEM,
 * -ENOTCONN when the account is not READY, -EPERM when calls are not among its
 * features. */
int tg_call_request(struct tg_call **cp, struct tg_account *a,
		    const struct tg_user *to, const char *const *versions,
		    const struct tg_call_handlers *handlers, void *arg);
/* Takes over a call given by `incoming`: receivedCall is sent, it rings. */
int tg_call_take(struct tg_call *call, const char *const *versions,
		 const struct tg_call_handlers *handlers, void *arg);
int tg_call_accept(struct tg_call *call);
/* Ends the call on Telegram. Media seconds for `duration`. ended() follows. */
void tg_call_discard(struct tg_call *call, enum tg_discard reason,
		     int duration_s);
/* Sent strictly in order, one at a time. -ENOTCONN before ACTIVE, -ENOBUFS:
 * 512 KiB wait already. */
int tg_call_send_signaling(struct tg_call *call, struct bytes data);
int64_t tg_call_id(const struct tg_call *call); /* 0 before WAITING */
int64_t tg_call_access_hash(const struct tg_call *call);
enum tg_call_state tg_call_state(const struct tg_call *call);
void tg_call_unref(struct tg_call **cp);
/* Ends a call of an earlier process by its ids (after a crash). */
int tg_call_discard_stale(struct tg_account *a, int64_t id, int64_t access_hash,
			  tg_answer_h *done, void *arg);

#endif

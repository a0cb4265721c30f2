/* The server side of MTProto, for simulated data centres.
 *
 * One engine a TCP connection; authorisation keys and sessions are shared by
 * all connections through `struct mtp_server_store` of the caller. Strict: a
 * wrong msg_id, seqno, salt, padding, layer wrapper or constructor gets exactly
 * the answer Telegram gives (bad_msg_notification code, bad_server_salt,
 * transport error -404, rpc_error). Hostile behaviour is switched on per
 * connection to test that clients refuse it.
 *
 * One thread; handlers as in client.h.
 */
#ifndef MTPROTO_SERVER_H
#define MTPROTO_SERVER_H

#include "base/bytes.h"
#include "base/clock.h"
#include "mtproto/rsa.h"

struct mtp_server;

/* One fault a hostile server commits, at the step it belongs to. */
enum mtp_hostile {
	MTP_HOSTILE_NONE,
	MTP_HOSTILE_NONCE,           /* resPQ with another nonce */
	MTP_HOSTILE_SERVER_NONCE,    /* server_DH_params with another one */
	MTP_HOSTILE_FINGERPRINT,     /* only unknown key fingerprints */
	MTP_HOSTILE_PQ,              /* pq is prime, or not a product of two */
	MTP_HOSTILE_PRIME_COMPOSITE, /* dh_prime not prime */
	MTP_HOSTILE_PRIME_UNSAFE,    /* (p-1)/2 not prime */
	MTP_HOSTILE_PRIME_SHORT,     /* not 2048 bits */
	MTP_HOSTILE_GENERATOR,       /* g outside 2..7 or wrong for p */
	MTP_HOSTILE_GA_RANGE,        /* g_a outside [2^1984, p - 2^1984] */
	MTP_HOSTILE_ANSWER_HASH,     /* SHA1 of the answer wrong */
	MTP_HOSTILE_NEW_NONCE_HASH,  /* dh_gen_ok with a wrong hash */
	MTP_HOSTILE_MSG_KEY,     /* encrypted message with a wrong msg_key */
	MTP_HOSTILE_REPLAY,      /* the same encrypted message twice */
	MTP_HOSTILE_SESSION,     /* another session_id */
	MTP_HOSTILE_PADDING,     /* 8 or 2048 bytes of padding */
	MTP_HOSTILE_MSG_ID,      /* even msg_id */
	MTP_HOSTILE_MSG_ID_TIME, /* msg_id 10 minutes old */
	MTP_HOSTILE_DH_RETRY,    /* dh_gen_retry once, then dh_gen_ok */
	MTP_HOSTILE_DH_FAIL,     /* dh_gen_fail */
	MTP_HOSTILE_COUNT,
};

struct mtp_server_handlers {
	/* A new key is ready: keep it (256 bytes). expires 0 = permanent. */
	void (*key)(uint64_t key_id, const uint8_t key[256], int32_t expires_in,
		    int64_t first_salt, void *arg);
	/* Look up a key; false: the engine sends transport error -404. */
	bool (*find)(uint64_t key_id, uint8_t key[256], void *arg);
	/* One query, wrappers removed (invokeWithLayer, initConnection,
	 * invokeAfterMsg, invokeWithoutUpdates; gzip or zlib undone). layer 0:
	 * this session never sent invokeWithLayer. Order of invokeAfterMsg is
	 * kept by the engine. Answer now or later with mtp_server_answer(). */
	void (*query)(int64_t msg_id, int32_t layer, bool no_updates,
		      struct bytes query, void *arg);
	/* The (key, session) this connection carries became known or changed:
	 * a session once announced with new_session_created. */
	void (*session)(uint64_t key_id, int64_t session_id, void *arg);
	/* The layer that some session of this key named, 0: none. Asked for
	 * sessions of keys from before a restart. May be NULL. */
	int32_t (*layer)(uint64_t key_id, void *arg);
	/* destroy_auth_key: forget the key. May be NULL. */
	void (*destroy)(uint64_t key_id, void *arg);
	/* For the log and for tests: what was refused and how. */
	void (*refused)(const char *what, void *arg);
};

struct mtp_server_conf {
	const struct mtp_rsa *rsa; /* private keys; borrowed */
	int16_t dc; /* our number, checked in p_q_inner_data_dc */
	enum mtp_hostile hostile;
	/* Of the address this connection came to (16 bytes), or NULL. */
	const uint8_t *secret;
	/* Layers taken in invokeWithLayer; 0: 100 and TL_LAYER + 20. */
	int32_t layer_min, layer_max;
	/* Hand queries with a constructor outside the schema to query() too;
	 * otherwise they get INPUT_METHOD_INVALID_<id> here. */
	bool unknown_methods;
	/* Salts and msg_id state that survive a reconnect; owned by the caller,
	 * shared by all connections of this data centre. */
	struct mtp_sessions *sessions;
	struct mtp_server_handlers handlers;
	void *arg;
};

int mtp_server_new(struct mtp_server **sp, const struct mtp_server_conf *conf);
void mtp_server_free(struct mtp_server **sp);
int mtp_server_input(struct mtp_server *s, struct bytes in, usec_t now,
		     struct wall wall); /* negative: close the connection */
struct buf *mtp_server_output(struct mtp_server *s);
usec_t mtp_server_deadline(const struct mtp_server *s);
void mtp_server_timeout(struct mtp_server *s, usec_t now, struct wall wall);
/* The client's ping_delay_disconnect ran out: close the connection. */
bool mtp_server_expired(const struct mtp_server *s);

/* Answers a query; result is a boxed object or vector (gzipped when large).
 * -ENOENT: no such query is running on this connection's sessions. */
int mtp_server_answer(struct mtp_server *s, int64_t msg_id, struct bytes result,
		      struct wall wall);
int mtp_server_error(struct mtp_server *s, int64_t msg_id, int code,
		     const char *text, struct wall wall);
/* A query that was handed out and is not answered has never come: it is neither
 * acked nor known any more. For a connection that is lost with it. */
void mtp_server_lose(struct mtp_server *s, int64_t msg_id);
/* An Updates object, sent as content-related; sent again on the session's next
 * connection until acked. -ENOTCONN: no session here (any more). */
int mtp_server_push(struct mtp_server *s, struct bytes updates,
		    struct wall wall);

int mtp_sessions_new(struct mtp_sessions **sp);
void mtp_sessions_free(struct mtp_sessions **sp);
/* Every salt given so far is wrong from now on: bad_server_salt. */
void mtp_sessions_salts_change(struct mtp_sessions *s);
/* The state of all sessions is lost: new_session_created at the next message
 * of each. */
void mtp_sessions_renew(struct mtp_sessions *s);

#endif

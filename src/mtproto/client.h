/* One client connection to one data centre (telegram-wire A).
 *
 * The engine lives as long as the account wants this data centre; TCP
 * connections come and go beneath it (mtp_client_connected / _disconnected).
 * It creates an authorisation key when it has none, renews temporary keys in
 * time when they are wanted, keeps one session, sends
 * queries, acks, pings, repairs salts, sequence numbers and lost messages, and
 * repeats unanswered queries after a reconnect.
 *
 * One thread. Handlers run inside the call that fed the engine, last, with the
 * engine consistent; they may send queries and call mtp_client_disconnected()
 * but must neither free the engine nor call mtp_client_connected().
 */
#ifndef MTPROTO_CLIENT_H
#define MTPROTO_CLIENT_H

#include "base/bytes.h"
#include "base/clock.h"
#include "mtproto/message.h"
#include "mtproto/rsa.h"
#include "mtproto/transport.h"

struct mtp_client;

/* An authorisation key and what belongs to it. */
struct mtp_auth {
	bool present;
	uint8_t key[MTP_KEY_BYTES];
	uint64_t key_id;   /* LE int64 of SHA1(key)[12..20) */
	int64_t salt;      /* last known server salt */
	int32_t time_diff; /* server time minus local wall time [s] */
};

enum mtp_event {
	MTP_EVENT_KEY_CREATED, /* auth() now holds a new key: store it */
	MTP_EVENT_READY,       /* encrypted session usable */
	MTP_EVENT_NEW_SESSION, /* server forgot our session: getDifference */
	MTP_EVENT_SALT,        /* auth()->salt changed: may be stored lazily */
	MTP_EVENT_LOST_UPDATE, /* a message could not be parsed: getDifference
				*/
	MTP_EVENT_KEY_UNKNOWN, /* transport error -404, or no temporary key can
				* be bound to it: the data centre does not know
				* our permanent key */
	MTP_EVENT_KEY_DESTROYED, /* after mtp_client_destroy_key() */
	MTP_EVENT_FLOOD,         /* transport error -429: not again at once;
				  * followed by CLOSE */
	MTP_EVENT_CLOSE,         /* drop the TCP connection and connect again */
	MTP_EVENT_REFUSED,       /* the peer failed a mandatory check; text says
				  * which; followed by CLOSE */
};

struct mtp_error {
	int code;         /* 303, 400, 401, 403, 406, 420, 500, ...; 408 ours */
	const char *text; /* "PHONE_MIGRATE_2", "TIMEOUT"; valid in the call */
};

struct mtp_handlers {
	void (*event)(enum mtp_event event, const char *text, void *arg);
	/* A message that is not an answer: an Updates object, boxed. */
	void (*update)(struct bytes object, void *arg);
};

/* err NULL: answer is the result object (already inflated).  Runs exactly
 * once per query, also with code 408 "TIMEOUT" or -ECANCELED "CLOSED". */
typedef void(mtp_answer_h)(const struct mtp_error *err, struct bytes answer,
			   void *arg);

/* What initConnection says (A.7). Strings are borrowed for the call. */
struct mtp_identity {
	int32_t api_id;
	const char *device_model;
	const char *system_version;
	const char *app_version;
	const char *lang_code;
};

struct mtp_client_conf {
	enum mtp_transport_kind transport;
	bool obfuscated;
	int16_t dc_wire; /* dc number as sent: id, id+10000 for test */
	const struct mtp_rsa *rsa; /* known server keys; borrowed for life */
	struct mtp_auth auth;      /* present = false: create a key */
	struct mtp_identity identity;
	/* Perfect forward secrecy: what is sent is encrypted with temporary
	 * keys, each used about so many seconds; 0: with the permanent key. */
	int32_t temporary_s;
	usec_t query_timeout; /* 0: 10 s */
	usec_t ping_interval; /* 0: 25 s */
	/* For deterministic tests; NULL: random_bytes(). */
	void (*random)(void *p, size_t n, void *arg);
	void *random_arg;
	struct mtp_handlers handlers;
	void *arg;
};

/* Errors: -ENOMEM, -EINVAL. */
int mtp_client_new(struct mtp_client **cp, const struct mtp_client_conf *conf);
void mtp_client_free(struct mtp_client **cp); /* answers all with CLOSED */

/* Another transport from the next connection on: the address that is dialled
 * may ask for one. secret: 16 bytes (transport.h) or NULL. */
void mtp_client_transport(struct mtp_client *c, enum mtp_transport_kind kind,
			  bool obfuscated, const uint8_t *secret);
/* wall is used for msg_id and server time; now for deadlines. */
void mtp_client_connected(struct mtp_client *c, usec_t now, struct wall wall);
void mtp_client_disconnected(struct mtp_client *c, usec_t now);
/* Bytes from the socket. 0, or -EPROTO/-EBADMSG: close the connection. */
int mtp_client_input(struct mtp_client *c, struct bytes in, usec_t now,
		     struct wall wall);
/* Bytes for the socket: the caller sends what it can and drops it with
 * buf_drop(). Check after every call into the engine. */
struct buf *mtp_client_output(struct mtp_client *c);
usec_t mtp_client_deadline(const struct mtp_client *c);
void mtp_client_timeout(struct mtp_client *c, usec_t now, struct wall wall);

enum {
	MTP_CALL_NO_RESEND = 1,  /* not safe to repeat after a reconnect */
	MTP_CALL_ORDERED = 2,    /* after the previous ORDERED query
				  * (invokeAfterMsg) */
	MTP_CALL_NO_UPDATES = 4, /* invokeWithoutUpdates: "use on auxiliary
				  * connections" (A.7) */
};

/* Queues one query: a boxed function object. It may be called before READY.
 * Errors: -ENOMEM, -EMSGSIZE (over 1 MiB); done does not run then. */
int mtp_client_call(struct mtp_client *c, struct bytes query, unsigned flags,
		    mtp_answer_h *done, void *arg, usec_t now,
		    struct wall wall);
/* After a log-out: asks the data centre to forget the permanent key (it is sent
 * with this key, not a temporary one). All queries are answered with CLOSED;
 * nothing else will be sent. */
void mtp_client_destroy_key(struct mtp_client *c, usec_t now, struct wall wall);
/* Faster pings while a call is being signalled (A.6). */
void mtp_client_ping_interval(struct mtp_client *c, usec_t interval,
			      usec_t now);
const struct mtp_auth *mtp_client_auth(const struct mtp_client *c);
bool mtp_client_ready(const struct mtp_client *c);

#endif

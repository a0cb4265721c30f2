/* One call and all calls of an account, inside src/telegram only: the public
 * face is phone.h.
 *
 * The machine talks to the world through struct phone_io, so tests feed it
 * answers and updates; time comes from io.now and phone_timeout().
 *
 *   outgoing  REQUESTING -> WAITING -> RINGING -> EXCHANGING -> ACTIVE
 *   incoming  RINGING -> EXCHANGING -> ACTIVE
 *   all       -> ENDED, exactly once, through call_finish()
 *
 * One thread; handlers of the user run last and may free their reference.
 */
#ifndef TELEGRAM_CALL_H
#define TELEGRAM_CALL_H

#include "telegram/phone.h"
#include "telegram/phone_key.h"

/* D.4: defaults if the config lacks them. */
#define CALL_RECEIVE_TIMEOUT (20 * USEC_S)
#define CALL_RING_TIMEOUT (90 * USEC_S)
/* After confirmCall or acceptCall until phoneCall. */
#define CALL_EXCHANGE_TIMEOUT (20 * USEC_S)
/* D.6: wait up to 5 s for the answer, then forget the call locally. */
#define CALL_DISCARD_TIMEOUT (5 * USEC_S)

#define CALL_VERSIONS_MAX 16
#define CALL_EARLY_BYTES_MAX (64 * 1024) /* D.7 */
#define CALL_SEND_BYTES_MAX (512 * 1024)

struct phone_io {
	int (*query)(const struct tl_obj *query, tg_answer_h *done,
		     void *done_arg, void *arg);
	usec_t (*now)(void *arg);
	int32_t (*server_time)(void *arg); /* seconds since 1970 */
	void (*wake)(void *arg);           /* phone_deadline() may be earlier */
	/* The number of open calls went from or to zero. */
	void (*busy)(bool busy, void *arg);
	void (*incoming)(struct tg_call *call, int64_t user_id, void *arg);
	void *arg;
};

#define PHONE_SEEN_MAX 32
#define PHONE_EARLY_MAX 8

/* All calls of one account. A value; `io` is copied. */
struct phone {
	struct phone_io io;
	struct tg_call *calls;
	struct phone_dh dh;
	usec_t receive_timeout, ring_timeout;
	int64_t self_id;
	/* Calls that are over, so that a late update does not ring again. */
	int64_t seen[PHONE_SEEN_MAX];
	unsigned seen_n;
	/* phoneCall updates that overtook the answer to requestCall. */
	struct buf early[PHONE_EARLY_MAX];
	unsigned early_n;
};

void phone_init(struct phone *p, const struct phone_io *io);
/* Ends every call locally: code and text go into tg_call_end. */
void phone_abort(struct phone *p, int code, const char *text);
void phone_clear(struct phone *p);
void phone_self(struct phone *p, int64_t user_id);
/* From help.getConfig [ms]; values out of 1 s .. 10 min are ignored. */
void phone_timers(struct phone *p, int32_t receive_ms, int32_t ring_ms);
usec_t phone_deadline(const struct phone *p);
void phone_timeout(struct phone *p);
/* The connection is back: updates of calls were lost meanwhile (A.9). */
void phone_reconnected(struct phone *p);
/* The PhoneCall of an update or of a phone.phoneCall. */
void phone_update(struct phone *p, const struct tl_obj *phone_call);
void phone_signaling(struct phone *p, int64_t call_id, struct bytes data);
/* The id of c is known: updates that came before it are handed on. */
void phone_replay(struct phone *p, struct tg_call *c);
int phone_request(struct tg_call **cp, struct phone *p, int64_t user_id,
		  int64_t access_hash, const char *const *versions,
		  const struct tg_call_handlers *handlers, void *arg);

/* -- one call: shared by call*.c ------------------------------------------ */

struct call_blob {
	struct call_blob *next;
	size_t n;
	uint8_t p[];
};

struct call_queue {
	struct call_blob *first, **last;
	size_t bytes;
};

void call_queue_init(struct call_queue *q);
void call_queue_clear(struct call_queue *q);
/* -ENOBUFS over max bytes in all, -ENOMEM. */
int call_queue_put(struct call_queue *q, struct bytes b, size_t max);
void call_queue_drop(struct call_queue *q); /* the first */

struct tg_call {
	struct tg_call *next;
	struct phone *phone; /* NULL when ENDED */
	unsigned refs;       /* the phone's, the user's, one a query */
	bool outgoing;
	enum tg_call_state state;
	struct tg_call_handlers handlers;
	void *arg;
	char versions[CALL_VERSIONS_MAX][16];
	size_t versions_n;

	int64_t id, access_hash;
	int64_t user_id, user_hash; /* the other one */
	int32_t random_id;
	unsigned random_retries;

	uint8_t secret[PHONE_KEY_BYTES];
	uint8_t value[PHONE_KEY_BYTES]; /* ours: g_a or g_b */
	bool value_ready;
	uint8_t hash[PHONE_HASH_BYTES]; /* incoming: g_a_hash of the caller */
	uint8_t key[PHONE_KEY_BYTES];
	int64_t fingerprint;
	struct tg_call_media media; /* while ACTIVE */

	bool taken;         /* incoming: somebody handles it */
	bool accept_wanted; /* accepted before our value was ready */
	bool requested;     /* requestCall is on its way or answered */
	bool discarding;    /* tg_call_discard, a timer or a failed check */
	bool discard_sent;
	enum tg_discard discard_reason;
	int duration_s;
	struct tg_call_end end; /* built up until call_finish() */

	usec_t timer;     /* of the state */
	usec_t finish_at; /* ended() is due then in any case */

	struct call_queue early; /* signalling before ACTIVE */
	struct call_queue out;
	bool out_busy;
	usec_t out_retry_at;
	unsigned out_retries;
};

struct tg_call *tg_call_new(struct phone *p, bool outgoing);
struct tg_call *call_ref(struct tg_call *c);
void call_unref(struct tg_call *c);
int call_versions_set(struct tg_call *c, const char *const *versions);
void call_state_set(struct tg_call *c, enum tg_call_state state);
void call_timer_set(struct tg_call *c, usec_t at);
void call_update(struct tg_call *c, const struct tl_obj *phone_call);
void call_timeout(struct tg_call *c, usec_t now);
usec_t call_deadline(const struct tg_call *c);
/* Begins to end the call: discardCall when the server knows it. */
void call_discard(struct tg_call *c, enum tg_discard reason, int duration_s);
/* A failed query (code, Telegram's text) or check (0, our text). */
void call_fail(struct tg_call *c, int code, const char *text,
	       enum tg_discard reason);
/* The call is over: handlers.ended, reference of the phone dropped. */
void call_finish(struct tg_call *c);
/* The server's id is known. */
void call_identify(struct tg_call *c, int64_t id, int64_t access_hash);
/* Sends a query whose answer goes to done(.., c); keeps a reference while
 * under way. */
int call_query(struct tg_call *c, const struct tl_obj *query,
	       tg_answer_h *done);
/* call_rating.c: what a phoneCallDiscarded asks for, before the call is
 * forgotten; the second finds it in an Updates. */
void call_closing(struct tg_call *c, const struct tl_obj *discarded,
		  enum tg_discard reason);
void call_closing_updates(struct tg_call *c, const struct tl_obj *updates,
			  enum tg_discard reason);
/* phone.discardCall of the inputPhoneCall `peer`. -ENOMEM. */
int call_discard_query(struct tl_obj **qp, struct tl_arena *a,
		       struct tl_obj *peer, enum tg_discard reason,
		       int duration_s);
struct tl_obj *call_peer(struct tl_arena *a, const struct tg_call *c);

/* call_exchange.c: keys and the queries that carry them. */
int call_exchange_start(struct tg_call *c); /* messages.getDhConfig */
/* phone.receivedCall; said again it shows whether the call is still there. */
void call_exchange_ring(struct tg_call *c);
void call_exchange_accept(struct tg_call *c); /* incoming: answer */
void call_exchange_accepted(struct tg_call *c, const struct tl_obj *accepted);
void call_exchange_confirmed(struct tg_call *c, const struct tl_obj *call);

/* call_media.c. -EBADMSG: no version, or one we did not announce. */
int call_media_read(struct tg_call_media *m, const struct tg_call *c,
		    const struct tl_obj *phone_call);
void call_media_clear(struct tg_call_media *m);

/* call_signaling.c */
void call_signaling_in(struct tg_call *c, struct bytes data);
void call_signaling_open(struct tg_call *c); /* ACTIVE: the early ones */
void call_signaling_pump(struct tg_call *c, usec_t now);

#endif

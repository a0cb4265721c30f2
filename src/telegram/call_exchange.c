/* One call: the key exchange and the queries that carry it (D.2-D.5).
 *
 *   caller   getDhConfig  requestCall(SHA256(g_a))  .. phoneCallAccepted(g_b)
 *            confirmCall(g_a, fingerprint)          .. phoneCall
 *   callee   receivedCall getDhConfig  acceptCall(g_b)
 *                                                   .. phoneCall(g_a, fpr)
 *
 * phoneCall comes as the result of a query or as an update, or both.
 */
#include "telegram/call.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"

/* D.3: what td documents; values outside are refused. */
#define PROTOCOL_MIN_LAYER 65
#define PROTOCOL_MAX_LAYER 92

#define RANDOM_ID_RETRIES 3
#define VALUE_DRAWS_MAX 64

static struct tl_obj *protocol_new(struct tl_arena *a, const struct tg_call *c)
{
	struct tl_obj *o = tl_new(a, TL_phoneCallProtocol);

	tl_set_true(o, TL_phoneCallProtocol_udp_p2p);
	tl_set_true(o, TL_phoneCallProtocol_udp_reflector);
	tl_set_int(o, TL_phoneCallProtocol_min_layer, PROTOCOL_MIN_LAYER);
	tl_set_int(o, TL_phoneCallProtocol_max_layer, PROTOCOL_MAX_LAYER);
	if (tl_set_vector(a, o, TL_phoneCallProtocol_library_versions,
			  (uint32_t)c->versions_n))
		return NULL;
	for (uint32_t i = 0; i < c->versions_n; i++)
		tl_put_bytes(o, TL_phoneCallProtocol_library_versions, i,
			     c->versions[i], strlen(c->versions[i]));
	return o;
}

/* Every answer of type phone.PhoneCall is one more look at the call. */
static void look_at_result(struct tg_call *c, const struct tl_obj *answer)
{
	const struct tl_obj *o =
		tl_child(answer, TL_phone_phoneCall_phone_call);

	if (o)
		call_update(c, o);
}

/* -- outgoing: requestCall ------------------------------------------------ */

static void requested(const struct mtp_error *err, const struct tl_obj *answer,
		      void *arg);

static int request_send(struct tg_call *c)
{
	struct phone *p = c->phone;
	uint8_t hash[PHONE_HASH_BYTES];
	struct tl_arena a;
	struct tl_obj *q, *user;
	int err;

	tl_arena_init(&a);
	phone_value_hash(hash, bytes_of(c->value, sizeof(c->value)));
	c->random_id = (int32_t)random_u32();
	user = tl_new(&a, TL_inputUser);
	tl_set_long(user, TL_inputUser_user_id, c->user_id);
	tl_set_long(user, TL_inputUser_access_hash, c->user_hash);
	q = tl_new(&a, TL_phone_requestCall);
	tl_set_child(q, TL_phone_requestCall_user_id, user);
	tl_set_int(q, TL_phone_requestCall_random_id, c->random_id);
	tl_set_bytes(q, TL_phone_requestCall_g_a_hash, hash, sizeof(hash));
	tl_set_child(q, TL_phone_requestCall_protocol, protocol_new(&a, c));
	err = call_query(c, q, requested);
	tl_arena_clear(&a);
	if (err)
		return err;
	c->requested = true;
	call_timer_set(c, p->io.now(p->io.arg) + p->receive_timeout);
	return 0;
}

static void request_refused(struct tg_call *c, const struct mtp_error *err)
{
	c->requested = false;
	if (c->discarding) {
		call_finish(c);
		return;
	}
	/* D.8: RANDOM_ID_DUPLICATE: draw a new random_id. */
	if (!strcmp(err->text, "RANDOM_ID_DUPLICATE") &&
	    c->random_retries++ < RANDOM_ID_RETRIES && !request_send(c))
		return;
	call_fail(c, err->code, err->text, TG_DISCARD_NONE);
}

static void requested(const struct mtp_error *err, const struct tl_obj *answer,
		      void *arg)
{
	struct tg_call *c = arg;
	struct phone *p = c->phone;

	if (c->state == TG_CALL_ENDED) {
		call_unref(c);
		return;
	}
	if (err && !c->id)
		request_refused(c, err);
	else if (!err)
		look_at_result(c, answer);
	if (!err && c->state != TG_CALL_ENDED && !c->id)
		call_finish(c); /* an answer without a call in it */
	phone_replay(p, c);
	call_unref(c);
}

/* -- both: the group, our value ------------------------------------------- */

static int value_draw(struct tg_call *c, struct bytes random)
{
	int err = -EAGAIN;

	for (int i = 0; i < VALUE_DRAWS_MAX && err == -EAGAIN; i++) {
		phone_secret_make(c->secret, random);
		err = phone_value(c->value, &c->phone->dh, c->secret);
	}
	return err;
}

/* Text of what is wrong with the answer, or NULL. */
static const char *group_take(struct phone *p, struct bytes *random,
			      const struct tl_obj *answer)
{
	if (tl_is(answer, TL_messages_dhConfigNotModified)) {
		*random = tl_bytes(answer,
				   TL_messages_dhConfigNotModified_random);
		return p->dh.present ? NULL : "DH config was never sent";
	}
	*random = tl_bytes(answer, TL_messages_dhConfig_random);
	if (phone_dh_set(&p->dh, tl_int(answer, TL_messages_dhConfig_version),
			 tl_int(answer, TL_messages_dhConfig_g),
			 tl_bytes(answer, TL_messages_dhConfig_p))) {
		count_bad("call", "dh-config", "prime or generator refused");
		return "DH config: prime or generator refused";
	}
	return NULL;
}

static void group_received(struct tg_call *c, const struct tl_obj *answer)
{
	struct bytes random;
	const char *fault = group_take(c->phone, &random, answer);

	if (!fault && value_draw(c, random))
		fault = "no usable key could be drawn";
	if (fault) {
		call_fail(c, 0, fault, TG_DISCARD_DISCONNECT);
		return;
	}
	c->value_ready = true;
	if (c->outgoing && request_send(c))
		call_fail(c, -ENOTCONN, "CLOSED", TG_DISCARD_NONE);
	else if (!c->outgoing && c->accept_wanted)
		call_exchange_accept(c);
}

static void group_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg)
{
	struct tg_call *c = arg;

	if (c->state != TG_CALL_ENDED && !c->discarding) {
		if (err)
			call_fail(c, err->code, err->text,
				  c->outgoing ? TG_DISCARD_NONE
					      : TG_DISCARD_DISCONNECT);
		else
			group_received(c, answer);
	}
	call_unref(c);
}

static void received_answered(const struct mtp_error *err,
			      const struct tl_obj *answer, void *arg)
{
	struct tg_call *c = arg;

	/* CALL_ALREADY_DECLINED, CALL_PEER_INVALID: over before it rang. */
	if (err && err->code == 400 && !c->discarding &&
	    c->state == TG_CALL_RINGING)
		call_fail(c, err->code, err->text, TG_DISCARD_NONE);
	call_unref(c);
}

void call_exchange_ring(struct tg_call *c)
{
	struct tl_arena a;
	struct tl_obj *q;

	tl_arena_init(&a);
	q = tl_new(&a, TL_phone_receivedCall);
	tl_set_child(q, TL_phone_receivedCall_peer, call_peer(&a, c));
	/* Should it fail, the call merely does not ring at the other end until
	 * the next answer of ours. */
	if (call_query(c, q, received_answered))
		log_info("call", NULL, "receivedCall not sent");
	tl_arena_clear(&a);
}

int call_exchange_start(struct tg_call *c)
{
	struct phone *p = c->phone;
	struct tl_arena a;
	struct tl_obj *q;
	int err;

	tl_arena_init(&a);
	q = tl_new(&a, TL_messages_getDhConfig);
	tl_set_int(q, TL_messages_getDhConfig_version,
		   p->dh.present ? p->dh.version : 0);
	tl_set_int(q, TL_messages_getDhConfig_random_length, PHONE_KEY_BYTES);
	err = call_query(c, q, group_answered);
	tl_arena_clear(&a);
	if (!err && !c->outgoing)
		call_exchange_ring(c);
	return err;
}

/* -- incoming: acceptCall ------------------------------------------------- */

/* The server has already ended it: nothing is left to discard. */
static bool is_over(const struct mtp_error *err)
{
	return !strcmp(err->text, "CALL_ALREADY_ACCEPTED") ||
	       !strcmp(err->text, "CALL_ALREADY_DECLINED") ||
	       !strcmp(err->text, "CALL_PEER_INVALID");
}

/* Answer to acceptCall or confirmCall. */
static void exchange_answered(const struct mtp_error *err,
			      const struct tl_obj *answer, void *arg)
{
	struct tg_call *c = arg;

	if (!err)
		look_at_result(c, answer);
	else if (c->state == TG_CALL_EXCHANGING)
		call_fail(c, err->code, err->text,
			  is_over(err) ? TG_DISCARD_NONE
				       : TG_DISCARD_DISCONNECT);
	call_unref(c);
}

/* The state is changed before the query goes out: its answer may meet it. */
static void exchange_begin(struct tg_call *c)
{
	struct phone *p = c->phone;

	call_timer_set(c, p->io.now(p->io.arg) + CALL_EXCHANGE_TIMEOUT);
	call_state_set(c, TG_CALL_EXCHANGING);
}

void call_exchange_accept(struct tg_call *c)
{
	struct tl_arena a;
	struct tl_obj *q;

	call_ref(c);
	exchange_begin(c);
	if (c->state != TG_CALL_EXCHANGING || c->discarding) {
		call_unref(c);
		return;
	}
	tl_arena_init(&a);
	q = tl_new(&a, TL_phone_acceptCall);
	tl_set_child(q, TL_phone_acceptCall_peer, call_peer(&a, c));
	tl_set_bytes(q, TL_phone_acceptCall_g_b, c->value, sizeof(c->value));
	tl_set_child(q, TL_phone_acceptCall_protocol, protocol_new(&a, c));
	if (call_query(c, q, exchange_answered))
		call_timer_set(c, c->phone->io.now(c->phone->io.arg));
	tl_arena_clear(&a);
	call_unref(c);
}

/* -- outgoing: confirmCall ------------------------------------------------ */

static void confirm_send(struct tg_call *c)
{
	struct tl_arena a;
	struct tl_obj *q;

	tl_arena_init(&a);
	q = tl_new(&a, TL_phone_confirmCall);
	tl_set_child(q, TL_phone_confirmCall_peer, call_peer(&a, c));
	tl_set_bytes(q, TL_phone_confirmCall_g_a, c->value, sizeof(c->value));
	tl_set_long(q, TL_phone_confirmCall_key_fingerprint, c->fingerprint);
	tl_set_child(q, TL_phone_confirmCall_protocol, protocol_new(&a, c));
	if (call_query(c, q, exchange_answered))
		call_timer_set(c, c->phone->io.now(c->phone->io.arg));
	tl_arena_clear(&a);
}

/* The shared key from the peer's value. Text of what is wrong, or NULL. */
static const char *key_take(struct tg_call *c, struct bytes peer)
{
	int err = phone_key_make(c->key, &c->phone->dh, c->secret, peer);

	if (err == -ERANGE) {
		count_bad("call", "dh-range", "peer's value out of range");
		return "peer's key value is out of range";
	}
	if (err)
		return "no memory for the key";
	c->fingerprint = phone_key_fingerprint(c->key);
	return NULL;
}

void call_exchange_accepted(struct tg_call *c, const struct tl_obj *o)
{
	const char *fault;

	/* A repeated phoneCallAccepted must not trigger a second confirmCall.
	 */
	if (!c->outgoing || !c->value_ready ||
	    (c->state != TG_CALL_REQUESTING && c->state != TG_CALL_WAITING &&
	     c->state != TG_CALL_RINGING))
		return;
	call_identify(c, tl_long(o, TL_phoneCallAccepted_id),
		      tl_long(o, TL_phoneCallAccepted_access_hash));
	fault = key_take(c, tl_bytes(o, TL_phoneCallAccepted_g_b));
	if (fault) {
		call_fail(c, 0, fault, TG_DISCARD_DISCONNECT);
		return;
	}
	/* Who has answered has been reached. */
	c->end.was_ringing = true;
	exchange_begin(c);
	if (c->state == TG_CALL_EXCHANGING && !c->discarding)
		confirm_send(c);
}

/* -- both: phoneCall ------------------------------------------------------ */

/* The callee's checks of D.2 before it may compute the key. */
static const char *caller_value_take(struct tg_call *c, struct bytes g_a)
{
	uint8_t hash[PHONE_HASH_BYTES];

	/* Always over the bytes received, never over a re-encoded number. */
	phone_value_hash(hash, g_a);
	if (!bytes_equal_ct(hash, c->hash, sizeof(hash))) {
		count_bad("call", "g-a-hash", "SHA256(g_a) is not g_a_hash");
		return "g_a does not match g_a_hash";
	}
	return key_take(c, g_a);
}

static void active_begin(struct tg_call *c, struct bytes g_a)
{
	uint16_t emoji[4];

	memcpy(c->media.key, c->key, sizeof(c->media.key));
	c->media.outgoing = c->outgoing;
	phone_key_emoji(emoji, c->key, g_a);
	for (int i = 0; i < 4; i++)
		be16_store(c->media.emoji + 2 * i, emoji[i]);
	bytes_wipe(c->secret, sizeof(c->secret));
	call_timer_set(c, USEC_NEVER);
	call_state_set(c, TG_CALL_ACTIVE);
	if (c->handlers.active && c->state == TG_CALL_ACTIVE && !c->discarding)
		c->handlers.active(&c->media, c->arg);
	call_signaling_open(c);
}

void call_exchange_confirmed(struct tg_call *c, const struct tl_obj *o)
{
	struct bytes g = tl_bytes(o, TL_phoneCall_g_a_or_b);
	const char *fault = NULL;

	if (c->state != TG_CALL_EXCHANGING)
		return; /* a second look, or another device of ours */
	if (!c->outgoing)
		fault = caller_value_take(c, g);
	if (!fault &&
	    tl_long(o, TL_phoneCall_key_fingerprint) != c->fingerprint) {
		count_bad("call", "fingerprint", "key fingerprint differs");
		fault = "key fingerprints differ";
	}
	if (!fault && call_media_read(&c->media, c, o))
		fault = "no library version in common";
	if (fault) {
		call_fail(c, 0, fault, TG_DISCARD_DISCONNECT);
		return;
	}
	active_begin(c, c->outgoing ? bytes_of(c->value, sizeof(c->value)) : g);
}

/* See call_world.h. */
#include "telegram/call_world.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtproto/dh.h"

const char *const versions[] = {"13.0.0", "9.0.0", NULL};

/* -- the world ------------------------------------------------------------ */

static int w_query(const struct tl_obj *query, tg_answer_h *done,
		   void *done_arg, void *arg)
{
	struct world *w = arg;
	struct asked *q = &w->asked[w->asked_n];

	if (w->refuse)
		return w->refuse;
	if (tl_write(&q->bytes, query))
		abort();
	q->done = done;
	q->arg = done_arg;
	w->asked_n++;
	return 0;
}

static usec_t w_now(void *arg)
{
	struct world *w = arg;

	return w->now;
}

static int32_t w_server_time(void *arg)
{
	struct world *w = arg;

	return DATE + (int32_t)((w->now - T0) / USEC_S);
}

static void w_busy(bool busy, void *arg)
{
	struct world *w = arg;

	w->busy += busy ? 1 : -1;
}

static void h_state(enum tg_call_state state, void *arg)
{
	struct world *w = arg;

	w->states[w->states_n++ % 16] = state;
}

static void h_active(const struct tg_call_media *media, void *arg)
{
	struct world *w = arg;

	w->active_n++;
	w->media = *media;
	w->media.custom_parameters = NULL;
	snprintf(w->custom, sizeof(w->custom), "%s",
		 media->custom_parameters ? media->custom_parameters : "");
	if (w->discard_in_active)
		tg_call_discard(w->call, TG_DISCARD_HANGUP, 0);
}

static void h_signaling(struct bytes data, void *arg)
{
	struct world *w = arg;
	size_t n = strlen(w->heard);

	w->heard_bytes += data.n;
	snprintf(w->heard + n, sizeof(w->heard) - n, "%.*s,", (int)data.n,
		 (const char *)data.p);
}

static void h_ended(const struct tg_call_end *end, void *arg)
{
	struct world *w = arg;

	w->ended_n++;
	w->end = *end;
	tg_call_unref(&w->call);
}

const struct tg_call_handlers handlers = {
	.state = h_state,
	.active = h_active,
	.signaling = h_signaling,
	.ended = h_ended,
};

static void w_incoming(struct tg_call *call, int64_t user_id, void *arg)
{
	struct world *w = arg;

	w->incoming++;
	w->incoming_user = user_id;
	if (w->take && !tg_call_take(call, versions, &handlers, w))
		w->call = call;
}

void world_open(struct world *w)
{
	struct phone_io io = {
		.query = w_query,
		.now = w_now,
		.server_time = w_server_time,
		.busy = w_busy,
		.incoming = w_incoming,
		.arg = w,
	};

	memset(w, 0, sizeof(*w));
	w->now = T0;
	w->take = true;
	phone_init(&w->phone, &io);
	phone_self(&w->phone, SELF);
	tl_arena_init(&w->arena);
}

/* Drops what was asked and never answered, as a closed account would. */
void world_close(struct world *w)
{
	static const struct mtp_error closed = {-ECANCELED, "CLOSED"};

	phone_clear(&w->phone);
	while (w->next < w->asked_n) {
		struct asked *q = &w->asked[w->next++];

		q->done(&closed, NULL, q->arg);
	}
	for (unsigned i = 0; i < w->asked_n; i++)
		buf_clear(&w->asked[i].bytes);
	tg_call_unref(&w->call);
	tl_arena_clear(&w->arena);
}

void pass(struct world *w, usec_t t)
{
	w->now += t;
	phone_timeout(&w->phone);
}

/* The oldest unanswered query, which must be `no`; NULL otherwise. */
struct tl_obj *asked(struct world *w, enum tl_ctor_no no)
{
	struct tl_obj *o = NULL;
	struct rd r;

	if (w->next == w->asked_n)
		return NULL;
	rd_init(&r, w->asked[w->next].bytes.p, w->asked[w->next].bytes.n);
	if (tl_read(&o, &w->arena, &r) || o->no != no)
		return NULL;
	return o;
}

bool nothing_asked(const struct world *w)
{
	return w->next == w->asked_n;
}

void answer(struct world *w, const struct tl_obj *o)
{
	struct asked *q = &w->asked[w->next++];

	q->done(NULL, o, q->arg);
}

void refuse(struct world *w, int code, const char *text)
{
	struct asked *q = &w->asked[w->next++];
	struct mtp_error err = {code, text};

	q->done(&err, NULL, q->arg);
}

/* -- the far end ---------------------------------------------------------- */

/* out = base^e mod the well-known prime. */
void far_power(uint8_t out[256], const uint8_t *base, size_t base_n,
	       const uint8_t e[256])
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = BN_bin2bn(mtp_dh_known_prime, 256, NULL);
	BIGNUM *b = BN_bin2bn(base, (int)base_n, NULL);
	BIGNUM *x = BN_bin2bn(e, 256, NULL);
	BIGNUM *r = BN_new();

	BN_mod_exp(r, b, x, p, ctx);
	BN_bn2binpad(r, out, 256);
	BN_free(p);
	BN_free(b);
	BN_free(x);
	BN_free(r);
	BN_CTX_free(ctx);
}

const uint8_t g3[1] = {3};
uint8_t far_secret[256], far_value[256];

void far_open(void)
{
	for (int i = 0; i < 256; i++)
		far_secret[i] = (uint8_t)(i * 7 + 3);
	far_power(far_value, g3, 1, far_secret);
}

int64_t far_fingerprint(const uint8_t key[256])
{
	uint8_t digest[20];

	SHA1(key, 256, digest);
	return (int64_t)le64_load(digest + 12);
}

/* -- objects -------------------------------------------------------------- */

struct tl_obj *dh_config(struct world *w, int32_t g, const uint8_t *p)
{
	static uint8_t random[256];
	struct tl_obj *o = tl_new(&w->arena, TL_messages_dhConfig);

	tl_set_int(o, TL_messages_dhConfig_g, g);
	tl_set_bytes(o, TL_messages_dhConfig_p, p, 256);
	tl_set_int(o, TL_messages_dhConfig_version, 5);
	tl_set_bytes(o, TL_messages_dhConfig_random, random, sizeof(random));
	return o;
}

struct tl_obj *protocol(struct world *w, const char *version)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phoneCallProtocol);

	tl_set_int(o, TL_phoneCallProtocol_min_layer, 65);
	tl_set_int(o, TL_phoneCallProtocol_max_layer, 92);
	tl_set_vector(&w->arena, o, TL_phoneCallProtocol_library_versions,
		      version ? 1 : 0);
	if (version)
		tl_put_bytes(o, TL_phoneCallProtocol_library_versions, 0,
			     version, strlen(version));
	return o;
}

struct tl_obj *waiting(struct world *w, bool received)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phoneCallWaiting);

	tl_set_long(o, TL_phoneCallWaiting_id, CALL_ID);
	tl_set_long(o, TL_phoneCallWaiting_access_hash, CALL_HASH);
	tl_set_int(o, TL_phoneCallWaiting_date, DATE);
	tl_set_long(o, TL_phoneCallWaiting_admin_id, SELF);
	tl_set_long(o, TL_phoneCallWaiting_participant_id, PEER);
	tl_set_child(o, TL_phoneCallWaiting_protocol, protocol(w, "13.0.0"));
	if (received)
		tl_set_int(o, TL_phoneCallWaiting_receive_date, DATE + 1);
	return o;
}

struct tl_obj *accepted(struct world *w, struct bytes g_b)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phoneCallAccepted);

	tl_set_long(o, TL_phoneCallAccepted_id, CALL_ID);
	tl_set_long(o, TL_phoneCallAccepted_access_hash, CALL_HASH);
	tl_set_int(o, TL_phoneCallAccepted_date, DATE);
	tl_set_long(o, TL_phoneCallAccepted_admin_id, SELF);
	tl_set_long(o, TL_phoneCallAccepted_participant_id, PEER);
	tl_set_bytes(o, TL_phoneCallAccepted_g_b, g_b.p, g_b.n);
	tl_set_child(o, TL_phoneCallAccepted_protocol, protocol(w, "13.0.0"));
	return o;
}

struct tl_obj *requested(struct world *w, const uint8_t hash[32], int32_t date)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phoneCallRequested);

	tl_set_long(o, TL_phoneCallRequested_id, CALL_ID);
	tl_set_long(o, TL_phoneCallRequested_access_hash, CALL_HASH);
	tl_set_int(o, TL_phoneCallRequested_date, date);
	tl_set_long(o, TL_phoneCallRequested_admin_id, PEER);
	tl_set_long(o, TL_phoneCallRequested_participant_id, SELF);
	tl_set_bytes(o, TL_phoneCallRequested_g_a_hash, hash, 32);
	tl_set_child(o, TL_phoneCallRequested_protocol, protocol(w, "13.0.0"));
	return o;
}

static void put_connections(struct world *w, struct tl_obj *call)
{
	static const uint8_t tag[16] = {1, 2, 3, 4};
	struct tl_obj *r = tl_new(&w->arena, TL_phoneConnection);
	struct tl_obj *t = tl_new(&w->arena, TL_phoneConnectionWebrtc);
	struct tl_obj *bad = tl_new(&w->arena, TL_phoneConnection);

	tl_set_long(r, TL_phoneConnection_id, 77);
	tl_set_str(r, TL_phoneConnection_ip, "192.0.2.1");
	tl_set_str(r, TL_phoneConnection_ipv6, "");
	tl_set_int(r, TL_phoneConnection_port, 598);
	tl_set_bytes(r, TL_phoneConnection_peer_tag, tag, sizeof(tag));
	tl_set_true(t, TL_phoneConnectionWebrtc_turn);
	tl_set_true(t, TL_phoneConnectionWebrtc_stun);
	tl_set_long(t, TL_phoneConnectionWebrtc_id, 78);
	tl_set_str(t, TL_phoneConnectionWebrtc_ip, "192.0.2.2");
	tl_set_str(t, TL_phoneConnectionWebrtc_ipv6, "2001:db8::2");
	tl_set_int(t, TL_phoneConnectionWebrtc_port, 1400);
	tl_set_str(t, TL_phoneConnectionWebrtc_username, "1:a");
	tl_set_str(t, TL_phoneConnectionWebrtc_password, "secret");
	tl_set_long(bad, TL_phoneConnection_id, 79);
	tl_set_str(bad, TL_phoneConnection_ip, "192.0.2.3");
	tl_set_str(bad, TL_phoneConnection_ipv6, "");
	tl_set_int(bad, TL_phoneConnection_port, 598);
	tl_set_bytes(bad, TL_phoneConnection_peer_tag, tag, 15);
	tl_set_vector(&w->arena, call, TL_phoneCall_connections, 3);
	tl_put_obj(call, TL_phoneCall_connections, 0, r);
	tl_put_obj(call, TL_phoneCall_connections, 1, bad);
	tl_put_obj(call, TL_phoneCall_connections, 2, t);
}

struct tl_obj *phone_call(struct world *w, struct bytes g, int64_t fingerprint,
			  const char *version)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phoneCall);
	struct tl_obj *json = tl_new(&w->arena, TL_dataJSON);

	tl_set_true(o, TL_phoneCall_p2p_allowed);
	tl_set_long(o, TL_phoneCall_id, CALL_ID);
	tl_set_long(o, TL_phoneCall_access_hash, CALL_HASH);
	tl_set_int(o, TL_phoneCall_date, DATE);
	tl_set_long(o, TL_phoneCall_admin_id, SELF);
	tl_set_long(o, TL_phoneCall_participant_id, PEER);
	tl_set_bytes(o, TL_phoneCall_g_a_or_b, g.p, g.n);
	tl_set_long(o, TL_phoneCall_key_fingerprint, fingerprint);
	tl_set_child(o, TL_phoneCall_protocol, protocol(w, version));
	put_connections(w, o);
	tl_set_int(o, TL_phoneCall_start_date, DATE + 2);
	tl_set_str(json, TL_dataJSON_data, "{\"a\":1}");
	tl_set_child(o, TL_phoneCall_custom_parameters, json);
	return o;
}

struct tl_obj *discarded(struct world *w, enum tl_ctor_no reason,
			 int32_t duration)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phoneCallDiscarded);

	tl_set_long(o, TL_phoneCallDiscarded_id, CALL_ID);
	if (reason != TL_null)
		tl_set_child(o, TL_phoneCallDiscarded_reason,
			     tl_new(&w->arena, reason));
	tl_set_int(o, TL_phoneCallDiscarded_duration, duration);
	return o;
}

struct tl_obj *result(struct world *w, struct tl_obj *call)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phone_phoneCall);

	tl_set_child(o, TL_phone_phoneCall_phone_call, call);
	tl_set_vector(&w->arena, o, TL_phone_phoneCall_users, 0);
	return o;
}

struct tl_obj *yes(struct world *w)
{
	return tl_new(&w->arena, TL_boolTrue);
}

bool discard_asked(struct world *w, enum tl_ctor_no reason)
{
	struct tl_obj *q = asked(w, TL_phone_discardCall);
	struct tl_obj *peer = tl_child(q, TL_phone_discardCall_peer);

	return q && tl_long(peer, TL_inputPhoneCall_id) == CALL_ID &&
	       tl_long(peer, TL_inputPhoneCall_access_hash) == CALL_HASH &&
	       tl_is(tl_child(q, TL_phone_discardCall_reason), reason);
}

/* -- outgoing, step by step; each returns false when it went wrong -------- */

bool out_start(struct world *w)
{
	return phone_request(&w->call, &w->phone, PEER, 999, versions,
			     &handlers, w) == 0 &&
	       tg_call_state(w->call) == TG_CALL_REQUESTING &&
	       asked(w, TL_messages_getDhConfig);
}

uint8_t out_hash[32];

bool out_group(struct world *w)
{
	struct tl_obj *q;
	struct bytes hash;

	answer(w, dh_config(w, 3, mtp_dh_known_prime));
	q = asked(w, TL_phone_requestCall);
	hash = tl_bytes(q, TL_phone_requestCall_g_a_hash);
	if (!q || hash.n != 32)
		return false;
	memcpy(out_hash, hash.p, 32);
	return tl_long(tl_child(q, TL_phone_requestCall_user_id),
		       TL_inputUser_user_id) == PEER;
}

bool out_wait(struct world *w)
{
	answer(w, result(w, waiting(w, false)));
	return tg_call_state(w->call) == TG_CALL_WAITING &&
	       tg_call_id(w->call) == CALL_ID && nothing_asked(w);
}

bool out_ring(struct world *w)
{
	phone_update(&w->phone, waiting(w, true));
	return tg_call_state(w->call) == TG_CALL_RINGING;
}

uint8_t out_key[256], out_value[256];
int64_t out_fingerprint;

/* The far end accepts; our confirmCall is checked against its own key. */
bool out_accept(struct world *w)
{
	struct tl_obj *q;
	struct bytes g_a;
	uint8_t hash[32];

	phone_update(&w->phone, accepted(w, bytes_of(far_value, 256)));
	q = asked(w, TL_phone_confirmCall);
	g_a = tl_bytes(q, TL_phone_confirmCall_g_a);
	if (!q || g_a.n != 256 || !g_a.p[0])
		return false;
	SHA256(g_a.p, g_a.n, hash);
	if (memcmp(hash, out_hash, 32) != 0)
		return false;
	memcpy(out_value, g_a.p, 256);
	far_power(out_key, g_a.p, 256, far_secret);
	out_fingerprint = far_fingerprint(out_key);
	return tl_long(q, TL_phone_confirmCall_key_fingerprint) ==
		       out_fingerprint &&
	       tg_call_state(w->call) == TG_CALL_EXCHANGING;
}

struct tl_obj *out_call(struct world *w)
{
	return phone_call(w, bytes_of(far_value, 256), out_fingerprint,
			  "13.0.0");
}

bool out_active(struct world *w)
{
	if (!out_start(w) || !out_group(w) || !out_wait(w) || !out_ring(w) ||
	    !out_accept(w))
		return false;
	answer(w, result(w, out_call(w)));
	return w->active_n == 1 && tg_call_state(w->call) == TG_CALL_ACTIVE;
}

/* -- incoming, step by step -------------------------------------------------
 */

uint8_t in_hash[32];

bool in_ring(struct world *w)
{
	SHA256(far_value, 256, in_hash);
	phone_update(&w->phone, requested(w, in_hash, DATE));
	return w->incoming == 1 && w->incoming_user == PEER && w->call &&
	       tg_call_state(w->call) == TG_CALL_RINGING;
}

/* getDhConfig and receivedCall, in this order. */
bool in_prepare(struct world *w)
{
	if (!asked(w, TL_messages_getDhConfig))
		return false;
	answer(w, dh_config(w, 3, mtp_dh_known_prime));
	if (!asked(w, TL_phone_receivedCall))
		return false;
	answer(w, yes(w));
	return nothing_asked(w);
}

uint8_t in_key[256];
int64_t in_fingerprint;

bool in_accept(struct world *w)
{
	struct tl_obj *q;
	struct bytes g_b;

	if (tg_call_accept(w->call))
		return false;
	q = asked(w, TL_phone_acceptCall);
	g_b = tl_bytes(q, TL_phone_acceptCall_g_b);
	if (!q || g_b.n != 256 || !g_b.p[0] ||
	    tg_call_state(w->call) != TG_CALL_EXCHANGING)
		return false;
	far_power(in_key, g_b.p, 256, far_secret);
	in_fingerprint = far_fingerprint(in_key);
	answer(w, result(w, waiting(w, false)));
	return tg_call_state(w->call) == TG_CALL_EXCHANGING;
}

/* The machine of a call, fed with answers, updates and invented time. The far
 * end's half of the key exchange is computed here with OpenSSL's numbers. */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "mtproto/dh.h"
#include "telegram/call.h"
#include "tests/check.h"

#define T0 (1000 * USEC_S)
#define DATE 1700000000
#define SELF 111
#define PEER 222
#define CALL_ID 0x1122334455667788
#define CALL_HASH 0x0a0b0c0d0e0f1011

static const char *const versions[] = {"13.0.0", "9.0.0", NULL};

/* -- the world ------------------------------------------------------------ */

struct asked {
	struct buf bytes;
	tg_answer_h *done;
	void *arg;
};

struct world {
	struct phone phone;
	usec_t now;
	struct asked asked[64];
	unsigned asked_n, next; /* next: the oldest unanswered */
	int refuse;             /* errno of query() */
	int busy;
	struct tl_arena arena;

	struct tg_call *call;
	bool take; /* incoming calls */
	unsigned incoming;
	int64_t incoming_user;
	enum tg_call_state states[16];
	unsigned states_n;
	unsigned active_n, ended_n;
	struct tg_call_media media; /* copy */
	char custom[64];
	struct tg_call_end end;
	char heard[256]; /* signalling, joined by ',' */
	size_t heard_bytes;
	bool discard_in_active;
};

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

static const struct tg_call_handlers handlers = {
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

static void world_open(struct world *w)
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
static void world_close(struct world *w)
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

static void pass(struct world *w, usec_t t)
{
	w->now += t;
	phone_timeout(&w->phone);
}

/* The oldest unanswered query, which must be `no`; NULL otherwise. */
static struct tl_obj *asked(struct world *w, enum tl_ctor_no no)
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

static bool nothing_asked(const struct world *w)
{
	return w->next == w->asked_n;
}

static void answer(struct world *w, const struct tl_obj *o)
{
	struct asked *q = &w->asked[w->next++];

	q->done(NULL, o, q->arg);
}

static void refuse(struct world *w, int code, const char *text)
{
	struct asked *q = &w->asked[w->next++];
	struct mtp_error err = {code, text};

	q->done(&err, NULL, q->arg);
}

/* -- the far end ---------------------------------------------------------- */

/* out = base^e mod the well-known prime. */
static void far_power(uint8_t out[256], const uint8_t *base, size_t base_n,
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

static const uint8_t g3[1] = {3};
static uint8_t far_secret[256], far_value[256];

static void far_open(void)
{
	for (int i = 0; i < 256; i++)
		far_secret[i] = (uint8_t)(i * 7 + 3);
	far_power(far_value, g3, 1, far_secret);
}

static int64_t far_fingerprint(const uint8_t key[256])
{
	uint8_t digest[20];

	SHA1(key, 256, digest);
	return (int64_t)le64_load(digest + 12);
}

/* -- objects -------------------------------------------------------------- */

static struct tl_obj *dh_config(struct world *w, int32_t g, const uint8_t *p)
{
	static uint8_t random[256];
	struct tl_obj *o = tl_new(&w->arena, TL_messages_dhConfig);

	tl_set_int(o, TL_messages_dhConfig_g, g);
	tl_set_bytes(o, TL_messages_dhConfig_p, p, 256);
	tl_set_int(o, TL_messages_dhConfig_version, 5);
	tl_set_bytes(o, TL_messages_dhConfig_random, random, sizeof(random));
	return o;
}

static struct tl_obj *protocol(struct world *w, const char *version)
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

static struct tl_obj *waiting(struct world *w, bool received)
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

static struct tl_obj *accepted(struct world *w, struct bytes g_b)
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

static struct tl_obj *requested(struct world *w, const uint8_t hash[32],
				int32_t date)
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

static struct tl_obj *phone_call(struct world *w, struct bytes g,
				 int64_t fingerprint, const char *version)
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

static struct tl_obj *discarded(struct world *w, enum tl_ctor_no reason,
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

static struct tl_obj *result(struct world *w, struct tl_obj *call)
{
	struct tl_obj *o = tl_new(&w->arena, TL_phone_phoneCall);

	tl_set_child(o, TL_phone_phoneCall_phone_call, call);
	tl_set_vector(&w->arena, o, TL_phone_phoneCall_users, 0);
	return o;
}

static struct tl_obj *yes(struct world *w)
{
	return tl_new(&w->arena, TL_boolTrue);
}

static bool discard_asked(struct world *w, enum tl_ctor_no reason)
{
	struct tl_obj *q = asked(w, TL_phone_discardCall);
	struct tl_obj *peer = tl_child(q, TL_phone_discardCall_peer);

	return q && tl_long(peer, TL_inputPhoneCall_id) == CALL_ID &&
	       tl_long(peer, TL_inputPhoneCall_access_hash) == CALL_HASH &&
	       tl_is(tl_child(q, TL_phone_discardCall_reason), reason);
}

/* -- outgoing, step by step; each returns false when it went wrong -------- */

static bool out_start(struct world *w)
{
	return phone_request(&w->call, &w->phone, PEER, 999, versions,
			     &handlers, w) == 0 &&
	       tg_call_state(w->call) == TG_CALL_REQUESTING &&
	       asked(w, TL_messages_getDhConfig);
}

static uint8_t out_hash[32];

static bool out_group(struct world *w)
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

static bool out_wait(struct world *w)
{
	answer(w, result(w, waiting(w, false)));
	return tg_call_state(w->call) == TG_CALL_WAITING &&
	       tg_call_id(w->call) == CALL_ID && nothing_asked(w);
}

static bool out_ring(struct world *w)
{
	phone_update(&w->phone, waiting(w, true));
	return tg_call_state(w->call) == TG_CALL_RINGING;
}

static uint8_t out_key[256], out_value[256];
static int64_t out_fingerprint;

/* The far end accepts; our confirmCall is checked against its own key. */
static bool out_accept(struct world *w)
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

static struct tl_obj *out_call(struct world *w)
{
	return phone_call(w, bytes_of(far_value, 256), out_fingerprint,
			  "13.0.0");
}

static bool out_active(struct world *w)
{
	if (!out_start(w) || !out_group(w) || !out_wait(w) || !out_ring(w) ||
	    !out_accept(w))
		return false;
	answer(w, result(w, out_call(w)));
	return w->active_n == 1 && tg_call_state(w->call) == TG_CALL_ACTIVE;
}

static void test_call_outgoing_becomes_active(void)
{
	struct world w;
	struct tl_obj *q, *p;

	world_open(&w);
	CHECK(out_start(&w));
	CHECK_INT(w.busy, 1);
	q = asked(&w, TL_messages_getDhConfig);
	CHECK_INT(tl_int(q, TL_messages_getDhConfig_version), 0);
	CHECK_INT(tl_int(q, TL_messages_getDhConfig_random_length), 256);
	CHECK(out_group(&w));
	q = asked(&w, TL_phone_requestCall);
	p = tl_child(q, TL_phone_requestCall_protocol);
	CHECK(tl_has(p, TL_phoneCallProtocol_udp_p2p));
	CHECK(tl_has(p, TL_phoneCallProtocol_udp_reflector));
	CHECK_INT(tl_int(p, TL_phoneCallProtocol_min_layer), 65);
	CHECK_INT(tl_int(p, TL_phoneCallProtocol_max_layer), 92);
	CHECK_INT(tl_count(p, TL_phoneCallProtocol_library_versions), 2);
	CHECK(bytes_equal(
		tl_item_bytes(p, TL_phoneCallProtocol_library_versions, 0),
		bytes_str("13.0.0")));
	CHECK(!tl_has(q, TL_phone_requestCall_video));
	CHECK(out_wait(&w));
	CHECK(out_ring(&w));
	CHECK(out_accept(&w));
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(tg_call_state(w.call), TG_CALL_ACTIVE);
	CHECK_INT(w.active_n, 1);
	CHECK_INT(w.states_n, 4);
	CHECK_INT(w.states[0], TG_CALL_WAITING);
	CHECK_INT(w.states[1], TG_CALL_RINGING);
	CHECK_INT(w.states[2], TG_CALL_EXCHANGING);
	CHECK_INT(w.states[3], TG_CALL_ACTIVE);
	/* As update as well: nothing happens. */
	phone_update(&w.phone, out_call(&w));
	CHECK_INT(w.active_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.busy, 0);
}

static void test_call_outgoing_gives_media(void)
{
	struct world w;
	uint8_t digest[32], joined[512];
	const struct tg_call_server *s = w.media.servers;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_MEM(w.media.key, out_key, 256);
	CHECK(w.media.outgoing);
	CHECK(w.media.p2p_allowed);
	CHECK_STR(w.media.version, "13.0.0");
	CHECK_STR(w.custom, "{\"a\":1}");
	/* The one with a tag of 15 bytes is left out. */
	CHECK_INT(w.media.servers_n, 2);
	CHECK(s[0].reflector && !s[0].tcp && !s[0].turn);
	CHECK_STR(s[0].ip, "192.0.2.1");
	CHECK_INT(s[0].port, 598);
	CHECK_INT(s[0].id, 77);
	CHECK_INT(s[0].peer_tag[3], 4);
	CHECK(s[1].turn && s[1].stun && !s[1].reflector);
	CHECK_STR(s[1].ipv6, "2001:db8::2");
	CHECK_STR(s[1].username, "1:a");
	CHECK_STR(s[1].password, "secret");
	memcpy(joined, out_key, 256);
	memcpy(joined + 256, out_value, 256);
	SHA256(joined, sizeof(joined), digest);
	for (int i = 0; i < 4; i++) {
		uint64_t v = 0;

		for (int k = 0; k < 8; k++)
			v = v << 8 | digest[8 * i + k];
		CHECK_INT(be16_load(w.media.emoji + 2 * i),
			  (v & INT64_MAX) % 333);
	}
	world_close(&w);
}

static void test_call_active_by_update_before_result(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_update(&w.phone, out_call(&w));
	CHECK_INT(w.active_n, 1);
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(w.active_n, 1);
	CHECK_INT(w.ended_n, 0);
	world_close(&w);
}

static void test_call_repeated_accepted_confirms_once(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, result(&w, out_call(&w)));
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	phone_update(&w.phone, waiting(&w, true));
	CHECK(nothing_asked(&w));
	CHECK_INT(tg_call_state(w.call), TG_CALL_ACTIVE);
	world_close(&w);
}

static void test_call_accepted_without_ringing(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	CHECK(out_accept(&w));
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(w.active_n, 1);
	world_close(&w);
}

static void test_call_updates_overtake_the_result(void)
{
	struct world w;
	struct tl_obj *first;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	first = result(&w, waiting(&w, false));
	phone_update(&w.phone, waiting(&w, true));
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	CHECK_INT(tg_call_state(w.call), TG_CALL_REQUESTING);
	answer(&w, first);
	CHECK_INT(tg_call_state(w.call), TG_CALL_EXCHANGING);
	CHECK(asked(&w, TL_phone_confirmCall));
	CHECK_INT(w.phone.early_n, 0);
	world_close(&w);
}

static void test_call_group_is_cached(void)
{
	struct world w;
	struct tl_obj *o;
	uint8_t random[256] = {1};

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	phone_update(&w.phone, discarded(&w, TL_null, 0));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(phone_request(&w.call, &w.phone, PEER, 999, versions,
				&handlers, &w),
		  0);
	o = asked(&w, TL_messages_getDhConfig);
	CHECK_INT(tl_int(o, TL_messages_getDhConfig_version), 5);
	o = tl_new(&w.arena, TL_messages_dhConfigNotModified);
	tl_set_bytes(o, TL_messages_dhConfigNotModified_random, random, 256);
	answer(&w, o);
	CHECK(asked(&w, TL_phone_requestCall));
	world_close(&w);
}

/* -- outgoing: checks that fail ------------------------------------------- */

static void test_call_refuses_bad_group(void)
{
	struct world w;
	uint8_t p[256];

	memcpy(p, mtp_dh_known_prime, sizeof(p));
	p[255] ^= 4;
	world_open(&w);
	CHECK(out_start(&w));
	answer(&w, dh_config(&w, 3, p));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.error_code, 0);
	CHECK(w.end.error[0]);
	CHECK(w.end.by_us);
	CHECK_INT(w.end.reason, TG_DISCARD_DISCONNECT);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_refuses_bad_generator(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w));
	answer(&w, dh_config(&w, 2, mtp_dh_known_prime));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.error[0]);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_refuses_unsent_group(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	CHECK(out_start(&w));
	o = tl_new(&w.arena, TL_messages_dhConfigNotModified);
	tl_set_bytes(o, TL_messages_dhConfigNotModified_random, "", 0);
	answer(&w, o);
	CHECK_INT(w.ended_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_refuses_value_out_of_range(void)
{
	static const uint8_t one[1] = {1};
	struct world w;
	uint8_t v[256];

	memset(v, 0, sizeof(v));
	memset(v + 8, 0xff, 248); /* 2^1984 - 1 */
	for (int i = 0; i < 3; i++) {
		world_open(&w);
		CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
		phone_update(&w.phone,
			     accepted(&w, i == 0   ? bytes_of(v, 256)
					  : i == 1 ? bytes_of(one, 1)
						   : bytes_of(NULL, 0)));
		CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
		CHECK_INT(w.ended_n, 0);
		answer(&w, tl_new(&w.arena, TL_updatesTooLong));
		CHECK_INT(w.ended_n, 1);
		CHECK_INT(w.end.error_code, 0);
		CHECK(w.end.error[0]);
		CHECK_INT(w.end.reason, TG_DISCARD_DISCONNECT);
		CHECK_INT(w.active_n, 0);
		world_close(&w);
	}
}

static void test_call_refuses_fingerprint(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	answer(&w, result(&w, phone_call(&w, bytes_of(far_value, 256),
					 out_fingerprint ^ 1, "13.0.0")));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	/* Nothing can make it active any more. */
	phone_update(&w.phone, out_call(&w));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "fingerprint"));
}

static void test_call_refuses_unannounced_version(void)
{
	struct world w;

	for (int i = 0; i < 2; i++) {
		world_open(&w);
		CHECK(out_start(&w) && out_group(&w) && out_wait(&w) &&
		      out_accept(&w));
		answer(&w, result(&w, phone_call(&w, bytes_of(far_value, 256),
						 out_fingerprint,
						 i ? "2.4.4" : NULL)));
		CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
		CHECK_INT(w.active_n, 0);
		world_close(&w);
	}
}

/* -- outgoing: errors and ends -------------------------------------------- */

static void test_call_request_error_passes_through(void)
{
	static const struct {
		int code;
		const char *text;
	} errors[] = {
		{403, "USER_PRIVACY_RESTRICTED"},
		{400, "PARTICIPANT_VERSION_OUTDATED"},
		{420, "FLOOD_WAIT_3600"},
		{400, "PEER_FLOOD"},
		{408, "TIMEOUT"},
		{500, "PARTICIPANT_CALL_FAILED"},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct world w;

		world_open(&w);
		CHECK(out_start(&w) && out_group(&w));
		refuse(&w, errors[i].code, errors[i].text);
		CHECK_INT(w.ended_n, 1);
		CHECK_INT(w.end.error_code, errors[i].code);
		CHECK_STR(w.end.error, errors[i].text);
		CHECK(!w.end.by_us);
		CHECK(!w.end.was_ringing);
		CHECK(nothing_asked(&w));
		world_close(&w);
	}
}

static void test_call_random_id_is_redrawn(void)
{
	struct world w;
	int32_t first;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	first = tl_int(asked(&w, TL_phone_requestCall),
		       TL_phone_requestCall_random_id);
	refuse(&w, 500, "RANDOM_ID_DUPLICATE");
	CHECK_INT(w.ended_n, 0);
	CHECK(asked(&w, TL_phone_requestCall));
	CHECK(tl_int(asked(&w, TL_phone_requestCall),
		     TL_phone_requestCall_random_id) != first);
	for (int i = 0; i < 3; i++)
		refuse(&w, 500, "RANDOM_ID_DUPLICATE");
	CHECK_INT(w.ended_n, 1);
	CHECK_STR(w.end.error, "RANDOM_ID_DUPLICATE");
	world_close(&w);
}

static void test_call_far_end_reasons(void)
{
	static const struct {
		enum tl_ctor_no no;
		enum tg_discard reason;
	} reasons[] = {
		{TL_phoneCallDiscardReasonBusy, TG_DISCARD_BUSY},
		{TL_phoneCallDiscardReasonMissed, TG_DISCARD_MISSED},
		{TL_phoneCallDiscardReasonHangup, TG_DISCARD_HANGUP},
		{TL_phoneCallDiscardReasonDisconnect, TG_DISCARD_DISCONNECT},
		{TL_null, TG_DISCARD_NONE},
	};

	for (size_t i = 0; i < 2 * sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct world w;
		bool ringing = i & 1;

		world_open(&w);
		CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
		if (ringing)
			CHECK(out_ring(&w));
		phone_update(&w.phone, discarded(&w, reasons[i / 2].no, 0));
		CHECK_INT(w.ended_n, 1);
		CHECK_INT(w.end.reason, reasons[i / 2].reason);
		CHECK_INT(w.end.was_ringing, ringing);
		CHECK(!w.end.by_us);
		CHECK(!w.end.was_active);
		CHECK(nothing_asked(&w));
		/* Late and repeated: nothing left to meet them. */
		phone_update(&w.phone, discarded(&w, reasons[i / 2].no, 0));
		phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
		CHECK_INT(w.ended_n, 1);
		CHECK(nothing_asked(&w));
		world_close(&w);
	}
}

static void test_call_hangup_of_far_end_while_active(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonHangup, 42));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.was_active);
	CHECK_INT(w.end.duration_s, 42);
	CHECK_INT(w.end.reason, TG_DISCARD_HANGUP);
	world_close(&w);
}

static void test_call_empty_is_the_end(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	o = tl_new(&w.arena, TL_phoneCallEmpty);
	tl_set_long(o, TL_phoneCallEmpty_id, CALL_ID);
	phone_update(&w.phone, o);
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_NONE);
	world_close(&w);
}

/* -- outgoing: timers ----------------------------------------------------- */

static void test_call_receive_timer(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	CHECK_INT(phone_deadline(&w.phone), T0 + 20 * USEC_S);
	pass(&w, 20 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	CHECK(w.end.by_us);
	CHECK(!w.end.was_ringing);
	CHECK_INT(phone_deadline(&w.phone), USEC_NEVER);
	world_close(&w);
}

static void test_call_ring_timer(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	pass(&w, 5 * USEC_S);
	CHECK(out_ring(&w));
	/* Once more: the timer goes on. */
	pass(&w, 10 * USEC_S);
	CHECK(out_ring(&w));
	pass(&w, 80 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	world_close(&w);
	CHECK(w.end.was_ringing);
}

static void test_call_timers_from_config(void)
{
	struct world w;

	world_open(&w);
	phone_timers(&w.phone, 5000, 30000);
	phone_timers(&w.phone, 0, -1);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w));
	CHECK_INT(phone_deadline(&w.phone), T0 + 5 * USEC_S);
	CHECK(out_ring(&w));
	CHECK_INT(phone_deadline(&w.phone), T0 + 30 * USEC_S);
	world_close(&w);
}

static void test_call_exchange_timer(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	w.next++; /* confirmCall stays unanswered for now */
	pass(&w, 20 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	w.next--;
	world_close(&w);
	CHECK(w.end.error[0]);
	CHECK_INT(w.end.reason, TG_DISCARD_DISCONNECT);
}

/* -- hanging up ----------------------------------------------------------- */

static void test_call_hangup_before_request(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	/* Never inside the call that asked for it. */
	CHECK_INT(w.ended_n, 0);
	CHECK_INT(phone_deadline(&w.phone), w.now);
	pass(&w, 0);
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	/* The answer comes late: nobody is called. */
	answer(&w, dh_config(&w, 3, mtp_dh_known_prime));
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_hangup_before_the_id(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	pass(&w, USEC_S);
	CHECK_INT(w.ended_n, 0);
	answer(&w, result(&w, waiting(&w, false)));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	CHECK_INT(w.states_n, 0);
	world_close(&w);
}

static void test_call_hangup_before_a_refused_request(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	refuse(&w, 403, "USER_PRIVACY_RESTRICTED");
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	world_close(&w);
}

static void test_call_hangup_while_active(void)
{
	struct world w;
	struct tl_obj *q;

	world_open(&w);
	CHECK(out_active(&w));
	tg_call_discard(w.call, TG_DISCARD_HANGUP, 17);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonHangup));
	q = asked(&w, TL_phone_discardCall);
	CHECK_INT(tl_int(q, TL_phone_discardCall_duration), 17);
	CHECK_INT(tl_long(q, TL_phone_discardCall_connection_id), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOTCONN);
	/* A second one is the same one. */
	tg_call_discard(w.call, TG_DISCARD_DISCONNECT, 99);
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_HANGUP);
	CHECK_INT(w.end.duration_s, 17);
	CHECK(w.end.by_us);
	CHECK(w.end.was_active);
	world_close(&w);
}

static void test_call_discard_unanswered_is_forgotten(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	tg_call_discard(w.call, TG_DISCARD_HANGUP, 1);
	pass(&w, 5 * USEC_S - 1);
	CHECK_INT(w.ended_n, 0);
	pass(&w, 1);
	CHECK_INT(w.ended_n, 1);
	/* The answer comes after all. */
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	world_close(&w);
}

static void test_call_discard_without_connection_ends(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	w.refuse = -ENOTCONN;
	tg_call_discard(w.call, TG_DISCARD_HANGUP, 1);
	CHECK_INT(w.ended_n, 0);
	pass(&w, 0);
	CHECK_INT(w.ended_n, 1);
	world_close(&w);
}

static void test_call_accepted_meets_discard(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w));
	tg_call_discard(w.call, TG_DISCARD_MISSED, 0);
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	CHECK_INT(w.asked_n, w.next + 1); /* no confirmCall */
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonMissed));
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonMissed, 0));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	world_close(&w);
}

static void test_call_discarded_meets_confirm(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonHangup, 0));
	CHECK_INT(w.ended_n, 1);
	refuse(&w, 400, "CALL_ALREADY_DECLINED");
	CHECK_INT(w.ended_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_discard_inside_active(void)
{
	struct world w;

	world_open(&w);
	w.discard_in_active = true;
	CHECK(out_start(&w) && out_group(&w) && out_wait(&w) && out_ring(&w) &&
	      out_accept(&w));
	phone_signaling(&w.phone, CALL_ID, bytes_str("early"));
	w.next++;
	phone_update(&w.phone, out_call(&w));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonHangup));
	CHECK_STR(w.heard, "");
	w.next--;
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
}

static void test_call_unref_hangs_up(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	tg_call_unref(&w.call);
	CHECK(w.call == NULL);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonHangup));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 0);
	CHECK_INT(w.busy, 0);
	world_close(&w);
}

static void test_call_account_dies(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	phone_abort(&w.phone, 401, "SESSION_REVOKED");
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.error_code, 401);
	CHECK_STR(w.end.error, "SESSION_REVOKED");
	world_close(&w);
}

static void test_call_request_needs_versions(void)
{
	static const char *const none[] = {NULL};
	static const char *const wide[] = {"13.0.0-and-much-more", NULL};
	struct world w;

	world_open(&w);
	CHECK_INT(
		phone_request(&w.call, &w.phone, PEER, 1, none, &handlers, &w),
		-EINVAL);
	CHECK_INT(
		phone_request(&w.call, &w.phone, PEER, 1, wide, &handlers, &w),
		-EINVAL);
	w.refuse = -ENOTCONN;
	CHECK_INT(phone_request(&w.call, &w.phone, PEER, 1, versions, &handlers,
				&w),
		  -ENOTCONN);
	CHECK(w.call == NULL);
	CHECK_INT(w.ended_n, 0);
	CHECK_INT(w.busy, 0);
	world_close(&w);
}

/* -- incoming ------------------------------------------------------------- */

static uint8_t in_hash[32];

static bool in_ring(struct world *w)
{
	SHA256(far_value, 256, in_hash);
	phone_update(&w->phone, requested(w, in_hash, DATE));
	return w->incoming == 1 && w->incoming_user == PEER && w->call &&
	       tg_call_state(w->call) == TG_CALL_RINGING;
}

/* getDhConfig and receivedCall, in this order. */
static bool in_prepare(struct world *w)
{
	if (!asked(w, TL_messages_getDhConfig))
		return false;
	answer(w, dh_config(w, 3, mtp_dh_known_prime));
	if (!asked(w, TL_phone_receivedCall))
		return false;
	answer(w, yes(w));
	return nothing_asked(w);
}

static uint8_t in_key[256];
static int64_t in_fingerprint;

static bool in_accept(struct world *w)
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

static void test_call_incoming_becomes_active(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	CHECK(in_prepare(&w));
	CHECK(in_accept(&w));
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "9.0.0"));
	CHECK_INT(w.active_n, 1);
	CHECK_MEM(w.media.key, in_key, 256);
	CHECK(!w.media.outgoing);
	CHECK_STR(w.media.version, "9.0.0");
	CHECK_INT(w.states_n, 2);
	CHECK_INT(w.states[0], TG_CALL_EXCHANGING);
	CHECK_INT(w.states[1], TG_CALL_ACTIVE);
	/* Twice: once is enough. */
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "9.0.0"));
	CHECK_INT(w.active_n, 1);
	world_close(&w);
}

static void test_call_incoming_accepted_at_once(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	/* Before the group is known: acceptCall follows it. */
	CHECK_INT(tg_call_accept(w.call), 0);
	CHECK_INT(tg_call_accept(w.call), -EINVAL);
	CHECK_INT(w.asked_n, 2);
	answer(&w, dh_config(&w, 3, mtp_dh_known_prime));
	CHECK_INT(w.asked_n, 3);
	CHECK_INT(tg_call_state(w.call), TG_CALL_EXCHANGING);
	answer(&w, yes(&w));
	CHECK(asked(&w, TL_phone_acceptCall));
	world_close(&w);
}

static void test_call_incoming_rings_once(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	phone_update(&w.phone,
		     discarded(&w, TL_phoneCallDiscardReasonMissed, 0));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	CHECK(!w.end.by_us);
	/* Late repetition. */
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	world_close(&w);
}

static void test_call_incoming_old_is_ignored(void)
{
	struct world w;

	world_open(&w);
	SHA256(far_value, 256, in_hash);
	phone_update(&w.phone, requested(&w, in_hash, DATE - 91));
	CHECK_INT(w.incoming, 0);
	phone_update(&w.phone, requested(&w, in_hash, DATE - 90));
	CHECK_INT(w.incoming, 1);
	world_close(&w);
}

static void test_call_incoming_not_taken_is_left_alone(void)
{
	struct world w;

	world_open(&w);
	w.take = false;
	SHA256(far_value, 256, in_hash);
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	CHECK(nothing_asked(&w));
	CHECK_INT(w.busy, 0);
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK_INT(w.incoming, 1);
	world_close(&w);
}

static void test_call_incoming_declined(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	tg_call_discard(w.call, TG_DISCARD_BUSY, 0);
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonBusy));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK(w.end.by_us);
	CHECK_INT(w.end.reason, TG_DISCARD_BUSY);
	world_close(&w);
}

static void test_call_incoming_rings_out_silently(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	pass(&w, 90 * USEC_S);
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.reason, TG_DISCARD_MISSED);
	/* The owner's other devices go on ringing. */
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_incoming_answered_elsewhere(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	CHECK_INT(tg_call_accept(w.call), 0);
	refuse(&w, 400, "CALL_ALREADY_ACCEPTED");
	CHECK_INT(w.ended_n, 1);
	CHECK_STR(w.end.error, "CALL_ALREADY_ACCEPTED");
	CHECK_INT(w.end.error_code, 400);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_incoming_incompatible_is_discarded(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w));
	CHECK_INT(tg_call_accept(w.call), 0);
	refuse(&w, 406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID");
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	answer(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK_INT(w.ended_n, 1);
	CHECK_INT(w.end.error_code, 406);
	world_close(&w);
}

static void test_call_incoming_over_before_it_rang(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w));
	answer(&w, dh_config(&w, 3, mtp_dh_known_prime));
	refuse(&w, 400, "CALL_ALREADY_DECLINED");
	CHECK_INT(w.ended_n, 1);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_incoming_refuses_g_a_hash(void)
{
	struct world w;
	uint8_t other[256];
	uint8_t e[256] = {9};

	e[255] = 1;
	far_power(other, g3, 1, e);
	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	/* A sound value, but not the one that was promised. */
	phone_update(&w.phone, phone_call(&w, bytes_of(other, 256),
					  in_fingerprint, "13.0.0"));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "g_a_hash"));
}

static void test_call_incoming_refuses_range(void)
{
	struct world w;
	uint8_t v[256];

	/* Promised and kept, but outside the range. */
	memcpy(v, mtp_dh_known_prime, sizeof(v));
	v[255]--;
	world_open(&w);
	SHA256(v, 256, in_hash);
	phone_update(&w.phone, requested(&w, in_hash, DATE));
	CHECK(w.call && in_prepare(&w) && in_accept(&w));
	phone_update(&w.phone, phone_call(&w, bytes_of(v, 256), in_fingerprint,
					  "13.0.0"));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "range"));
}

static void test_call_incoming_refuses_fingerprint(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint + 1, "13.0.0"));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	CHECK_INT(w.active_n, 0);
	world_close(&w);
	CHECK(strstr(w.end.error, "fingerprint"));
}

static void test_call_incoming_refuses_bad_group(void)
{
	struct world w;
	uint8_t p[256];

	memcpy(p, mtp_dh_known_prime, sizeof(p));
	p[0] = 0x01;
	world_open(&w);
	CHECK(in_ring(&w));
	answer(&w, dh_config(&w, 3, p));
	w.next++; /* receivedCall */
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	w.next--;
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
}

static void test_call_incoming_hash_of_wrong_size(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	o = requested(&w, in_hash, DATE);
	tl_set_bytes(o, TL_phoneCallRequested_g_a_hash, in_hash, 31);
	phone_update(&w.phone, o);
	CHECK_INT(w.incoming, 0);
	world_close(&w);
}

static void test_call_of_another_device_is_ignored(void)
{
	struct world w;

	world_open(&w);
	phone_update(&w.phone, accepted(&w, bytes_of(far_value, 256)));
	phone_update(&w.phone, out_call(&w));
	phone_update(&w.phone, waiting(&w, true));
	CHECK(nothing_asked(&w));
	CHECK_INT(w.busy, 0);
	CHECK_INT(w.phone.early_n, 0);
	world_close(&w);
}

/* -- signalling ----------------------------------------------------------- */

static void test_call_signaling_waits_for_the_key(void)
{
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	phone_signaling(&w.phone, CALL_ID, bytes_str("a"));
	phone_signaling(&w.phone, CALL_ID, bytes_str("b"));
	phone_signaling(&w.phone, CALL_ID + 1, bytes_str("other"));
	CHECK_STR(w.heard, "");
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "13.0.0"));
	CHECK_STR(w.heard, "a,b,");
	phone_signaling(&w.phone, CALL_ID, bytes_str("c"));
	CHECK_STR(w.heard, "a,b,c,");
	world_close(&w);
}

static void test_call_early_signaling_is_bounded(void)
{
	static uint8_t block[16 * 1024];
	struct world w;

	world_open(&w);
	CHECK(in_ring(&w) && in_prepare(&w) && in_accept(&w));
	for (int i = 0; i < 100; i++)
		phone_signaling(&w.phone, CALL_ID,
				bytes_of(block, sizeof(block)));
	phone_update(&w.phone, phone_call(&w, bytes_of(far_value, 256),
					  in_fingerprint, "13.0.0"));
	CHECK_INT(w.heard_bytes, 64 * 1024);
	world_close(&w);
}

static bool signaling_asked(struct world *w, const char *text)
{
	struct tl_obj *q = asked(w, TL_phone_sendSignalingData);

	return q && bytes_equal(tl_bytes(q, TL_phone_sendSignalingData_data),
				bytes_str(text));
}

static void test_call_signaling_goes_one_at_a_time(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_start(&w) && out_group(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOTCONN);
	CHECK(out_wait(&w) && out_ring(&w) && out_accept(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOTCONN);
	answer(&w, result(&w, out_call(&w)));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("2")), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("3")), 0);
	CHECK(signaling_asked(&w, "1"));
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, yes(&w));
	CHECK(signaling_asked(&w, "2"));
	CHECK_INT(w.asked_n, w.next + 1);
	answer(&w, yes(&w));
	CHECK(signaling_asked(&w, "3"));
	answer(&w, yes(&w));
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_signaling_is_sent_again(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("2")), 0);
	refuse(&w, 408, "TIMEOUT");
	CHECK(nothing_asked(&w));
	pass(&w, USEC_S);
	CHECK(signaling_asked(&w, "1"));
	refuse(&w, 420, "FLOOD_WAIT_3");
	pass(&w, 3 * USEC_S - 1);
	CHECK(nothing_asked(&w));
	/* What comes meanwhile waits behind. */
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("3")), 0);
	CHECK(nothing_asked(&w));
	pass(&w, 1);
	CHECK(signaling_asked(&w, "1"));
	answer(&w, yes(&w));
	CHECK(signaling_asked(&w, "2"));
	CHECK_INT(w.ended_n, 0);
	world_close(&w);
}

static void test_call_signaling_refused_ends(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	answer(&w, tl_new(&w.arena, TL_boolFalse));
	CHECK(discard_asked(&w, TL_phoneCallDiscardReasonDisconnect));
	world_close(&w);
	CHECK_INT(w.ended_n, 1);
}

static void test_call_signaling_not_active_ends(void)
{
	struct world w;

	world_open(&w);
	CHECK(out_active(&w));
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("1")), 0);
	refuse(&w, 400, "CALL_NOT_ACTIVE");
	CHECK_INT(w.ended_n, 1);
	CHECK_STR(w.end.error, "CALL_NOT_ACTIVE");
	CHECK(w.end.was_active);
	CHECK(nothing_asked(&w));
	world_close(&w);
}

static void test_call_signaling_queue_is_bounded(void)
{
	static uint8_t block[64 * 1024];
	struct world w;
	int err = 0;

	world_open(&w);
	CHECK(out_active(&w));
	for (int i = 0; i < 8 && !err; i++)
		err = tg_call_send_signaling(w.call,
					     bytes_of(block, sizeof(block)));
	CHECK_INT(err, 0);
	CHECK_INT(tg_call_send_signaling(w.call, bytes_str("x")), -ENOBUFS);
	world_close(&w);
}

int main(void)
{
	far_open();
	RUN(test_call_outgoing_becomes_active);
	RUN(test_call_outgoing_gives_media);
	RUN(test_call_active_by_update_before_result);
	RUN(test_call_repeated_accepted_confirms_once);
	RUN(test_call_accepted_without_ringing);
	RUN(test_call_updates_overtake_the_result);
	RUN(test_call_group_is_cached);
	RUN(test_call_refuses_bad_group);
	RUN(test_call_refuses_bad_generator);
	RUN(test_call_refuses_unsent_group);
	RUN(test_call_refuses_value_out_of_range);
	RUN(test_call_refuses_fingerprint);
	RUN(test_call_refuses_unannounced_version);
	RUN(test_call_request_error_passes_through);
	RUN(test_call_random_id_is_redrawn);
	RUN(test_call_far_end_reasons);
	RUN(test_call_hangup_of_far_end_while_active);
	RUN(test_call_empty_is_the_end);
	RUN(test_call_receive_timer);
	RUN(test_call_ring_timer);
	RUN(test_call_timers_from_config);
	RUN(test_call_exchange_timer);
	RUN(test_call_hangup_before_request);
	RUN(test_call_hangup_before_the_id);
	RUN(test_call_hangup_before_a_refused_request);
	RUN(test_call_hangup_while_active);
	RUN(test_call_discard_unanswered_is_forgotten);
	RUN(test_call_discard_without_connection_ends);
	RUN(test_call_accepted_meets_discard);
	RUN(test_call_discarded_meets_confirm);
	RUN(test_call_discard_inside_active);
	RUN(test_call_unref_hangs_up);
	RUN(test_call_account_dies);
	RUN(test_call_request_needs_versions);
	RUN(test_call_incoming_becomes_active);
	RUN(test_call_incoming_accepted_at_once);
	RUN(test_call_incoming_rings_once);
	RUN(test_call_incoming_old_is_ignored);
	RUN(test_call_incoming_not_taken_is_left_alone);
	RUN(test_call_incoming_declined);
	RUN(test_call_incoming_rings_out_silently);
	RUN(test_call_incoming_answered_elsewhere);
	RUN(test_call_incoming_incompatible_is_discarded);
	RUN(test_call_incoming_over_before_it_rang);
	RUN(test_call_incoming_refuses_g_a_hash);
	RUN(test_call_incoming_refuses_range);
	RUN(test_call_incoming_refuses_fingerprint);
	RUN(test_call_incoming_refuses_bad_group);
	RUN(test_call_incoming_hash_of_wrong_size);
	RUN(test_call_of_another_device_is_ignored);
	RUN(test_call_signaling_waits_for_the_key);
	RUN(test_call_early_signaling_is_bounded);
	RUN(test_call_signaling_goes_one_at_a_time);
	RUN(test_call_signaling_is_sent_again);
	RUN(test_call_signaling_refused_ends);
	RUN(test_call_signaling_not_active_ends);
	RUN(test_call_signaling_queue_is_bounded);
	return check_done();
}

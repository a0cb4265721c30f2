#include "sim/world_test.h"

#include "mtproto/bind.h"

static struct fixture x;
static uint8_t temp_key[256];
static uint64_t perm_id, temp_id;

/* A permanent key of session a that is what it says, and a temporary one of
 * session b. */
static void keys_open(void)
{
	struct sim_key *k;
	uint8_t perm_key[256];

	fixture_open(&x);
	CHECK(fake_login(&x.a, "9990000001"));
	memset(perm_key, 5, sizeof(perm_key));
	memset(temp_key, 9, sizeof(temp_key));
	perm_id = mtp_key_id(perm_key);
	temp_id = mtp_key_id(temp_key);
	k = sim_world_key_add(x.w, perm_id, perm_key, 2, 0);
	k->user = 1;
	sim_world_key_add(x.w, temp_id, temp_key, 2, 3600);
	x.b.s.key_id = temp_id;
}

static struct mtp_bind good(void)
{
	return (struct mtp_bind){
		.nonce = 77,
		.temp_key_id = temp_id,
		.perm_key_id = perm_id,
		.temp_session_id = x.b.s.session_id,
		.expires_at = sim_world_date(x.w) + 3600,
	};
}

/* said: outside the envelope; sealed: inside. */
static struct tl_obj *query(const struct mtp_bind *said,
			    const struct mtp_bind *sealed, int64_t msg_id)
{
	struct tl_obj *q = fake_new(&x.b, TL_auth_bindTempAuthKey);
	struct bytes sent;
	struct buf out;

	buf_init(&out);
	mtp_bind_seal(&out, sealed, sim_world_key(x.w, perm_id)->key, msg_id,
		      NULL);
	tl_set_long(q, TL_auth_bindTempAuthKey_perm_auth_key_id,
		    (int64_t)said->perm_key_id);
	tl_set_long(q, TL_auth_bindTempAuthKey_nonce, said->nonce);
	tl_set_int(q, TL_auth_bindTempAuthKey_expires_at, said->expires_at);
	sent = tl_arena_copy(&x.b.arena, buf_bytes(&out));
	tl_set_bytes(q, TL_auth_bindTempAuthKey_encrypted_message, sent.p,
		     sent.n);
	buf_clear(&out);
	return q;
}

static bool bound(const struct mtp_bind *said, const struct mtp_bind *sealed,
		  int64_t msg_id_off)
{
	fake_ask(&x.b, query(said, sealed, x.b.msg_id + 1 + msg_id_off));
	return tl_is(x.b.answer, TL_boolTrue);
}

static bool refused(const char *kind, const struct mtp_bind *said,
		    const struct mtp_bind *sealed, int64_t msg_id_off)
{
	uint64_t before = sim_world_refused_count(x.w, kind);

	return !bound(said, sealed, msg_id_off) && x.b.code == 400 &&
	       strcmp(x.b.text, "ENCRYPTED_MESSAGE_INVALID") == 0 &&
	       sim_world_refused_count(x.w, kind) == before + 1;
}

static void test_sim_bind_lends_the_log_in(void)
{
	struct mtp_bind b;

	keys_open();
	b = good();
	CHECK(bound(&b, &b, 0));
	fake_ask(&x.b, fake_new(&x.b, TL_updates_getState));
	CHECK(tl_is(x.b.answer, TL_updates_state));
	/* Once more does no harm. */
	CHECK(bound(&b, &b, 0));
	fixture_close(&x);
}

static void test_sim_bind_checks_every_field(void)
{
	struct mtp_bind b, other;

	keys_open();
	b = other = good();
	other.nonce++;
	CHECK(refused("bind-nonce", &b, &other, 0));
	CHECK(refused("bind-nonce", &other, &b, 0));
	other = b;
	other.temp_key_id++;
	CHECK(refused("bind-temp-key-id", &b, &other, 0));
	other = b;
	other.temp_session_id++;
	CHECK(refused("bind-session-id", &b, &other, 0));
	other = b;
	other.expires_at++;
	CHECK(refused("bind-expires-at", &b, &other, 0));
	other.expires_at = b.expires_at + 61;
	CHECK(refused("bind-expires-when", &other, &other, 0));
	other.expires_at = sim_world_date(x.w);
	CHECK(refused("bind-expires-when", &other, &other, 0));
	other = b;
	other.perm_key_id = 101; /* another key's envelope */
	CHECK(refused("encrypted_message is for another key", &other, &b, 0));
	other.perm_key_id = 4711;
	CHECK(refused("bind-perm-key-unknown", &other, &b, 0));
	CHECK(refused("the inner msg_id is not that of the query", &b, &b, 4));
	sim_world_key(x.w, perm_id)->dc = 4;
	CHECK(refused("bind-perm-key-unknown", &b, &b, 0));
	sim_world_key(x.w, perm_id)->dc = 2;
	CHECK(bound(&b, &b, 0));
	fixture_close(&x);
}

static void test_sim_bind_comes_first(void)
{
	struct mtp_bind b;

	keys_open();
	b = good();
	fake_ask(&x.b, fake_new(&x.b, TL_help_getConfig));
	CHECK_INT(x.b.code, 401);
	CHECK_STR(x.b.text, "AUTH_KEY_PERM_EMPTY");
	CHECK(refused("bind-not-first", &b, &b, 0));
	/* A permanent key cannot be bound. */
	x.b.s.key_id = perm_id;
	CHECK(refused("bind-on-permanent-key", &b, &b, 0));
	fixture_close(&x);
}

static void test_sim_bind_dropped(void)
{
	struct mtp_bind b;
	struct tl_obj *q;

	keys_open();
	b = good();
	CHECK(bound(&b, &b, 0));
	/* Its own and the excepted stay, the others of that key go. */
	x.c.s.key_id = perm_id;
	q = fake_new(&x.c, TL_auth_dropTempAuthKeys);
	tl_set_vector(&x.c.arena, q, TL_auth_dropTempAuthKeys_except_auth_keys,
		      1);
	tl_put_long(q, TL_auth_dropTempAuthKeys_except_auth_keys, 0,
		    (int64_t)temp_id);
	fake_ask(&x.c, q);
	CHECK(tl_is(x.c.answer, TL_boolTrue));
	CHECK(sim_world_key(x.w, temp_id));
	tl_put_long(q, TL_auth_dropTempAuthKeys_except_auth_keys, 0, 1);
	fake_ask(&x.c, q);
	CHECK(!sim_world_key(x.w, temp_id));
	/* They end with the permanent one as well. */
	sim_world_key_add(x.w, temp_id, temp_key, 2, 3600)->bound = perm_id;
	sim_world_key_drop(x.w, perm_id);
	CHECK(!sim_world_key(x.w, temp_id));
	fixture_close(&x);
}

/* -- another data centre -------------------------------------------------- */

static void fake_export(int32_t dc)
{
	struct tl_obj *q = fake_new(&x.a, TL_auth_exportAuthorization);

	tl_set_int(q, TL_auth_exportAuthorization_dc_id, dc);
	fake_ask(&x.a, q);
}

static void fake_import(int64_t id, struct bytes bytes)
{
	struct tl_obj *q = fake_new(&x.b, TL_auth_importAuthorization);

	tl_set_long(q, TL_auth_importAuthorization_id, id);
	tl_set_bytes(q, TL_auth_importAuthorization_bytes, bytes.p, bytes.n);
	fake_ask(&x.b, q);
}

static void test_sim_authorization_is_carried_over(void)
{
	struct bytes bytes;

	fixture_open(&x);
	x.config.dcs[1].id = 4;
	x.config.dc_count = 2;
	fake_export(4);
	CHECK_STR(x.a.text, "AUTH_KEY_UNREGISTERED");
	CHECK(fake_login(&x.a, "9990000001"));
	fake_export(2);
	CHECK_STR(x.a.text, "DC_ID_INVALID");
	fake_export(5);
	CHECK_STR(x.a.text, "DC_ID_INVALID");
	fake_export(4);
	CHECK_INT(tl_long(x.a.answer, TL_auth_exportedAuthorization_id), 1);
	bytes = tl_bytes(x.a.answer, TL_auth_exportedAuthorization_bytes);
	x.b.s.dc = 4;
	fake_import(1, bytes_str("x"));
	CHECK_STR(x.b.text, "AUTH_BYTES_INVALID");
	fake_import(1, bytes);
	CHECK(tl_is(x.b.answer, TL_auth_authorization));
	fake_ask(&x.b, fake_new(&x.b, TL_updates_getState));
	CHECK(tl_is(x.b.answer, TL_updates_state));
	/* It is no log-in of its own. */
	fake_ask(&x.a, fake_new(&x.a, TL_account_getAuthorizations));
	CHECK_INT(
		tl_count(x.a.answer, TL_account_authorizations_authorizations),
		1);
	/* Once only, for that user, there, and soon. */
	fake_import(1, bytes);
	CHECK_STR(x.b.text, "AUTH_BYTES_INVALID");
	fake_export(4);
	fake_import(2,
		    tl_bytes(x.a.answer, TL_auth_exportedAuthorization_bytes));
	CHECK_STR(x.b.text, "AUTH_BYTES_INVALID");
	fake_export(4);
	x.b.s.dc = 2;
	fake_import(1,
		    tl_bytes(x.a.answer, TL_auth_exportedAuthorization_bytes));
	CHECK_STR(x.b.text, "AUTH_BYTES_INVALID");
	x.b.s.dc = 4;
	fake_export(4);
	fixture_pass(&x, 61000);
	fake_import(1,
		    tl_bytes(x.a.answer, TL_auth_exportedAuthorization_bytes));
	CHECK_STR(x.b.text, "AUTH_BYTES_INVALID");
	fixture_close(&x);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_sim_bind_lends_the_log_in);
	RUN(test_sim_bind_checks_every_field);
	RUN(test_sim_bind_comes_first);
	RUN(test_sim_bind_dropped);
	RUN(test_sim_authorization_is_carried_over);
	return check_done();
}

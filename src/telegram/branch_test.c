/* Queries on other data centres, with a stand-in for the MTProto engine
 * (account_world.h): one of data centre 1, the account's own, and one of 2.
 */
#include <errno.h>

#include "base/log.h"
#include "telegram/account_world.h"
#include "telegram/branch.h"
#include "tests/check.h"

static struct world w;

static int ask(int dc_id)
{
	return tg_account_query_dc(w.account, dc_id, any_query(&w), 0,
				   on_answer, &w);
}

static bool export_asked(struct world *world)
{
	return look_at(1) && asked(world, TL_auth_exportAuthorization);
}

static bool import_asked(struct world *world)
{
	return look_at(2) && asked(world, TL_auth_importAuthorization);
}

static bool query_asked(struct world *world)
{
	return look_at(2) && asked(world, TL_help_getNearestDc);
}

static struct tl_obj *exported(void)
{
	struct tl_obj *o = tl_new(&w.arena, TL_auth_exportedAuthorization);

	tl_set_long(o, TL_auth_exportedAuthorization_id, 111);
	tl_set_bytes(o, TL_auth_exportedAuthorization_bytes, "carry", 5);
	return o;
}

static struct tl_obj *nearest(void)
{
	struct tl_obj *o = tl_new(&w.arena, TL_nearestDc);

	tl_set_str(o, TL_nearestDc_country, "XX");
	tl_set_int(o, TL_nearestDc_this_dc, 2);
	tl_set_int(o, TL_nearestDc_nearest_dc, 2);
	return o;
}

/* Export here, import there. */
static void carry(void)
{
	struct tl_obj *q;

	CHECK(run(&w, export_asked));
	q = asked(&w, TL_auth_exportAuthorization);
	CHECK_INT(tl_int(q, TL_auth_exportAuthorization_dc_id), 2);
	CHECK(answer(&w, TL_auth_exportAuthorization, exported()));
	CHECK(run(&w, import_asked));
	q = asked(&w, TL_auth_importAuthorization);
	CHECK_INT(tl_long(q, TL_auth_importAuthorization_id), 111);
	CHECK(bytes_equal(tl_bytes(q, TL_auth_importAuthorization_bytes),
			  bytes_str("carry")));
	CHECK(!asked(&w, TL_help_getNearestDc));
	CHECK(answer(&w, TL_auth_importAuthorization,
		     authorization(&w, user(&w, 111, true))));
}

static void test_branch_carries_the_authorisation_once(void)
{
	CHECK(make_ready(&w));
	CHECK_INT(ask(2), 0);
	CHECK_INT(ask(2), 0);
	carry();
	CHECK(run(&w, query_asked));
	CHECK_INT(engine->queries_n, 2);
	CHECK(answer(&w, TL_help_getNearestDc, nearest()));
	CHECK(refuse(&w, TL_help_getNearestDc, 400, "LOCATION_INVALID"));
	CHECK_INT(w.answer_n, 2);
	CHECK_STR(w.text, "LOCATION_INVALID");
	CHECK_INT(ask(2), 0);
	CHECK(query_asked(&w));
	look_at(1);
	CHECK(!asked(&w, TL_auth_exportAuthorization));
	/* The account itself noticed nothing. */
	CHECK(is_ready(&w));
	CHECK_INT(w.kept_dc, 0);
	world_close(&w);
	CHECK_INT(w.answer_n, 3);
	CHECK_STR(w.text, "CLOSED");
}

static void test_branch_own_data_centre_needs_none(void)
{
	CHECK(make_ready(&w));
	CHECK_INT(ask(1), 0);
	look_at(1);
	CHECK(asked(&w, TL_help_getNearestDc));
	CHECK_INT(engines, 1);
	CHECK_INT(ask(7), -EHOSTUNREACH);
	world_close(&w);
	world_open(&w, false);
	CHECK_INT(ask(2), -ENOTCONN);
	world_close(&w);
}

static void test_branch_transfer_refused(void)
{
	CHECK(make_ready(&w));
	CHECK_INT(ask(2), 0);
	CHECK(run(&w, export_asked));
	CHECK(refuse(&w, TL_auth_exportAuthorization, 400, "DC_ID_INVALID"));
	CHECK_INT(w.answer_n, 1);
	CHECK_STR(w.text, "DC_ID_INVALID");
	CHECK_INT(ask(2), 0);
	CHECK(run(&w, export_asked));
	CHECK(answer(&w, TL_auth_exportAuthorization, exported()));
	CHECK(run(&w, import_asked));
	CHECK(refuse(&w, TL_auth_importAuthorization, 400,
		     "AUTH_BYTES_INVALID"));
	CHECK_INT(w.answer_n, 2);
	CHECK_STR(w.text, "AUTH_BYTES_INVALID");
	CHECK(is_ready(&w));
	world_close(&w);
}

static void test_branch_forgotten_authorisation_is_carried_again(void)
{
	CHECK(make_ready(&w));
	CHECK_INT(ask(2), 0);
	carry();
	CHECK(run(&w, query_asked));
	CHECK(refuse(&w, TL_help_getNearestDc, 401, "AUTH_KEY_UNREGISTERED"));
	CHECK_INT(w.answer_n, 0);
	carry();
	CHECK(run(&w, query_asked));
	/* Twice in a row is an answer. */
	CHECK(refuse(&w, TL_help_getNearestDc, 401, "AUTH_KEY_UNREGISTERED"));
	CHECK_INT(w.answer_n, 1);
	CHECK_INT(w.code, 401);
	CHECK(is_ready(&w));
	world_close(&w);
}

static bool third_engine(struct world *world)
{
	return engines == 3 && look_at(2) && engine->ready;
}

static void test_branch_unknown_key_is_made_anew(void)
{
	CHECK(make_ready(&w));
	CHECK_INT(ask(2), 0);
	carry();
	CHECK(run(&w, query_asked));
	fake_event(MTP_EVENT_KEY_UNKNOWN, NULL);
	CHECK(run(&w, third_engine));
	CHECK(!engine->conf.auth.present);
	carry();
	CHECK(run(&w, query_asked));
	CHECK(answer(&w, TL_help_getNearestDc, nearest()));
	CHECK_INT(w.answer_n, 1);
	CHECK_INT(w.code, 0);
	world_close(&w);
}

static void test_branch_closes_when_idle(void)
{
	CHECK(make_ready(&w));
	CHECK_INT(ask(2), 0);
	carry();
	CHECK(run(&w, query_asked));
	branches_pump(w.account, clock_now() + 120 * USEC_S);
	CHECK(look_at(2));
	CHECK(answer(&w, TL_help_getNearestDc, nearest()));
	branches_pump(w.account, clock_now() + 59 * USEC_S);
	CHECK(look_at(2));
	branches_pump(w.account, clock_now() + 61 * USEC_S);
	CHECK(!look_at(2));
	/* Opened again it still has its key and its authorisation. */
	CHECK_INT(ask(2), 0);
	CHECK(run(&w, query_asked));
	CHECK(engine->conf.auth.present);
	CHECK(!asked(&w, TL_auth_importAuthorization));
	world_close(&w);
}

static void test_branch_ends_with_the_account(void)
{
	CHECK(make_ready(&w));
	CHECK_INT(ask(2), 0);
	carry();
	CHECK(run(&w, query_asked));
	account_end(w.account, TG_STATE_REVOKED, "SESSION_REVOKED");
	CHECK(run(&w, is_dead));
	CHECK_INT(w.answer_n, 1);
	CHECK_INT(w.code, 401);
	CHECK_STR(w.text, "SESSION_REVOKED");
	CHECK(!look_at(2));
	CHECK_INT(ask(2), -ENOTCONN);
	world_close(&w);
}

static int dc_of(int code, const char *text)
{
	struct mtp_error err = {code, text};

	return tg_migrate_dc(&err);
}

static void test_branch_reads_migrations(void)
{
	CHECK_INT(dc_of(303, "FILE_MIGRATE_4"), 4);
	CHECK_INT(dc_of(303, "STATS_MIGRATE_2"), 2);
	CHECK_INT(dc_of(303, "PHONE_MIGRATE_2"), 0);
	CHECK_INT(dc_of(400, "FILE_MIGRATE_4"), 0);
	CHECK_INT(dc_of(303, "FILE_MIGRATE_"), 0);
	CHECK_INT(dc_of(303, "FILE_MIGRATE_-1"), 0);
	CHECK_INT(dc_of(303, "FILE_MIGRATE_1000"), 0);
	CHECK_INT(tg_migrate_dc(NULL), 0);
}

int main(void)
{
	if (libre_init())
		return 1;
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_branch_carries_the_authorisation_once);
	RUN(test_branch_own_data_centre_needs_none);
	RUN(test_branch_transfer_refused);
	RUN(test_branch_forgotten_authorisation_is_carried_again);
	RUN(test_branch_unknown_key_is_made_anew);
	RUN(test_branch_closes_when_idle);
	RUN(test_branch_ends_with_the_account);
	RUN(test_branch_reads_migrations);
	libre_close();
	return check_done();
}

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

static char directory[] = "/tmp/gramline-store-XXXXXX";
static char path[64];
static const char *why;

static void files_remove(void)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[80];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

static struct store *fresh(void)
{
	struct store *s = NULL;

	files_remove();
	return store_open(&s, path, &why) ? NULL : s;
}

static bool reopen(struct store **sp)
{
	store_close(sp);
	return store_open(sp, path, &why) == 0;
}

static bool sql(const char *text)
{
	sqlite3 *db = NULL;
	bool ok = sqlite3_open(path, &db) == SQLITE_OK &&
		  sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;

	sqlite3_close(db);
	return ok;
}

/* -- the file -------------------------------------------------------------- */

static void test_store_file_is_private(void)
{
	struct store *s;
	struct stat st;
	char wal[80];

	umask(0);
	s = fresh();
	CHECK(s);
	CHECK_INT(store_fact_set(s, "a", bytes_str("b")), 0);
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	CHECK_INT(stat(wal, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	store_close(&s);
	CHECK(!s);
	store_close(&s);
	CHECK_INT(chmod(path, 0644), 0);
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	store_close(&s);
}

static void test_store_errors_have_names(void)
{
	char old[64];
	struct store *s = NULL;

	strcpy(old, path);
	strcpy(path, "/nonexistent/folder/store.db");
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's folder does not exist");
	strcpy(path, old);

	files_remove();
	CHECK(sql("CREATE TABLE other (x)"));
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's file is another program's database");
	CHECK(!s);
}

static void test_store_refuses_a_newer_schema(void)
{
	struct store *s = fresh();

	CHECK(s);
	CHECK_INT(store_fact_set(s, "a", bytes_str("b")), 0);
	store_close(&s);
	CHECK(sql("PRAGMA user_version = 1000"));
	CHECK_INT(store_open(&s, path, &why), -ENOTSUP);
	CHECK_STR(why, "the store was written by a newer version");
	CHECK(!s);
}

static bool file_spoil(off_t from, size_t n)
{
	char garbage[4096];
	int fd = open(path, O_WRONLY);
	bool ok;

	memset(garbage, 0x5a, sizeof(garbage));
	ok = fd >= 0 && pwrite(fd, garbage, n, from) == (ssize_t)n;
	close(fd);
	return ok;
}

static void test_store_names_a_damaged_file(void)
{
	struct store *s = fresh();

	CHECK(s);
	CHECK_INT(store_fact_set(s, "a", bytes_str("b")), 0);
	store_close(&s);
	/* the second page is that of the table of facts */
	CHECK(file_spoil(4096, 4096));
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's file is damaged");
	CHECK(!s);

	CHECK(file_spoil(0, 4096));
	CHECK_INT(store_open(&s, path, &why), -EIO);
	CHECK_STR(why, "the store's file is not a database");
	CHECK(!s);
}

static void test_store_row_at_fault_does_not_stop_others(void)
{
	struct store *s = fresh();
	struct buf v;

	CHECK(s);
	CHECK(sql("CREATE TRIGGER refuse BEFORE INSERT ON facts"
		  " WHEN NEW.name = 'bad' BEGIN"
		  " SELECT RAISE(ABORT, 'refused by the test'); END"));
	buf_init(&v);
	CHECK_INT(store_fact_set(s, "before", bytes_str("1")), 0);
	CHECK_INT(store_fact_set(s, "bad", bytes_str("2")), 0);
	CHECK_INT(store_fact_set(s, "after", bytes_str("3")), 0);
	CHECK_INT(store_flush(s), 0);
	CHECK_INT(store_fact_get(s, "bad", &v), -ENOENT);
	CHECK_INT(store_fact_get(s, "before", &v), 0);
	CHECK_INT(store_fact_get(s, "after", &v), 0);
	CHECK_STR(buf_cstr(&v), "13");
	buf_clear(&v);
	store_close(&s);
}

/* -- facts ----------------------------------------------------------------- */

static void test_fact_is_kept(void)
{
	struct store *s = fresh();
	char long_name[65];
	struct buf v;

	CHECK(s);
	buf_init(&v);
	CHECK_INT(store_fact_get(s, "key", &v), -ENOENT);
	CHECK_INT(store_fact_set(s, "key", bytes_of("a\0b", 3)), 0);
	CHECK_INT(store_fact_get(s, "key", &v), 0);
	CHECK_INT(v.n, 3);
	CHECK_MEM(v.p, "a\0b", 3);
	CHECK_INT(store_fact_set(s, "key", bytes_str("")), 0);
	CHECK(reopen(&s));
	buf_reset(&v);
	CHECK_INT(store_fact_get(s, "key", &v), 0);
	CHECK_INT(v.n, 0);
	memset(long_name, 'x', 64);
	long_name[64] = '\0';
	CHECK_INT(store_fact_set(s, long_name, bytes_str("")), -EINVAL);
	buf_clear(&v);
	store_close(&s);
}

/* -- sessions -------------------------------------------------------------- */

static struct store_session sample_session(const char *name)
{
	struct store_session v = {
		.dc_id = 4,
		.key_sealed_n = sizeof(v.key_sealed),
		.salt = INT64_MIN,
		.time_diff = -7,
		.logged_in = true,
		.dead_reason = "",
		.dead_since = 1700000001,
		.frozen_since = 1700000002,
		.user_id = 7000000001,
		.phone = "99966000",
		.username = "Office",
		.first_name = "\xd0\x96",
		.last_name = "'; DROP TABLE peers",
		.pts = 1,
		.qts = 2,
		.date = 1700000000,
		.seq = -1,
	};

	snprintf(v.name, sizeof(v.name), "%s", name);
	for (size_t i = 0; i < sizeof(v.key_sealed); i++)
		v.key_sealed[i] = (uint8_t)i;
	return v;
}

static void test_session_survives_reopening(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a"), got;

	CHECK(s);
	CHECK_INT(store_session_get(s, "a", &got), -ENOENT);
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK(reopen(&s));
	memset(&got, 1, sizeof(got));
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK_STR(got.name, "a");
	CHECK_INT(got.dc_id, 4);
	CHECK_INT(got.key_sealed_n, sizeof(v.key_sealed));
	CHECK_MEM(got.key_sealed, v.key_sealed, sizeof(v.key_sealed));
	CHECK_INT(got.salt, INT64_MIN);
	CHECK_INT(got.time_diff, -7);
	CHECK(got.logged_in);
	CHECK_STR(got.dead_reason, "");
	CHECK_INT(got.dead_since, 1700000001);
	CHECK_INT(got.frozen_since, 1700000002);
	CHECK_INT(got.user_id, 7000000001);
	CHECK_STR(got.phone, "99966000");
	CHECK_STR(got.username, "Office");
	CHECK_STR(got.first_name, "\xd0\x96");
	CHECK_STR(got.last_name, "'; DROP TABLE peers");
	CHECK_INT(got.pts, 1);
	CHECK_INT(got.qts, 2);
	CHECK_INT(got.date, 1700000000);
	CHECK_INT(got.seq, -1);
	store_close(&s);
}

static void test_session_put_replaces(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a"), got;

	CHECK(s);
	CHECK_INT(store_session_put(s, &v), 0);
	v.key_sealed_n = 0;
	v.logged_in = false;
	strcpy(v.dead_reason, "AUTH_KEY_UNREGISTERED");
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK_INT(got.key_sealed_n, 0);
	CHECK(!got.logged_in);
	CHECK_STR(got.dead_reason, "AUTH_KEY_UNREGISTERED");
	v.key_sealed_n = sizeof(v.key_sealed) + 1;
	CHECK_INT(store_session_put(s, &v), -EINVAL);
	v = sample_session("");
	CHECK_INT(store_session_put(s, &v), -EINVAL);
	store_close(&s);
}

static void test_session_updates_touch_only_the_state(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a"), got;

	CHECK(s);
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_session_updates(s, "a", 10, 20, 30, 40), 0);
	CHECK_INT(store_session_updates(s, "b", 10, 20, 30, 40), 0);
	CHECK_INT(store_session_get(s, "a", &got), 0);
	CHECK_INT(got.pts, 10);
	CHECK_INT(got.qts, 20);
	CHECK_INT(got.date, 30);
	CHECK_INT(got.seq, 40);
	CHECK_INT(got.user_id, v.user_id);
	CHECK_INT(store_session_get(s, "b", &got), -ENOENT);
	store_close(&s);
}

struct seen {
	struct store *s;
	char names[64];
};

static void each_removes(const struct store_session *v, void *arg)
{
	struct seen *seen = arg;

	strcat(seen->names, v->name);
	(void)store_session_remove(seen->s, "b");
	(void)store_session_remove(seen->s, v->name);
}

static void test_session_each_may_change_the_store(void)
{
	struct seen seen = {.s = fresh()};
	struct store_session v;

	CHECK(seen.s);
	for (const char *name = "cab"; *name; name++) {
		v = sample_session((char[]){*name, '\0'});
		CHECK_INT(store_session_put(seen.s, &v), 0);
	}
	CHECK_INT(store_session_each(seen.s, each_removes, &seen), 0);
	CHECK_STR(seen.names, "ac");
	seen.names[0] = '\0';
	CHECK_INT(store_session_each(seen.s, each_removes, &seen), 0);
	CHECK_STR(seen.names, "");
	store_close(&seen.s);
}

static void test_session_remove_takes_its_peers(void)
{
	struct store *s = fresh();
	struct store_session v = sample_session("a");
	struct store_peer p = {.user_id = 5, .access_hash = 1}, got;

	CHECK(s);
	CHECK_INT(store_session_put(s, &v), 0);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "b", &p), 0);
	CHECK_INT(store_session_remove(s, "a"), 0);
	CHECK_INT(store_peer_by_id(s, "a", 5, &got), -ENOENT);
	CHECK_INT(store_peer_by_id(s, "b", 5, &got), 0);
	CHECK_INT(store_session_get(s, "a", &v), -ENOENT);
	store_close(&s);
}

/* -- closed gates ----------------------------------------------------------- */

static void each_flood(const char *line, const char *word, int64_t until,
		       void *arg)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->names);

	snprintf(seen->names + n, sizeof(seen->names) - n, "%s %s %lld;", line,
		 word, (long long)until);
}

static void test_flood_survives_reopening(void)
{
	struct seen seen = {.s = fresh()};
	struct store_session v = sample_session("a");
	char long_name[65];

	CHECK(seen.s);
	CHECK_INT(store_session_put(seen.s, &v), 0);
	CHECK_INT(store_flood_put(seen.s, "a", "calls", "FLOOD_WAIT_7", 107,
				  100),
		  0);
	CHECK_INT(store_flood_put(seen.s, "a", "names", "FLOOD_WAIT_1", 102,
				  101),
		  0);
	CHECK_INT(store_flood_put(seen.s, "b", "calls", "x", 200, 101), 0);
	CHECK(reopen(&seen.s));
	CHECK_INT(store_flood_each(seen.s, "a", each_flood, &seen), 0);
	CHECK_STR(seen.names, "calls FLOOD_WAIT_7 107;names FLOOD_WAIT_1 102;");
	/* The newest word stands; what has passed goes. */
	CHECK_INT(store_flood_put(seen.s, "a", "calls", "FLOOD_WAIT_9", 114,
				  105),
		  0);
	seen.names[0] = '\0';
	CHECK_INT(store_flood_each(seen.s, "a", each_flood, &seen), 0);
	CHECK_STR(seen.names, "calls FLOOD_WAIT_9 114;");
	CHECK_INT(store_flood_put(seen.s, "a", "calls", "", 115, 115), 0);
	CHECK_INT(store_session_remove(seen.s, "b"), 0);
	seen.names[0] = '\0';
	CHECK_INT(store_flood_each(seen.s, "a", each_flood, &seen), 0);
	CHECK_INT(store_flood_each(seen.s, "b", each_flood, &seen), 0);
	CHECK_STR(seen.names, "");
	memset(long_name, 'x', 64);
	long_name[64] = '\0';
	CHECK_INT(store_flood_put(seen.s, long_name, "calls", "", 1, 0),
		  -EINVAL);
	CHECK_INT(store_flood_put(seen.s, "a", long_name, "", 1, 0), -EINVAL);
	CHECK_INT(store_flood_put(seen.s, "a", "calls", long_name, 1, 0),
		  -EINVAL);
	store_close(&seen.s);
}

/* -- peers ----------------------------------------------------------------- */

static struct store_peer peer(int64_t id, const char *username,
			      const char *phone)
{
	struct store_peer p = {.user_id = id,
			       .access_hash = -id,
			       .first_name = "First",
			       .last_name = "Last",
			       .bot = true};

	snprintf(p.username, sizeof(p.username), "%s", username);
	snprintf(p.phone, sizeof(p.phone), "%s", phone);
	return p;
}

static void test_peer_is_found_three_ways(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(7000000001, "Alice_1", "99966001"), got;

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 7000000001, &got), 0);
	CHECK_INT(got.access_hash, -7000000001);
	CHECK_STR(got.username, "Alice_1");
	CHECK_STR(got.phone, "99966001");
	CHECK_STR(got.first_name, "First");
	CHECK_STR(got.last_name, "Last");
	CHECK(got.bot);
	CHECK(reopen(&s));
	CHECK_INT(store_peer_by_username(s, "a", "aLICE_1", &got), 0);
	CHECK_INT(got.user_id, 7000000001);
	CHECK_INT(store_peer_by_phone(s, "a", "99966001", &got), 0);
	CHECK_INT(got.user_id, 7000000001);
	CHECK_INT(store_peer_by_id(s, "a", 7000000002, &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "a", "alice_", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "a", "9996600", &got), -ENOENT);
	CHECK_INT(store_peer_by_id(s, "b", 7000000001, &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "b", "alice_1", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "b", "99966001", &got), -ENOENT);
	store_close(&s);
}

static void test_peer_without_username_is_not_found_by_none(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "", ""), q = peer(2, "", ""), got;

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_username(s, "a", "", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "a", "", &got), -ENOENT);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK_INT(store_peer_by_id(s, "a", 2, &got), 0);
	store_close(&s);
}

static void test_peer_once_met_stays_met(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "", ""), got;

	CHECK(s);
	CHECK_INT(store_peer_met(s, "a", 1), 0); /* nobody yet */
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK(!got.met);
	CHECK_INT(store_peer_met(s, "a", 1), 0);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	p.access_hash = 0;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK(got.met);
	p = peer(2, "", "");
	p.met = true;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_by_id(s, "a", 2, &got), 0);
	CHECK(got.met);
	store_close(&s);
}

static void test_peer_alias_leads_until_its_time(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "shown", ""), got;
	char long_value[65];

	CHECK(s);
	p.told = 1700000000;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_alias_put(s, "a", "99966001", 1, 200, 100), 0);
	CHECK_INT(store_alias_put(s, "a", "Second", 1, 300, 100), 0);
	CHECK_INT(store_alias_put(s, "a", "nobody", 2, 300, 100), 0);
	CHECK(reopen(&s));
	CHECK_INT(store_peer_by_alias(s, "a", "99966001", 199, &got), 0);
	CHECK_INT(got.user_id, 1);
	CHECK_INT(got.told, 1700000000);
	CHECK_INT(store_peer_by_alias(s, "a", "sECOND", 299, &got), 0);
	CHECK_INT(store_peer_by_alias(s, "a", "99966001", 200, &got), -ENOENT);
	CHECK_INT(store_peer_by_alias(s, "a", "nobody", 199, &got), -ENOENT);
	CHECK_INT(store_peer_by_alias(s, "b", "second", 199, &got), -ENOENT);
	/* It leads elsewhere from now on; what has passed goes. */
	CHECK_INT(store_alias_put(s, "a", "second", 3, 400, 250), 0);
	CHECK_INT(store_peer_by_alias(s, "a", "second", 260, &got), -ENOENT);
	CHECK_INT(store_peer_by_alias(s, "a", "99966001", 150, &got), -ENOENT);
	memset(long_value, 'x', 64);
	long_value[64] = '\0';
	CHECK_INT(store_alias_put(s, "a", long_value, 1, 2, 1), -EINVAL);
	CHECK_INT(store_alias_put(s, "a", "", 1, 2, 1), -EINVAL);
	store_close(&s);
}

static void test_peer_is_forgotten(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "shown", "99966001"), got;

	CHECK(s);
	p.told = 1700000000;
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_alias_put(s, "a", "second", 1, 300, 100), 0);
	/* Outdated: his id still leads to him, and whoever looks knows. */
	CHECK_INT(store_peer_forget(s, "a", 1, false), 0);
	CHECK_INT(store_peer_by_alias(s, "a", "second", 200, &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "a", "shown", &got), 0);
	CHECK_INT(got.told, 0);
	CHECK_INT(got.access_hash, -1);
	CHECK_INT(store_peer_forget(s, "a", 1, true), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), -ENOENT);
	store_close(&s);
}

static void test_peer_username_and_phone_move(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "Name", "99966001"), got;
	struct store_peer q = peer(2, "nAME", "99966002");

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "b", &p), 0);
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_username(s, "a", "name", &got), 0);
	CHECK_INT(got.user_id, 2);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK_STR(got.username, "");
	CHECK_STR(got.phone, "99966001");
	strcpy(q.phone, "99966001");
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_phone(s, "a", "99966001", &got), 0);
	CHECK_INT(got.user_id, 2);
	CHECK_INT(store_peer_by_phone(s, "a", "99966002", &got), -ENOENT);
	CHECK_INT(store_peer_by_username(s, "b", "name", &got), 0);
	CHECK_INT(got.user_id, 1);

	/* given up, by a full description */
	q = peer(2, "", "");
	CHECK_INT(store_peer_put(s, "a", &q), 0);
	CHECK_INT(store_peer_by_username(s, "a", "name", &got), -ENOENT);
	CHECK_INT(store_peer_by_phone(s, "a", "99966001", &got), -ENOENT);
	store_close(&s);
}

static void test_peer_partial_keeps_what_is_known(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "name", "99966001"), got;
	struct store_peer min = {.user_id = 1, .first_name = "New"};

	CHECK(s);
	CHECK_INT(store_peer_put(s, "a", &p), 0);
	CHECK_INT(store_peer_put(s, "a", &min), 0);
	CHECK_INT(store_peer_by_id(s, "a", 1, &got), 0);
	CHECK_INT(got.access_hash, -1);
	CHECK_STR(got.username, "name");
	CHECK_STR(got.phone, "99966001");
	CHECK_STR(got.first_name, "New");
	CHECK_STR(got.last_name, "Last");
	min.user_id = 2;
	strcpy(min.username, "NAME");
	CHECK_INT(store_peer_put(s, "a", &min), 0);
	CHECK_INT(store_peer_by_username(s, "a", "name", &got), 0);
	CHECK_INT(got.user_id, 2);
	CHECK_INT(got.access_hash, 0);
	store_close(&s);
}

/* -- calls ----------------------------------------------------------------- */

static void each_call(const char *call_id, const char *json, void *arg)
{
	struct seen *seen = arg;

	strcat(strcat(strcat(seen->names, call_id), json), ";");
	(void)store_call_remove(seen->s, call_id);
}

static void test_call_is_kept_until_removed(void)
{
	struct seen seen = {.s = fresh()};

	CHECK(seen.s);
	CHECK_INT(store_call_put(seen.s, "2", "{}"), 0);
	CHECK_INT(store_call_put(seen.s, "1", ""), 0);
	CHECK_INT(store_call_put(seen.s, "3", "{\"a\":1}"), 0);
	CHECK_INT(store_call_remove(seen.s, "3"), 0);
	CHECK_INT(store_call_put(seen.s, "2", "{\"b\":2}"), 0);
	CHECK(reopen(&seen.s));
	CHECK_INT(store_call_each(seen.s, each_call, &seen), 0);
	CHECK_STR(seen.names, "2{\"b\":2};1;");
	seen.names[0] = '\0';
	CHECK_INT(store_call_each(seen.s, each_call, &seen), 0);
	CHECK_STR(seen.names, "");
	store_close(&seen.s);
}

/* -- many threads ---------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 400

struct writer_arg {
	struct store *s;
	int number;
	int wrong;
};

/* Each reads back what it wrote, at once, while others write. */
static void *write_and_read(void *arg)
{
	struct writer_arg *w = arg;
	struct store_peer p = peer(w->number, "", ""), got;

	for (int i = 1; i <= ROUNDS; i++) {
		p.access_hash = i;
		if (store_peer_put(w->s, "a", &p))
			w->wrong++;
		if (i % 7 == 0 &&
		    (store_peer_by_id(w->s, "a", w->number, &got) ||
		     got.access_hash != i))
			w->wrong++;
	}
	return NULL;
}

static void test_store_reads_see_earlier_writes(void)
{
	struct store *s = fresh();
	struct writer_arg args[THREADS];
	pthread_t threads[THREADS];
	struct store_peer got;

	CHECK(s);
	for (int i = 0; i < THREADS; i++) {
		args[i] = (struct writer_arg){.s = s, .number = i + 1};
		pthread_create(&threads[i], NULL, write_and_read, &args[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(args[i].wrong, 0);
	CHECK(reopen(&s));
	for (int i = 0; i < THREADS; i++) {
		CHECK_INT(store_peer_by_id(s, "a", i + 1, &got), 0);
		CHECK_INT(got.access_hash, ROUNDS);
	}
	store_close(&s);
}

static void test_store_close_commits_a_long_queue(void)
{
	struct store *s = fresh();
	struct store_peer p = peer(1, "", ""), got;

	CHECK(s);
	for (int i = 1; i <= 2500; i++) {
		p.user_id = i;
		p.access_hash = i;
		CHECK_INT(store_peer_put(s, "a", &p), 0);
	}
	CHECK(reopen(&s));
	for (int i = 1; i <= 2500; i++) {
		CHECK_INT(store_peer_by_id(s, "a", i, &got), 0);
		CHECK_INT(got.access_hash, i);
	}
	store_close(&s);
}

struct seen_bans {
	unsigned n;
	struct store_ban last;
};

static void each_ban(const struct store_ban *ban, void *arg)
{
	struct seen_bans *seen = arg;

	seen->n++;
	seen->last = *ban;
}

static void test_store_keeps_bans_until_they_end(void)
{
	struct store_ban ban = {"192.0.2.1", 1000, 3, "403 Wrong password"};
	struct store *s = fresh();
	struct seen_bans seen = {0};

	CHECK(s);
	CHECK_INT(store_ban_put(s, &ban), 0);
	ban.until = 2000;
	CHECK_INT(store_ban_put(s, &ban), 0);
	snprintf(ban.address, sizeof(ban.address), "2001:db8::1");
	CHECK_INT(store_ban_put(s, &ban), 0);
	CHECK_INT(store_ban_remove(s, "2001:db8::1"), 0);
	store_close(&s);
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(store_ban_each(s, 1999, each_ban, &seen), 0);
	CHECK_INT(seen.n, 1);
	CHECK_STR(seen.last.address, "192.0.2.1");
	CHECK_STR(seen.last.reason, "403 Wrong password");
	CHECK(seen.last.until == 2000 && seen.last.times == 3);
	CHECK_INT(store_ban_each(s, 2000, each_ban, &seen), 0);
	CHECK_INT(seen.n, 1);
	CHECK_INT(store_ban_each(s, 0, each_ban, &seen), 0);
	CHECK_INT(seen.n, 1); /* forgotten, not only passed over */
	store_close(&s);
}

struct seen_trunks {
	int n;
	struct store_trunk last;
};

static void each_trunk(const struct store_trunk *t, void *arg)
{
	struct seen_trunks *seen = arg;

	seen->n++;
	seen->last = *t;
}

static void test_store_keeps_trunks(void)
{
	struct store_trunk t = {.name = "a",
				.owner = "anna",
				.enabled = true,
				.lines = 3,
				.subscription = "gold",
				.settings = "{\"kind\":\"ip\"}",
				.secrets = {1, 0, 255},
				.secrets_n = 3};
	struct seen_trunks seen = {0};
	struct store *s = fresh();

	CHECK(s);
	CHECK_INT(store_trunk_put(s, &t), 0);
	strcpy(t.name, "b");
	CHECK_INT(store_trunk_put(s, &t), 0);
	t.enabled = false;
	CHECK_INT(store_trunk_put(s, &t), 0);
	CHECK_INT(store_trunk_remove(s, "a"), 0);
	store_close(&s);
	CHECK_INT(store_open(&s, path, &why), 0);
	CHECK_INT(store_trunk_each(s, each_trunk, &seen), 0);
	CHECK_INT(seen.n, 1);
	CHECK(memcmp(&seen.last, &t, sizeof(t)) == 0);
	t.secrets_n = sizeof(t.secrets) + 1;
	CHECK_INT(store_trunk_put(s, &t), -EINVAL);
	CHECK_INT(store_status(s), 0);
	store_close(&s);
}

static void each_subscription(const struct store_subscription *v, void *arg)
{
	(*(int *)arg)++;
}

static void test_store_keeps_subscriptions_and_their_use(void)
{
	struct store_subscription v = {"gold", 5000, 2, 600, 10, 7}, w;
	struct store *s = fresh();
	int64_t n;
	int count = 0;

	CHECK(s);
	CHECK_INT(store_subscription_get(s, "gold", &w), -ENOENT);
	CHECK_INT(store_subscription_put(s, &v), 0);
	CHECK_INT(store_subscription_use(s, "gold", 33), 0);
	CHECK_INT(store_subscription_use(s, "silver", 33), 0);
	CHECK_INT(store_subscription_get(s, "gold", &w), 0);
	v.seconds_used = 40;
	CHECK(memcmp(&v, &w, sizeof(v)) == 0);
	CHECK_INT(store_subscription_each(s, each_subscription, &count), 0);
	CHECK_INT(count, 1);
	CHECK_INT(store_fail_put(s, "gold", 100, 0), 0);
	CHECK_INT(store_fail_put(s, "gold", 200, 0), 0);
	CHECK_INT(store_fail_put(s, "silver", 200, 0), 0);
	CHECK_INT(store_fails(s, "gold", 100, &n), 0);
	CHECK_INT(n, 2);
	CHECK_INT(store_fails(s, "gold", 101, &n), 0);
	CHECK_INT(n, 1);
	CHECK_INT(store_fail_put(s, "gold", 300, 150), 0);
	CHECK_INT(store_fails(s, "gold", 0, &n), 0);
	CHECK_INT(n, 2); /* the one of 100 is forgotten */
	CHECK_INT(store_subscription_remove(s, "gold"), 0);
	CHECK_INT(store_subscription_get(s, "gold", &w), -ENOENT);
	CHECK_INT(store_fails(s, "gold", 0, &n), 0);
	CHECK_INT(n, 0);
	store_close(&s);
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/store.db", directory);
	RUN(test_store_file_is_private);
	RUN(test_store_errors_have_names);
	RUN(test_store_refuses_a_newer_schema);
	RUN(test_store_names_a_damaged_file);
	RUN(test_store_row_at_fault_does_not_stop_others);
	RUN(test_fact_is_kept);
	RUN(test_session_survives_reopening);
	RUN(test_session_put_replaces);
	RUN(test_session_updates_touch_only_the_state);
	RUN(test_session_each_may_change_the_store);
	RUN(test_session_remove_takes_its_peers);
	RUN(test_flood_survives_reopening);
	RUN(test_peer_is_found_three_ways);
	RUN(test_peer_without_username_is_not_found_by_none);
	RUN(test_peer_once_met_stays_met);
	RUN(test_peer_alias_leads_until_its_time);
	RUN(test_peer_is_forgotten);
	RUN(test_peer_username_and_phone_move);
	RUN(test_peer_partial_keeps_what_is_known);
	RUN(test_call_is_kept_until_removed);
	RUN(test_store_reads_see_earlier_writes);
	RUN(test_store_close_commits_a_long_queue);
	RUN(test_store_keeps_bans_until_they_end);
	RUN(test_store_keeps_trunks);
	RUN(test_store_keeps_subscriptions_and_their_use);
	files_remove();
	rmdir(directory);
	return check_done();
}

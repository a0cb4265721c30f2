/* Updates, users and messages of an account that never connects: objects go in
 * as bytes, what it keeps and tells comes out. */
#include <errno.h>
#include <stdlib.h>

#include "telegram/account_core.h"
#include "telegram/messages.h"
#include "tests/check.h"

#define SELF 111
#define ANNA 222
#define BOB 333

struct world {
	struct tg_account *account;
	struct mtp_rsa *rsa;
	struct tl_arena arena;
	struct tg_user peers[8];
	unsigned peers_n, keeps;
	int32_t pts, qts, date, seq;
	unsigned states;
	char texts[256];
	int64_t from;
	char from_name[128];
	unsigned calls;
	int64_t caller;
	char caller_name[128];
	unsigned resolved;
	int code;
	char fault[64];
	struct tg_user found;
};

static void keep_peer(const struct tg_user *user, void *arg)
{
	struct world *w = arg;

	w->keeps++;
	for (unsigned i = 0; i < w->peers_n; i++)
		if (w->peers[i].id == user->id) {
			w->peers[i] = *user;
			return;
		}
	w->peers[w->peers_n++] = *user;
}

static bool peer_by_id(int64_t id, struct tg_user *user, void *arg)
{
	struct world *w = arg;

	for (unsigned i = 0; i < w->peers_n; i++)
		if (w->peers[i].id == id) {
			*user = w->peers[i];
			return true;
		}
	return false;
}

static void keep_updates(int32_t pts, int32_t qts, int32_t date, int32_t seq,
			 void *arg)
{
	struct world *w = arg;

	w->states++;
	w->pts = pts;
	w->qts = qts;
	w->date = date;
	w->seq = seq;
}

static void on_event(const struct tg_event *e, void *arg)
{
	struct world *w = arg;
	const struct tg_message *m = &e->message;
	size_t n = strlen(w->texts);

	if (e->kind != TG_EVENT_MESSAGE || m->out || m->chat.self || !m->text.n)
		return;
	snprintf(w->texts + n, sizeof(w->texts) - n, "%.*s,", (int)m->text.n,
		 (const char *)m->text.p);
	w->from = m->chat.id;
	snprintf(w->from_name, sizeof(w->from_name), "%s", m->chat.first_name);
}

static void on_incoming(struct tg_call *call, const struct tg_user *from,
			void *arg)
{
	struct world *w = arg;

	w->calls++;
	w->caller = from->id;
	snprintf(w->caller_name, sizeof(w->caller_name), "%s",
		 from->first_name);
}

static void world_open(struct world *w)
{
	struct tg_dc dc = {.id = 1, .host = "127.0.0.1", .port = 1};
	struct tg_account_conf conf = {
		.name = "test",
		.api_id = 1,
		.api_hash = "hash",
		.dcs = &dc,
		.dcs_n = 1,
		.auth.present = true,
		.logged_in = true,
		.pts = 10,
		.qts = 5,
		.date = 1000,
		.seq = 3,
		.keep.peer = keep_peer,
		.keep.peer_by_id = peer_by_id,
		.keep.updates = keep_updates,
		.handlers.event = on_event,
		.handlers.incoming = on_incoming,
		.arg = w,
	};

	memset(w, 0, sizeof(*w));
	tl_arena_init(&w->arena);
	if (mtp_rsa_new(&w->rsa))
		abort();
	conf.rsa = w->rsa;
	if (tg_account_new(&w->account, &conf))
		abort();
	/* As after the first difference. */
	updates_asked(&w->account->updates);
	updates_empty(&w->account->updates, 1000, 3, clock_now());
	phone_self(&w->account->phone, SELF);
	w->account->self.id = SELF;
}

static void world_close(struct world *w)
{
	tg_account_free(&w->account);
	mtp_rsa_free(&w->rsa);
	tl_arena_clear(&w->arena);
}

static void push(struct world *w, const struct tl_obj *o)
{
	struct buf b = {0};

	if (tl_write(&b, o))
		abort();
	feed_bytes(w->account, buf_bytes(&b));
	buf_clear(&b);
}

static bool lost(const struct world *w)
{
	return w->account->updates.wanted;
}

/* -- objects -------------------------------------------------------------- */

static struct tl_obj *user(struct world *w, int64_t id, int64_t hash,
			   const char *name, bool min)
{
	struct tl_obj *o = tl_new(&w->arena, TL_user);

	tl_set_long(o, TL_user_id, id);
	if (hash)
		tl_set_long(o, TL_user_access_hash, hash);
	tl_set_str(o, TL_user_first_name, name);
	if (min)
		tl_set_true(o, TL_user_min);
	return o;
}

static struct tl_obj *peer_user(struct world *w, int64_t id)
{
	struct tl_obj *o = tl_new(&w->arena, TL_peerUser);

	tl_set_long(o, TL_peerUser_user_id, id);
	return o;
}

static struct tl_obj *message(struct world *w, int64_t from, const char *text,
			      bool out)
{
	struct tl_obj *o = tl_new(&w->arena, TL_message);

	if (out)
		tl_set_true(o, TL_message_out);
	tl_set_int(o, TL_message_id, 1);
	tl_set_child(o, TL_message_peer_id, peer_user(w, from));
	tl_set_int(o, TL_message_date, 1001);
	tl_set_str(o, TL_message_message, text);
	return o;
}

static struct tl_obj *new_message(struct world *w, struct tl_obj *m,
				  int32_t pts)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updateNewMessage);

	tl_set_child(o, TL_updateNewMessage_message, m);
	tl_set_int(o, TL_updateNewMessage_pts, pts);
	tl_set_int(o, TL_updateNewMessage_pts_count, 1);
	return o;
}

static struct tl_obj *container(struct world *w, struct tl_obj *update,
				struct tl_obj *u, int32_t seq)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updates);

	tl_set_vector(&w->arena, o, TL_updates_updates, update ? 1 : 0);
	if (update)
		tl_put_obj(o, TL_updates_updates, 0, update);
	tl_set_vector(&w->arena, o, TL_updates_users, u ? 1 : 0);
	if (u)
		tl_put_obj(o, TL_updates_users, 0, u);
	tl_set_vector(&w->arena, o, TL_updates_chats, 0);
	tl_set_int(o, TL_updates_date, 2000);
	tl_set_int(o, TL_updates_seq, seq);
	return o;
}

static struct tl_obj *short_message(struct world *w, int64_t from,
				    const char *text, int32_t pts)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updateShortMessage);

	tl_set_int(o, TL_updateShortMessage_id, 2);
	tl_set_long(o, TL_updateShortMessage_user_id, from);
	tl_set_str(o, TL_updateShortMessage_message, text);
	tl_set_int(o, TL_updateShortMessage_pts, pts);
	tl_set_int(o, TL_updateShortMessage_pts_count, 1);
	tl_set_int(o, TL_updateShortMessage_date, 1002);
	return o;
}

static struct tl_obj *call_update_obj(struct world *w)
{
	static const uint8_t hash[32];
	struct tl_obj *o = tl_new(&w->arena, TL_updatePhoneCall);
	struct tl_obj *c = tl_new(&w->arena, TL_phoneCallRequested);
	struct tl_obj *p = tl_new(&w->arena, TL_phoneCallProtocol);

	tl_set_int(p, TL_phoneCallProtocol_min_layer, 65);
	tl_set_int(p, TL_phoneCallProtocol_max_layer, 92);
	tl_set_vector(&w->arena, p, TL_phoneCallProtocol_library_versions, 0);
	tl_set_long(c, TL_phoneCallRequested_id, 77);
	tl_set_long(c, TL_phoneCallRequested_access_hash, 78);
	tl_set_int(c, TL_phoneCallRequested_date,
		   (int32_t)(clock_wall().us / 1000000));
	tl_set_long(c, TL_phoneCallRequested_admin_id, ANNA);
	tl_set_long(c, TL_phoneCallRequested_participant_id, SELF);
	tl_set_bytes(c, TL_phoneCallRequested_g_a_hash, hash, sizeof(hash));
	tl_set_child(c, TL_phoneCallRequested_protocol, p);
	tl_set_child(o, TL_updatePhoneCall_phone_call, c);
	return o;
}

/* -- messages ------------------------------------------------------------- */

static void test_feed_message_comes_with_its_user(void)
{
	struct world w;

	world_open(&w);
	push(&w,
	     container(&w, new_message(&w, message(&w, ANNA, "hi", false), 11),
		       user(&w, ANNA, 99, "Anna", false), 0));
	CHECK_STR(w.texts, "hi,");
	CHECK_INT(w.from, ANNA);
	CHECK_STR(w.from_name, "Anna");
	CHECK_INT(w.peers_n, 1);
	CHECK_INT(w.peers[0].access_hash, 99);
	CHECK_INT(w.pts, 11);
	CHECK(!lost(&w));
	world_close(&w);
}

static void test_feed_own_and_empty_messages_are_silent(void)
{
	struct world w;

	world_open(&w);
	push(&w,
	     container(&w, new_message(&w, message(&w, ANNA, "me", true), 11),
		       NULL, 0));
	push(&w,
	     container(&w, new_message(&w, message(&w, ANNA, "", false), 12),
		       NULL, 0));
	push(&w,
	     container(&w, new_message(&w, message(&w, SELF, "s", false), 13),
		       NULL, 0));
	CHECK_STR(w.texts, "");
	CHECK_INT(w.pts, 13);
	world_close(&w);
}

static void test_feed_repeated_message_is_told_once(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	o = container(&w, new_message(&w, message(&w, ANNA, "hi", false), 11),
		      NULL, 0);
	push(&w, o);
	push(&w, o);
	CHECK_STR(w.texts, "hi,");
	world_close(&w);
}

static void test_feed_messages_out_of_order_are_put_right(void)
{
	struct world w;

	world_open(&w);
	push(&w, container(&w, NULL, user(&w, ANNA, 99, "Anna", false), 0));
	push(&w,
	     container(&w, new_message(&w, message(&w, ANNA, "b", false), 12),
		       NULL, 0));
	push(&w, short_message(&w, ANNA, "c", 13));
	CHECK_STR(w.texts, "");
	push(&w,
	     container(&w, new_message(&w, message(&w, ANNA, "a", false), 11),
		       NULL, 0));
	CHECK_STR(w.texts, "a,b,c,");
	CHECK_INT(w.pts, 13);
	CHECK(!lost(&w));
	world_close(&w);
}

static void test_feed_short_message_of_a_stranger(void)
{
	struct world w;

	world_open(&w);
	/* Not applied: the difference will bring the user along. */
	push(&w, short_message(&w, BOB, "who?", 11));
	CHECK_STR(w.texts, "");
	CHECK_INT(w.account->updates.pts, 10);
	CHECK(lost(&w));
	world_close(&w);
}

static void test_feed_unreadable_update_asks_difference(void)
{
	static const uint8_t unknown[] = {0xef, 0xbe, 0xad, 0xde, 1, 2, 3, 4};
	struct world w;

	world_open(&w);
	feed_bytes(w.account, bytes_of(unknown, sizeof(unknown)));
	CHECK(lost(&w));
	world_close(&w);
	world_open(&w);
	feed_bytes(w.account, bytes_of(unknown, 3));
	CHECK(lost(&w));
	world_close(&w);
}

static void test_feed_too_long_asks_difference(void)
{
	struct world w;

	world_open(&w);
	push(&w, tl_new(&w.arena, TL_updatesTooLong));
	CHECK(lost(&w));
	world_close(&w);
}

static void test_feed_sent_message_counts(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	o = tl_new(&w.arena, TL_updateShortSentMessage);
	tl_set_int(o, TL_updateShortSentMessage_id, 5);
	tl_set_int(o, TL_updateShortSentMessage_pts, 11);
	tl_set_int(o, TL_updateShortSentMessage_pts_count, 1);
	tl_set_int(o, TL_updateShortSentMessage_date, 1003);
	push(&w, o);
	CHECK_INT(w.pts, 11);
	world_close(&w);
}

static void test_feed_seq_and_date_are_kept(void)
{
	struct world w;

	world_open(&w);
	push(&w, container(&w, NULL, NULL, 4));
	CHECK_INT(w.seq, 4);
	CHECK_INT(w.date, 2000);
	push(&w, container(&w, NULL, NULL, 4));
	CHECK_INT(w.states, 1);
	world_close(&w);
}

static void test_feed_seq_of_any_width_is_survived(void)
{
	static const int32_t ends[][2] = {{INT32_MIN, INT32_MAX},
					  {INT32_MAX, INT32_MIN}};
	struct world w;

	world_open(&w);
	for (size_t i = 0; i < 2; i++) {
		struct tl_obj *o = tl_new(&w.arena, TL_updatesCombined);

		tl_set_vector(&w.arena, o, TL_updatesCombined_updates, 0);
		tl_set_vector(&w.arena, o, TL_updatesCombined_users, 0);
		tl_set_vector(&w.arena, o, TL_updatesCombined_chats, 0);
		tl_set_int(o, TL_updatesCombined_date, 2000);
		tl_set_int(o, TL_updatesCombined_seq_start, ends[i][0]);
		tl_set_int(o, TL_updatesCombined_seq, ends[i][1]);
		push(&w, o);
	}
	/* Neither moved anything. */
	push(&w, container(&w, NULL, NULL, 4));
	CHECK_INT(w.seq, 4);
	world_close(&w);
}

/* -- calls ---------------------------------------------------------------- */

static void test_feed_call_passes_any_gap(void)
{
	struct world w;

	world_open(&w);
	/* seq 9 leaves a gap, and a call does not wait for it. */
	push(&w, container(&w, call_update_obj(&w),
			   user(&w, ANNA, 99, "Anna", false), 9));
	CHECK_INT(w.calls, 1);
	CHECK_INT(w.caller, ANNA);
	CHECK_STR(w.caller_name, "Anna");
	world_close(&w);
}

static void test_feed_call_in_short_update(void)
{
	struct world w;
	struct tl_obj *o;

	world_open(&w);
	o = tl_new(&w.arena, TL_updateShort);
	tl_set_child(o, TL_updateShort_update, call_update_obj(&w));
	tl_set_int(o, TL_updateShort_date, 2000);
	push(&w, o);
	CHECK_INT(w.calls, 1);
	CHECK_INT(w.caller, ANNA);
	CHECK_STR(w.caller_name, "");
	world_close(&w);
}

/* -- users ---------------------------------------------------------------- */

static void test_peer_min_does_not_overwrite(void)
{
	struct world w;
	struct tg_user found;

	world_open(&w);
	push(&w, container(&w, NULL, user(&w, ANNA, 99, "Anna", false), 0));
	push(&w, container(&w, NULL, user(&w, ANNA, 5, "A.", true), 0));
	CHECK_INT(w.keeps, 1);
	CHECK(peers_find(w.account, ANNA, &found));
	CHECK_INT(found.access_hash, 99);
	CHECK_STR(found.first_name, "Anna");
	world_close(&w);
}

static void test_peer_min_hash_is_never_used(void)
{
	struct world w;
	struct tg_user found;

	world_open(&w);
	push(&w, container(&w, NULL, user(&w, BOB, 5, "Bob", true), 0));
	CHECK_INT(w.keeps, 0);
	CHECK(peers_find(w.account, BOB, &found));
	CHECK_INT(found.access_hash, 0);
	CHECK_STR(found.first_name, "Bob");
	world_close(&w);
}

static void test_peer_without_hash_keeps_the_old_one(void)
{
	struct world w;

	world_open(&w);
	push(&w, container(&w, NULL, user(&w, ANNA, 99, "Anna", false), 0));
	push(&w, container(&w, NULL, user(&w, ANNA, 0, "Anna B.", false), 0));
	CHECK_INT(w.keeps, 2);
	CHECK_INT(w.peers[0].access_hash, 99);
	CHECK_STR(w.peers[0].first_name, "Anna B.");
	world_close(&w);
}

static void test_peer_names_are_made_safe(void)
{
	struct world w;
	char name[300];
	struct tg_user u;

	world_open(&w);
	CHECK(user_read(&u, user(&w, ANNA, 1, "A\r\nX-Evil: 1", false)));
	CHECK_STR(u.first_name, "A  X-Evil: 1");
	/* 126 letters and a two-byte character across the end of the field. */
	memset(name, 'a', 126);
	memcpy(name + 126, "\xc3\xa4\xc3\xa4", 5);
	CHECK(user_read(&u, user(&w, ANNA, 1, name, false)));
	CHECK_INT(strlen(u.first_name), 126);
	CHECK(!user_read(&u, tl_new(&w.arena, TL_userEmpty)));
	world_close(&w);
}

static void test_peer_second_username_is_found(void)
{
	struct world w;
	struct tl_obj *o, *n;
	struct tg_user u;

	world_open(&w);
	o = user(&w, ANNA, 1, "Anna", false);
	n = tl_new(&w.arena, TL_username);
	tl_set_true(n, TL_username_active);
	tl_set_str(n, TL_username_username, "anna");
	tl_set_vector(&w.arena, o, TL_user_usernames, 1);
	tl_put_obj(o, TL_user_usernames, 0, n);
	CHECK(user_read(&u, o));
	CHECK_STR(u.username, "anna");
	world_close(&w);
}

static void test_account_refuses_without_connection(void)
{
	struct world w;
	struct tg_user to = {.id = ANNA, .access_hash = 1};
	struct tg_draft draft = {.text = "hi"};
	struct tg_call *call = NULL;

	world_open(&w);
	CHECK_INT(tg_message_send(w.account, &to, &draft, NULL, NULL),
		  -ENOTCONN);
	CHECK_INT(tg_call_request(&call, w.account, &to, NULL, NULL, NULL),
		  -ENOTCONN);
	CHECK_INT(tg_resolve(w.account, TG_PEER_ID, "222", NULL, NULL),
		  -ENOTCONN);
	CHECK_INT(tg_login_send_code(w.account, "999", NULL, NULL), -EISCONN);
	CHECK_INT(tg_account_state(w.account), TG_STATE_OFFLINE);
	world_close(&w);
}

static void test_connection_backoff_grows(void)
{
	static const unsigned ms[] = {200, 500, 1000, 2000, 4000, 5000, 5000};

	for (unsigned i = 0; i < sizeof(ms) / sizeof(ms[0]); i++)
		CHECK_INT(connection_backoff(i), ms[i] * USEC_MS);
	CHECK_INT(connection_backoff(100000), 5 * USEC_S);
}

int main(void)
{
	RUN(test_feed_message_comes_with_its_user);
	RUN(test_feed_own_and_empty_messages_are_silent);
	RUN(test_feed_repeated_message_is_told_once);
	RUN(test_feed_messages_out_of_order_are_put_right);
	RUN(test_feed_short_message_of_a_stranger);
	RUN(test_feed_unreadable_update_asks_difference);
	RUN(test_feed_too_long_asks_difference);
	RUN(test_feed_sent_message_counts);
	RUN(test_feed_seq_and_date_are_kept);
	RUN(test_feed_seq_of_any_width_is_survived);
	RUN(test_feed_call_passes_any_gap);
	RUN(test_feed_call_in_short_update);
	RUN(test_peer_min_does_not_overwrite);
	RUN(test_peer_min_hash_is_never_used);
	RUN(test_peer_without_hash_keeps_the_old_one);
	RUN(test_peer_names_are_made_safe);
	RUN(test_peer_second_username_is_found);
	RUN(test_account_refuses_without_connection);
	RUN(test_connection_backoff_grows);
	return check_done();
}

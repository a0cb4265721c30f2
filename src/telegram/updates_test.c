#include "telegram/updates.h"

#include "tests/check.h"

#define T0 (100 * USEC_S)

static const struct bytes none;

/* A state of pts 10, qts 5, seq 3 that is up to date at T0. */
static void up_to_date(struct updates *u)
{
	updates_init(u, 10, 5, 1000, 3, T0);
	updates_asked(u);
	updates_empty(u, 1000, 3, T0);
}

static void test_updates_ask_state_first(void)
{
	struct updates u;

	updates_init(&u, 0, 0, 0, 0, T0);
	CHECK(!u.known);
	CHECK(updates_due(&u, T0));
	CHECK_INT(updates_deadline(&u), 0);
	updates_asked(&u);
	CHECK(!updates_due(&u, T0));
	updates_state(&u, 7, 1, 2000, 1, T0);
	CHECK(u.known);
	CHECK(!updates_due(&u, T0));
	CHECK_INT(u.pts, 7);
	CHECK_INT(u.date, 2000);
	updates_clear(&u);
}

static void test_updates_kept_state_asks_difference(void)
{
	struct updates u;

	updates_init(&u, 10, 5, 1000, 3, T0);
	CHECK(u.known);
	CHECK(updates_due(&u, T0));
	updates_clear(&u);
}

static void test_updates_apply_in_order(void)
{
	struct updates u;

	up_to_date(&u);
	CHECK_INT(updates_take(&u, UPDATES_PTS, 11, 1, none, T0),
		  UPDATES_APPLY);
	CHECK_INT(updates_take(&u, UPDATES_PTS, 14, 3, none, T0),
		  UPDATES_APPLY);
	CHECK_INT(u.pts, 14);
	/* Nothing counted: the state stays. */
	CHECK_INT(updates_take(&u, UPDATES_PTS, 14, 0, none, T0),
		  UPDATES_APPLY);
	CHECK_INT(updates_take(&u, UPDATES_QTS, 6, 1, none, T0), UPDATES_APPLY);
	CHECK_INT(u.qts, 6);
	CHECK(!updates_due(&u, T0));
	updates_clear(&u);
}

static void test_updates_ignore_repeated(void)
{
	struct updates u;

	up_to_date(&u);
	CHECK_INT(updates_take(&u, UPDATES_PTS, 10, 1, none, T0),
		  UPDATES_IGNORE);
	CHECK_INT(updates_take(&u, UPDATES_PTS, 9, 4, none, T0),
		  UPDATES_IGNORE);
	CHECK_INT(updates_take(&u, UPDATES_SEQ, 3, 1, none, T0),
		  UPDATES_IGNORE);
	CHECK_INT(u.pts, 10);
	CHECK_INT(u.seq, 3);
	CHECK(!updates_due(&u, T0));
	updates_clear(&u);
}

static void test_updates_gap_filled_in_time(void)
{
	struct updates u;
	struct buf content;

	buf_init(&content);
	up_to_date(&u);
	CHECK_INT(updates_take(&u, UPDATES_PTS, 12, 1, bytes_str("twelve"), T0),
		  UPDATES_HELD);
	CHECK_INT(updates_deadline(&u), T0 + UPDATES_GAP);
	CHECK(!updates_release(&u, &content, T0));
	CHECK_INT(updates_take(&u, UPDATES_PTS, 11, 1, none, T0 + 1),
		  UPDATES_APPLY);
	CHECK(updates_release(&u, &content, T0 + 1));
	CHECK(bytes_equal(buf_bytes(&content), bytes_str("twelve")));
	CHECK_INT(u.pts, 12);
	CHECK(!updates_release(&u, &content, T0 + 1));
	CHECK_INT(updates_deadline(&u), u.silence_deadline);
	updates_timeout(&u, T0 + UPDATES_GAP);
	CHECK(!updates_due(&u, T0 + UPDATES_GAP));
	buf_clear(&content);
	updates_clear(&u);
}

static void test_updates_gap_asks_difference(void)
{
	struct updates u;
	struct buf content;

	buf_init(&content);
	up_to_date(&u);
	CHECK_INT(updates_take(&u, UPDATES_PTS, 12, 1, bytes_str("x"), T0),
		  UPDATES_HELD);
	updates_timeout(&u, T0 + UPDATES_GAP - 1);
	CHECK(!updates_due(&u, T0 + UPDATES_GAP - 1));
	updates_timeout(&u, T0 + UPDATES_GAP);
	CHECK(updates_due(&u, T0 + UPDATES_GAP));
	updates_asked(&u);
	CHECK(!updates_due(&u, T0 + UPDATES_GAP));
	CHECK_INT(updates_deadline(&u), USEC_NEVER);
	/* While it runs everything is held. */
	CHECK_INT(updates_take(&u, UPDATES_PTS, 13, 1, bytes_str("y"), T0),
		  UPDATES_HELD);
	updates_state(&u, 12, 5, 1001, 3, T0);
	/* 12 came with the difference; 13 is new. */
	CHECK(updates_release(&u, &content, T0));
	CHECK(bytes_equal(buf_bytes(&content), bytes_str("y")));
	CHECK(!updates_release(&u, &content, T0));
	CHECK_INT(u.pts, 13);
	CHECK_INT(u.held_n, 0);
	buf_clear(&content);
	updates_clear(&u);
}

static void test_updates_seq_gap_asks_difference(void)
{
	struct updates u;

	up_to_date(&u);
	CHECK_INT(updates_take(&u, UPDATES_SEQ, 0, 1, none, T0), UPDATES_APPLY);
	CHECK_INT(u.seq, 3);
	CHECK_INT(updates_take(&u, UPDATES_SEQ, 4, 1, none, T0), UPDATES_APPLY);
	/* updatesCombined of 5..7. */
	CHECK_INT(updates_take(&u, UPDATES_SEQ, 7, 3, none, T0), UPDATES_APPLY);
	CHECK_INT(updates_take(&u, UPDATES_SEQ, 9, 1, none, T0), UPDATES_HELD);
	updates_timeout(&u, T0 + UPDATES_GAP);
	CHECK(updates_due(&u, T0 + UPDATES_GAP));
	updates_clear(&u);
}

static void test_updates_slices_loop(void)
{
	struct updates u;

	updates_init(&u, 10, 0, 1000, 1, T0);
	updates_asked(&u);
	updates_slice(&u, 110, 0, 1100, 1);
	CHECK(updates_due(&u, T0));
	updates_asked(&u);
	updates_slice(&u, 210, 0, 1200, 1);
	CHECK(updates_due(&u, T0));
	updates_asked(&u);
	updates_state(&u, 250, 0, 1300, 2, T0);
	CHECK(!updates_due(&u, T0));
	CHECK_INT(u.pts, 250);
	updates_clear(&u);
}

static void test_updates_stuck_slice_ends(void)
{
	struct updates u;

	updates_init(&u, 10, 0, 1000, 1, T0);
	updates_asked(&u);
	updates_slice(&u, 10, 0, 1000, 1);
	CHECK(!updates_due(&u, T0));
	updates_clear(&u);
}

static void test_updates_too_long_goes_on(void)
{
	struct updates u;

	updates_init(&u, 10, 0, 1000, 1, T0);
	updates_asked(&u);
	updates_too_long(&u, 90000);
	CHECK_INT(u.pts, 90000);
	CHECK(u.known);
	CHECK(updates_due(&u, T0));
	updates_asked(&u);
	updates_too_long(&u, 90000);
	CHECK(!u.known);
	CHECK(updates_due(&u, T0));
	updates_clear(&u);
}

static void test_updates_silence_asks_difference(void)
{
	struct updates u;

	up_to_date(&u);
	CHECK_INT(updates_deadline(&u), T0 + UPDATES_SILENCE);
	updates_heard(&u, T0 + 10 * USEC_S);
	updates_timeout(&u, T0 + UPDATES_SILENCE);
	CHECK(!updates_due(&u, T0 + UPDATES_SILENCE));
	updates_timeout(&u, T0 + UPDATES_SILENCE + 10 * USEC_S);
	CHECK(updates_due(&u, T0 + UPDATES_SILENCE + 10 * USEC_S));
	updates_clear(&u);
}

static void test_updates_failed_request_backs_off(void)
{
	static const unsigned seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
	struct updates u;
	usec_t now = T0;

	updates_init(&u, 10, 0, 1000, 1, now);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		CHECK(updates_due(&u, now));
		updates_asked(&u);
		updates_failed(&u, false, now);
		CHECK(!updates_due(&u, now));
		CHECK_INT(updates_deadline(&u), now + seconds[i] * USEC_S);
		now += seconds[i] * USEC_S;
	}
	CHECK(u.known);
	updates_asked(&u);
	updates_failed(&u, true, now);
	CHECK(!u.known);
	updates_clear(&u);
}

static void test_updates_far_number_asks_twice_only(void)
{
	struct updates u;
	usec_t now = T0;
	unsigned asked = 0;

	up_to_date(&u);
	CHECK_INT(updates_take(&u, UPDATES_PTS, 5000, 1, none, now),
		  UPDATES_HELD);
	for (int i = 0; i < 20; i++) {
		struct buf content = {0};

		now += USEC_S;
		updates_timeout(&u, now);
		if (!updates_due(&u, now))
			continue;
		asked++;
		updates_asked(&u);
		updates_empty(&u, 1000, 3, now);
		CHECK(!updates_release(&u, &content, now));
	}
	CHECK_INT(asked, 2);
	CHECK_INT(u.held_n, 0);
	updates_clear(&u);
}

static void test_updates_flood_of_gaps_is_bounded(void)
{
	struct updates u;

	up_to_date(&u);
	for (int i = 0; i < 5000; i++)
		updates_take(&u, UPDATES_PTS, 20 + 2 * i, 1, bytes_str("abc"),
			     T0);
	CHECK(u.held_n <= 512);
	CHECK(updates_due(&u, T0));
	updates_clear(&u);
	CHECK_INT(u.held_bytes, 0);
}

int main(void)
{
	RUN(test_updates_ask_state_first);
	RUN(test_updates_kept_state_asks_difference);
	RUN(test_updates_apply_in_order);
	RUN(test_updates_ignore_repeated);
	RUN(test_updates_gap_filled_in_time);
	RUN(test_updates_gap_asks_difference);
	RUN(test_updates_seq_gap_asks_difference);
	RUN(test_updates_slices_loop);
	RUN(test_updates_stuck_slice_ends);
	RUN(test_updates_too_long_goes_on);
	RUN(test_updates_silence_asks_difference);
	RUN(test_updates_failed_request_backs_off);
	RUN(test_updates_far_number_asks_twice_only);
	RUN(test_updates_flood_of_gaps_is_bounded);
	return check_done();
}

#include "storage/chat_budget.h"

#include "tests/check.h"

#define T0 (100 * USEC_S)

static void test_chat_budget_is_twenty_an_hour(void)
{
	struct chat_budget *b;
	usec_t last = T0 + 19 * USEC_S;

	CHECK(!chat_budget_new(&b));
	for (usec_t i = 0; i < 20; i++)
		CHECK(chat_budget_take(b, 7, T0 + i * USEC_S));
	CHECK(!chat_budget_take(b, 7, last));
	CHECK(!chat_budget_take(b, 7, T0 + CHAT_BUDGET_WINDOW - 1));
	/* The hour glides: one more for each that is an hour old. */
	CHECK(chat_budget_take(b, 7, T0 + CHAT_BUDGET_WINDOW));
	CHECK(!chat_budget_take(b, 7, T0 + CHAT_BUDGET_WINDOW));
	CHECK(chat_budget_take(b, 7, T0 + CHAT_BUDGET_WINDOW + USEC_S));
	chat_budget_free(&b);
	CHECK(!b);
}

static void test_chat_budget_is_each_users_own(void)
{
	struct chat_budget *b;

	CHECK(!chat_budget_new(&b));
	for (int i = 0; i < 20; i++)
		CHECK(chat_budget_take(b, 7, T0));
	CHECK(!chat_budget_take(b, 7, T0));
	CHECK(chat_budget_take(b, 8, T0));
	CHECK_INT(chat_budget_users(b, T0), 2);
	CHECK_INT(chat_budget_users(b, T0 + CHAT_BUDGET_WINDOW), 0);
	chat_budget_free(&b);
}

int main(void)
{
	RUN(test_chat_budget_is_twenty_an_hour);
	RUN(test_chat_budget_is_each_users_own);
	return check_done();
}

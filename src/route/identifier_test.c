#include <errno.h>
#include <stdlib.h>

#include "route/caller.h"
#include "tests/check.h"

static bool reads(const char *rules, const char *dialled, enum route_kind kind,
		  const char *value)
{
	struct route_identifier id;

	return route_identifier_read(&id, rules, dialled) == 0 &&
	       id.kind == kind && strcmp(id.value, value) == 0;
}

static void test_identifier_defaults(void)
{
	const char *rules = ROUTE_CALLER_PHONE_DEFAULT;
	struct route_identifier id;

	CHECK(reads(rules, "+999661234567", ROUTE_PHONE, "999661234567"));
	CHECK(reads(rules, "999661234567", ROUTE_PHONE, "999661234567"));
	CHECK(reads(rules, "anna", ROUTE_USERNAME, "anna"));
	CHECK(reads(rules, "@anna", ROUTE_USERNAME, "anna"));
	CHECK(reads(rules, "tg#anna", ROUTE_USERNAME, "anna"));
	CHECK(reads(rules, "05092208953", ROUTE_USERID, "5092208953"));
	CHECK_INT(route_identifier_read(&id, rules, "12"), -ENOENT);
	CHECK_INT(route_identifier_read(&id, rules, "an"), -ENOENT);
	CHECK_INT(route_identifier_read(&id, rules, "anna!"), -ENOENT);
	CHECK_INT(route_identifier_read(&id, rules, ""), -ENOENT);
}

static void test_identifier_tg2sip_preset(void)
{
	const char *rules = ROUTE_CALLER_PHONE_TG2SIP;

	CHECK(reads(rules, "tg#anna", ROUTE_USERNAME, "anna"));
	CHECK(reads(rules, "+999661234567", ROUTE_PHONE, "999661234567"));
	CHECK(reads(rules, "5092208953", ROUTE_USERID, "5092208953"));
}

/* The strongest value in a rule decides; several ways to read it are tried. */
static void test_identifier_of_several_parameters(void)
{
	struct route_identifier id;

	CHECK(reads("{username}-{userid}", "anna-77", ROUTE_USERID, "77"));
	CHECK(reads("{phone}@{username}", "12345@anna", ROUTE_USERNAME,
		    "anna"));
	CHECK(reads("{phone}@{username}", "+12345@@anna", ROUTE_USERNAME,
		    "anna"));
	CHECK(reads("{phone}0x", "99966123450x", ROUTE_PHONE, "9996612345"));
	CHECK(reads("{username}_", "anna__", ROUTE_USERNAME, "anna_"));
	CHECK(reads("{userid}5", "55", ROUTE_USERID, "5"));
	CHECK_INT(route_identifier_read(&id, "x{userid}", "x"), -ENOENT);
	CHECK_INT(route_identifier_read(&id, "fixed", "fixe"), 0);
	CHECK(id.kind == ROUTE_USERNAME); /* by the defaults only */
}

static bool unclear(const char *rules)
{
	const char *why = NULL;

	return route_caller_ambiguous(rules, &why) && why;
}

static void test_caller_ambiguity_of_types(void)
{
	CHECK(!unclear(ROUTE_CALLER_PHONE_DEFAULT));
	CHECK(!unclear(ROUTE_CALLER_PHONE_TG2SIP));
	CHECK(!unclear("+{phone}\n0{userid}"));
	CHECK(!unclear("tg_{username}\n{userid}"));
	CHECK(!unclear("0{userid}"));
	CHECK(!unclear("{userid}\n{phone}")); /* the second is never used */
	CHECK(unclear("{phone}\n{userid}"));
	CHECK(unclear("{phone}\n{username}\n{userid}"));
	CHECK(unclear("+{phone}\n{username}\n1{userid}\n+{userid}") == false);
	CHECK(unclear("p{phone}\n{username}\n0{userid}")); /* user p12345 */
	CHECK(unclear("{username}\np{phone}\n0{userid}"));
	CHECK(unclear("1{phone}\n{userid}"));
	CHECK(!unclear("0{phone}\n{userid}"));
}

static void test_caller_ambiguity_within_a_rule(void)
{
	CHECK(unclear("{phone}{userid}"));
	CHECK(!unclear("{phone}-{userid}\n0{userid}"));
	CHECK(unclear("{username}{userid}\n0{userid}"));
	CHECK(!unclear("{username}-{userid}\n0{userid}"));
	CHECK(unclear("{username}_{userid}\n{username}\n0{userid}"));
	CHECK(!unclear("{userid}0")); /* one way only: to the last 0 */
}

static void test_caller_ambiguity_of_the_rest(void)
{
	CHECK(unclear(""));
	CHECK(unclear("{phone}"));
	CHECK(unclear("{phone}\n{username}"));
	CHECK(unclear("{phone}\n4711\n0{userid}"));
	CHECK(unclear("{name}\n0{userid}"));
}

/* -- the round trip ---------------------------------------------------------
 */

static uint64_t state;

static unsigned pick(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static void digits_make(char *dst, unsigned least, unsigned most)
{
	unsigned n = least + pick(most - least + 1);

	for (unsigned i = 0; i < n; i++)
		*dst++ = (char)('0' + (i ? pick(10) : 1 + pick(9)));
	*dst = '\0';
}

static void username_make(char *dst)
{
	static const char letters[] = "abcpxtgZQ_0123456789";
	unsigned n = 3 + pick(pick(2) ? 30 : 4);

	for (unsigned i = 0; i < n; i++)
		*dst++ = letters[pick(i ? sizeof(letters) - 1 : 9)];
	*dst = '\0';
}

/* Few different pieces, so that they often stand in each other's way. */
static void rules_make(char *dst, size_t room)
{
	static const char *const pieces[] = {
		"{phone}",  "{phone}",  "{username}", "{username}", "{userid}",
		"{userid}", "0",        "+",          "@",          "1",
		"_",        "tg#",      "p",          "-",          "a",
		"{phone}",  "0{userid}"};
	unsigned lines = 1 + pick(4);
	size_t used = 0;

	*dst = '\0';
	for (unsigned i = 0; i < lines; i++) {
		unsigned n = 1 + pick(i + 1 < lines ? 3 : 2);

		while (n--)
			used += (size_t)snprintf(
				dst + used, room - used, "%s",
				pieces[pick(sizeof(pieces) / sizeof(*pieces))]);
		used += (size_t)snprintf(dst + used, room - used, "\n");
	}
}

/* What is wrong with a user's way out and back; NULL: nothing. */
static const char *round_trip(const char *rules, const struct route_user *user)
{
	static const char *const kinds[] = {"phone", "username", "id"};
	static char wrong[400];
	char shown[256];
	struct route_identifier id = {.value = ""};
	const char *own;

	if (route_caller_phone(shown, sizeof(shown), rules, user) ||
	    route_identifier_read(&id, rules, shown)) {
		snprintf(wrong, sizeof(wrong), "not read: %s by %s", shown,
			 rules);
		return wrong;
	}
	own = id.kind == ROUTE_PHONE      ? user->phone
	      : id.kind == ROUTE_USERNAME ? user->username
					  : user->userid;
	if (strcmp(id.value, own) == 0)
		return NULL;
	snprintf(wrong, sizeof(wrong), "%s reads as %s %s by %s", shown,
		 kinds[id.kind], id.value, rules);
	return wrong;
}

/* Behaviour 3.5.2: "for every user U and every unambiguous rule set, dialling
 * the Caller ID that U produced reaches U". */
static void test_identifier_round_trip(void)
{
	char rules[256], phone[20], username[40], userid[24];
	const struct route_user user = {phone, username, userid, ""};
	unsigned clear = 0, wrong_when_unclear = 0;

	state = 1;
	for (int i = 0; i < 20000; i++) {
		const char *why, *wrong = NULL;
		bool ambiguous;

		rules_make(rules, sizeof(rules));
		ambiguous = route_caller_ambiguous(rules, &why);
		for (int u = 0; u < 8 && !wrong; u++) {
			digits_make(phone, 5, 15);
			digits_make(userid, 1, 19);
			username_make(username);
			if (u & 1)
				*phone = '\0';
			if (u & 2)
				*username = '\0';
			wrong = round_trip(rules, &user);
		}
		if (ambiguous)
			wrong_when_unclear += wrong != NULL;
		else
			clear++;
		if (wrong && !ambiguous)
			printf("# %s\n", wrong);
		CHECK(ambiguous || !wrong);
	}
	/* The sets were of both kinds, and the warning is worth something. */
	printf("# %u clear, %u of %u others go wrong at once\n", clear,
	       wrong_when_unclear, 20000 - clear);
	CHECK(clear > 2000 && wrong_when_unclear > 2000);
}

int main(void)
{
	RUN(test_identifier_defaults);
	RUN(test_identifier_tg2sip_preset);
	RUN(test_identifier_of_several_parameters);
	RUN(test_caller_ambiguity_of_types);
	RUN(test_caller_ambiguity_within_a_rule);
	RUN(test_caller_ambiguity_of_the_rest);
	RUN(test_identifier_round_trip);
	return check_done();
}

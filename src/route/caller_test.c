#include "route/caller.h"

#include <errno.h>

#include "tests/check.h"

static const struct route_user full = {"999661234567", "anna", "5092208953",
				       "Анна Müller 😀"};
static const struct route_user hidden = {"", "anna", "5092208953", "Anna"};
static const struct route_user bare = {"", "", "5092208953", ""};

static const char *phone(const char *rules, const struct route_user *u)
{
	static char dst[64];

	return route_caller_phone(dst, sizeof(dst), rules, u) ? "error" : dst;
}

/* The table of behaviour 3.5.1. */
static void test_caller_phone_table(void)
{
	CHECK_STR(phone(ROUTE_CALLER_PHONE_DEFAULT, &full), "999661234567");
	CHECK_STR(phone(ROUTE_CALLER_PHONE_DEFAULT, &hidden), "anna");
	CHECK_STR(phone(ROUTE_CALLER_PHONE_DEFAULT, &bare), "05092208953");
	CHECK_STR(phone("+{phone}\n0{userid}", &full), "+999661234567");
	CHECK_STR(phone("+{phone}\n0{userid}", &hidden), "05092208953");
	CHECK_STR(phone("0{userid}", &full), "05092208953");
	CHECK_STR(phone("tg_{username}\n{userid}", &full), "tg_anna");
	CHECK_STR(phone("tg_{username}\n{userid}", &bare), "5092208953");
	CHECK_STR(phone(" \r\n  {username}  \r\n", &bare), "5092208953");
}

static void test_caller_name_example(void)
{
	static const char rules[] = "+{phone} ({name})\n@{username} ({name})\n"
				    "{name_ascii}";
	char dst[64];

	CHECK_INT(route_caller_name(dst, sizeof(dst), rules, &hidden), 0);
	CHECK_STR(dst, "@anna (Anna)");
	CHECK_INT(route_caller_name(dst, sizeof(dst), "{name_ascii}", &full),
		  0);
	CHECK_STR(dst, "Anna Mueller");
	CHECK_INT(route_caller_name(dst, sizeof(dst), "{name}", &bare), 0);
	CHECK_STR(dst, "");
	CHECK_INT(route_caller_name(dst, 4, "{name}", &hidden), -ENOSPC);
}

static void test_caller_setting_is_checked(void)
{
	const char *why = NULL;

	CHECK_INT(route_caller_check(ROUTE_CALLER_PHONE_DEFAULT, &why), 0);
	CHECK_INT(route_caller_check("{phone", &why), -EINVAL);
	CHECK_INT(route_caller_check("{mail}", &why), -EINVAL);
	CHECK_INT(route_caller_check("a}b", &why), -EINVAL);
}

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

/* Dialling the Caller ID that a user produced reaches that user. */
static void test_identifier_round_trip(void)
{
	static const char *const sets[] = {
		ROUTE_CALLER_PHONE_DEFAULT, "+{phone}\n0{userid}", "0{userid}",
		"tg_{username}\n{userid}", ROUTE_CALLER_PHONE_TG2SIP};
	const struct route_user *users[] = {&full, &hidden, &bare};

	for (size_t s = 0; s < sizeof(sets) / sizeof(*sets); s++) {
		for (size_t u = 0; u < 3; u++) {
			struct route_identifier id;
			const char *expect;

			CHECK_INT(route_identifier_read(
					  &id, sets[s],
					  phone(sets[s], users[u])),
				  0);
			expect = id.kind == ROUTE_PHONE ? users[u]->phone
				 : id.kind == ROUTE_USERNAME
					 ? users[u]->username
					 : users[u]->userid;
			CHECK_STR(id.value, expect);
		}
	}
}

static void test_ascii_transliterates(void)
{
	char dst[64];

	route_ascii(dst, sizeof(dst), "  Ёлка \t Ωmega\xff ß  ");
	CHECK_STR(dst, "Yolka Omega ss");
	route_ascii(dst, 4, "Щука");
	CHECK_STR(dst, "Shc");
	route_ascii(dst, sizeof(dst), "😀🎉");
	CHECK_STR(dst, "");
}

int main(void)
{
	RUN(test_caller_phone_table);
	RUN(test_caller_name_example);
	RUN(test_caller_setting_is_checked);
	RUN(test_identifier_defaults);
	RUN(test_identifier_tg2sip_preset);
	RUN(test_identifier_round_trip);
	RUN(test_ascii_transliterates);
	return check_done();
}

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

	CHECK_INT(route_caller_name(dst, sizeof(dst), rules, &full), 0);
	CHECK_STR(dst, "+999661234567 (Анна Müller 😀)");
	CHECK_INT(route_caller_name(dst, sizeof(dst), rules, &hidden), 0);
	CHECK_STR(dst, "@anna (Anna)");
	CHECK_INT(route_caller_name(dst, sizeof(dst), rules, &bare), 0);
	CHECK_STR(dst, "");
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
	CHECK_INT(route_caller_check("{name}", &why), 0);
	CHECK_INT(route_caller_phone_check("{userid}\n{name}", &why), -EINVAL);
	CHECK_INT(route_caller_phone_check("x{userid}\n{phone}", &why), 0);
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
	RUN(test_ascii_transliterates);
	return check_done();
}

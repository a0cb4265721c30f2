#include "service/words.h"

#include <errno.h>

#include "tests/check.h"

static const char *const one[2] = {"trunk"};
static const char *const two[2] = {"session", "login"};
static json_t *o;
static char why[SERVICE_WHY];

static int take(const char *const needs[2], bool settings, const char *text)
{
	json_decref(o);
	o = json_object();
	return words_take(o, needs, settings, text, why);
}

static const char *text_of(json_t *of, const char *key)
{
	const char *text = json_string_value(json_object_get(of, key));

	return text ? text : "(none)";
}

static void test_words_stand_for_arguments(void)
{
	CHECK_INT(take(two, false, "office  17"), 0);
	CHECK_STR(text_of(o, "session"), "office");
	CHECK_STR(text_of(o, "login"), "17");
	CHECK_INT(take(two, false, "\"office 1\" 17"), 0);
	CHECK_STR(text_of(o, "session"), "office 1");
	CHECK_INT(take(two, false, "office"), 0);
	CHECK_STR(text_of(o, "login"), "(none)");
	CHECK_INT(take(two, false, "a b c"), -EINVAL);
	CHECK_STR(why, "");
	CHECK_INT(take(two, false, "a \"b"), -EINVAL);
	CHECK_STR(why, "the quote is not closed");
}

static void test_words_behind_them_are_settings(void)
{
	json_t *s;

	CHECK_INT(take(one, true,
		       "t codecs=alaw name=\"a \\\"b\\\" = c\" "
		       "rules=^\\d+\\n0{userid} empty= x=\"\""),
		  0);
	s = json_object_get(o, "settings");
	CHECK_INT(json_object_size(s), 5);
	CHECK_STR(text_of(s, "codecs"), "alaw");
	CHECK_STR(text_of(s, "name"), "a \"b\" = c");
	CHECK_STR(text_of(s, "rules"), "^\\d+\n0{userid}");
	CHECK_STR(text_of(s, "empty"), "");
	CHECK_STR(text_of(s, "x"), "");
	CHECK_INT(take(one, true, "t"), 0);
	CHECK(!json_object_get(o, "settings"));
}

static void test_words_that_are_no_settings_are_named(void)
{
	CHECK_INT(take(one, true, "t codecs"), -EINVAL);
	CHECK_STR(why, "KEY=VALUE is expected, not codecs");
	CHECK_INT(take(one, true, "t =alaw"), -EINVAL);
	CHECK_INT(take(one, true, "t a=1 b=2 a=3"), -EINVAL);
	CHECK_STR(why, "a is given twice");
	CHECK_INT(take(one, true, "t a=\xff"), -EINVAL);
}

int main(void)
{
	RUN(test_words_stand_for_arguments);
	RUN(test_words_behind_them_are_settings);
	RUN(test_words_that_are_no_settings_are_named);
	json_decref(o);
	return check_done();
}

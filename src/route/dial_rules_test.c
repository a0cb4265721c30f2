#include "route/dial_rules.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"

/* The number, "" included, or the error's name. */
static const char *number(const char *rules, const char *text)
{
	static char dst[128];
	static struct dial_rules_fault fault;
	struct dial_rules *r = NULL;
	int err = dial_rules_new(&r, rules, &fault);

	if (err)
		return fault.text;
	err = dial_rules_apply(dst, sizeof(dst), r, text);
	dial_rules_free(&r);
	return err ? strerrorname_np(-err) : dst;
}

static size_t fault_at(const char *rules)
{
	struct dial_rules_fault fault = {0};
	struct dial_rules *r = NULL;

	if (dial_rules_new(&r, rules, &fault) == -EINVAL)
		return fault.position;
	dial_rules_free(&r);
	return 0;
}

/* The table of behaviour 3.8. */
static void test_dial_rules_published_examples(void)
{
	CHECK_STR(number("[^+*#\\w]= ^8=7", "8 (926) 123-45-67"),
		  "79261234567");
	CHECK_STR(number("^(8|\\+7)([0-9]{10})$=7\\2", "+79261234567"),
		  "79261234567");
	CHECK_STR(number("^(8|\\+7)([0-9]{10})$=7\\2", "89261234567"),
		  "79261234567");
	CHECK_STR(number("^(8|\\+7)(?=\\d{10})=7.", "+79261234567"),
		  "79261234567");
	CHECK_STR(number("^(8|\\+7)(?=\\d{10})=7.", "89261234567"),
		  "79261234567");
	CHECK_STR(number(".*=", "anything\nat all"), "");
	CHECK_STR(number("=", "anything"), "anything");
}

/* Behaviour 3.8, "further test vectors". */
static void test_dial_rules_further_vectors(void)
{
	CHECK_STR(number("^\\+=00", "+49301234"), "0049301234");
	CHECK_STR(number("^\\d{4}$", "1234"), "1234");
	CHECK_STR(number("^\\d{4}$", "12345"), "ENOENT");
	CHECK_STR(number("[^+*#\\w]= ^\\+7= ^\\d{10}$", "+7 926 123-45-67"),
		  "9261234567");
}

static void test_dial_rules_skips_what_does_not_occur(void)
{
	CHECK_STR(number("^8=7 ^9=6", "12345"), "12345");
	CHECK_STR(number("^8=9 ^9=6", "8"), "6"); /* of the one before */
	CHECK_STR(number("a=b", "A"), "A");       /* case matters */
	CHECK_STR(number("", "  +1 \r\n"), "+1");
	CHECK_STR(number(".*=", ""), "");
}

static void test_dial_rules_quotes_and_signs(void)
{
	CHECK_STR(number("`[^+*#\\w]= ^8=7`", "8 9"), "79");
	CHECK_STR(number(" `=` ", "8"), "8");
	CHECK_STR(number("`^8=7", "8"), "7");
	CHECK_STR(number("\t^8=7 \r\n 7$=0 ", "87"), "70");
	CHECK_STR(number("1=\u2212", "01"), "0-");
	CHECK_STR(number("[0\u22125]=x", "36"), "x6");
}

/* "split at the last = that is not inside (...) or [...]" */
static void test_dial_rules_split(void)
{
	CHECK_STR(number("1=2=3", "1=2"), "3");
	CHECK_STR(number("(=)1=2", "=1"), "2");
	CHECK_STR(number("[=]=2", "="), "2");
	CHECK_STR(number("[]=]=2", "]="), "22");
	CHECK_STR(number("[^]=]=2", "]=x"), "]=2");
	CHECK_STR(number("[[:digit:]=]=2", "1=x"), "22x");
	CHECK_STR(number("[[:=]=2", "[:=x"), "222x");
	CHECK_STR(number("[\\]=]=2", "]="), "22");
	CHECK_STR(number("\\[=2", "["), "2");
	CHECK_STR(number("(?<!=)1", "=1"), "ENOENT"); /* a filter */
	CHECK_STR(number("1\\=2", "1=2"), "1=2");     /* a filter, too */
	CHECK_STR(number("1=\\=", "1"), "=");
}

static void test_dial_rules_right_part(void)
{
	CHECK_STR(number("(1)(2)(3)?=<\\2\\1\\3\\0>", "12"), "<2112>");
	CHECK_STR(number("(1)=\\1.2", "1"), "12");
	CHECK_STR(number("(1)=\\12", "1"), "12"); /* one digit is meant */
	CHECK_STR(number("1=a.b\\.c\\\\", "1"), "ab.c\\");
	CHECK_STR(number("1=$0&", "1"), "$0&");
}

/* Empty occurrences, side by side and at the end. */
static void test_dial_rules_replaces_every_occurrence(void)
{
	CHECK_STR(number("1=22", "1121"), "2222222");
	CHECK_STR(number(".*=7", "123"), "7");
	CHECK_STR(number("$=9", "12"), "129");
	CHECK_STR(number("^=00", "12"), "0012");
	CHECK_STR(number("x*=-", "axb"), "-a-b-");
	CHECK_STR(number("(?=2)=0", "121"), "1021");
	CHECK_STR(number("[^\\d]=", "1ä2€3😀"), "123");
	CHECK_STR(number("(?!^)=.", "äö"), "äö");
	CHECK_STR(number(".=1", "äö€"), "111");
	CHECK_INT(fault_at("(?=.\\K)=x"), 8); /* would lead backwards */
}

static void test_dial_rules_are_refused_with_position(void)
{
	CHECK_INT(fault_at("^8=7 ("), 7);
	CHECK_INT(fault_at("  `ab (c=7`"), 11);
	CHECK_INT(fault_at("\u2212 [a"), 5);
	CHECK_INT(fault_at("a b=\\1"), 6);
	CHECK_INT(fault_at("b=1\\"), 4);
	CHECK_INT(fault_at("=7"), 1);
	CHECK_INT(fault_at("a= ="), 4);
	CHECK_INT(fault_at("\xff"), 1);
	CHECK_INT(fault_at("a\\C"), 4);
	CHECK_STR(number("a=\\1", "1"), "position 4: there is no such group");
}

static void test_dial_rules_setting_is_bounded(void)
{
	char text[DIAL_RULES_TEXT_MAX + 2];

	memset(text, 'a', sizeof(text));
	text[DIAL_RULES_TEXT_MAX + 1] = '\0';
	CHECK_INT(fault_at(text), 1);
	text[DIAL_RULES_TEXT_MAX] = '\0';
	CHECK_INT(fault_at(text), 0);
	for (size_t i = 1; i < DIAL_RULES_TEXT_MAX; i += 2)
		text[i] = ' ';
	CHECK_INT(fault_at(text), 2 * 64 + 1);
	memset(text, '(', 100);
	CHECK(fault_at(text));
	CHECK(fault_at("(((a{1,999}){1,999}){1,999})"));
}

/* What takes minutes elsewhere ends here with an error. */
static void test_dial_rules_steps_are_bounded(void)
{
	static const char *const hostile[] = {
		"(a+)+$",         "(a|aa)+$",         "(.*)*[xy]",
		"^(a?)+$[xy]",    "(a*)*[bc]\\1",     "((a{0,9}){0,9})*[yz]",
		"(a+)+$=7",       "(?:.*.*.*)*[?;]=", "((?:(?1)|a)*)[bc]",
		"(?:a?){64}[xy]",
	};
	char text[8192], dst[64];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 2] = '!';
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct dial_rules_fault fault;
		struct dial_rules *r = NULL;

		CHECK_INT(dial_rules_new(&r, hostile[i], &fault), 0);
		CHECK_INT(dial_rules_apply(dst, sizeof(dst), r, text), -ELOOP);
		dial_rules_free(&r);
	}
	/* Many rules share the steps. */
	CHECK_STR(number("(a+)+[bc]=", "aaaaaaaaaaaaaa"), "aaaaaaaaaaaaaa");
	CHECK_STR(
		number("(a+)+[bc]= (a+)+[cd]= (a+)+[de]= (a+)+[ef]= (a+)+[fg]=",
		       "aaaaaaaaaaaaaa"),
		"ELOOP");
}

static void test_dial_rules_length_is_bounded(void)
{
	char text[9000];

	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK_STR(number(".*=", text), "ENOSPC");
	text[8192] = '\0';
	CHECK_STR(number(".*=", text), "");
	CHECK_STR(number("=", text), "ENOSPC");
	CHECK_STR(number("1=22 2=", text), "ENOSPC"); /* on the way */
	text[127] = '\0';
	CHECK_STR(number("=", text), text);
	text[127] = '1';
	text[128] = '\0';
	CHECK_STR(number("=", text), "ENOSPC");
	CHECK_STR(number("=", "\xff"), "EBADMSG");
}

int main(void)
{
	RUN(test_dial_rules_published_examples);
	RUN(test_dial_rules_further_vectors);
	RUN(test_dial_rules_skips_what_does_not_occur);
	RUN(test_dial_rules_quotes_and_signs);
	RUN(test_dial_rules_split);
	RUN(test_dial_rules_right_part);
	RUN(test_dial_rules_replaces_every_occurrence);
	RUN(test_dial_rules_are_refused_with_position);
	RUN(test_dial_rules_setting_is_bounded);
	RUN(test_dial_rules_steps_are_bounded);
	RUN(test_dial_rules_length_is_bounded);
	return check_done();
}

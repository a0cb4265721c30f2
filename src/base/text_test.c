#include "base/text.h"

#include "tests/check.h"

static size_t length(const char *text)
{
	return text_utf8_length(bytes_str(text));
}

static void test_text_utf8_is_what_rfc_3629_says(void)
{
	CHECK_INT(length("a"), 1);
	CHECK_INT(length("\xc3\xa9"), 2);
	CHECK_INT(length("\xe2\x82\xac"), 3);
	CHECK_INT(length("\xf0\x9f\x98\x80"), 4);
	CHECK_INT(length("\xf4\x8f\xbf\xbf"), 4);
	CHECK_INT(length(""), 0);
	CHECK_INT(text_utf8_length(bytes_of("\0", 1)), 0);
	CHECK_INT(length("\x80"), 0);
	CHECK_INT(length("\xc0\xaf"), 0);         /* overlong '/' */
	CHECK_INT(length("\xe0\x80\xaf"), 0);     /* overlong '/' */
	CHECK_INT(length("\xf0\x80\x80\xaf"), 0); /* overlong '/' */
	CHECK_INT(length("\xed\xa0\x80"), 0);     /* a surrogate */
	CHECK_INT(length("\xf4\x90\x80\x80"), 0); /* beyond U+10FFFF */
	CHECK_INT(length("\xf5\x80\x80\x80"), 0);
	CHECK_INT(length("\xc3"), 0); /* one byte short */
	CHECK_INT(length("\xe2\x82"), 0);
	CHECK_INT(length("\xe2\x82x"), 0);
	CHECK_INT(length("\xf0\x9f\x98"), 0);
}

static void test_text_is_cleaned_and_cut_between_characters(void)
{
	char dst[8];

	text_clean(dst, sizeof(dst), bytes_str("a\xc3\xa9z"));
	CHECK_STR(dst, "a\xc3\xa9z");
	text_clean(dst, sizeof(dst),
		   bytes_str("a\xff\xe9"
			     "b\r\n"));
	CHECK_STR(dst, "a??b  ");
	text_clean(dst, sizeof(dst), bytes_of("a\0\x7fz", 4));
	CHECK_STR(dst, "a  z");
	/* Seven bytes fit; the second sign would need eight. */
	text_clean(dst, sizeof(dst),
		   bytes_str("\xf0\x9f\x98\x80\xf0\x9f\x98\x80"));
	CHECK_STR(dst, "\xf0\x9f\x98\x80");
	text_clean(dst, sizeof(dst), bytes_str("12345678"));
	CHECK_STR(dst, "1234567");
	text_clean(dst, 1, bytes_str("12345678"));
	CHECK_STR(dst, "");
	text_clean(dst, sizeof(dst), bytes_of(NULL, 0));
	CHECK_STR(dst, "");
}

static void test_text_is_stripped_of_what_cannot_be_shown(void)
{
	char dst[8];

	text_strip(dst, sizeof(dst), bytes_str("a\r\n\xe9z\x7f\xc3\xa9"));
	CHECK_STR(dst, "az\xc3\xa9");
	text_strip(dst, 4, bytes_str("abc\xc3\xa9"));
	CHECK_STR(dst, "abc");
	text_strip(dst, 4, bytes_str("ab\xc3\xa9"));
	CHECK_STR(dst, "ab");
}

static void test_text_is_cut_between_characters(void)
{
	char dst[4];

	text_cut(dst, sizeof(dst), bytes_str("abc"));
	CHECK_STR(dst, "abc");
	text_cut(dst, sizeof(dst), bytes_str("abcd"));
	CHECK_STR(dst, "abc");
	text_cut(dst, sizeof(dst), bytes_str("ab\xc3\xa9"));
	CHECK_STR(dst, "ab");
	text_cut(dst, sizeof(dst), bytes_str("a\t\xc3\xa9"));
	CHECK_STR(dst, "a\t");
	text_cut(dst, 1, bytes_str("\xc3\xa9"));
	CHECK_STR(dst, "");
}

static void test_text_lines_and_words_are_taken_one_by_one(void)
{
	struct bytes text = bytes_str("m=audio\t 9 \r\n\na:b:c"), line, part;
	struct rd r, in;

	rd_init(&r, text.p, text.n);
	CHECK(text_line(&r, &line));
	rd_init(&in, line.p, line.n);
	CHECK(text_is(text_word(&in), "M=Audio"));
	CHECK(text_is(text_word(&in), "9"));
	CHECK_INT(text_word(&in).n, 0);
	CHECK(text_line(&r, &line));
	CHECK_INT(line.n, 0);
	CHECK(text_line(&r, &line));
	CHECK(!text_line(&r, &part));
	rd_init(&in, line.p, line.n);
	CHECK(text_is(text_until(&in, ':'), "a"));
	part = text_until(&in, 'x');
	CHECK(text_is(part, "b:c"));
	CHECK(!text_is(part, "b:cd"));
	CHECK(!text_is(part, "b:"));
	CHECK_INT(text_until(&in, ':').n, 0);
	CHECK(!in.bad && !r.bad);
}

static void test_text_items_are_taken_off_a_list(void)
{
	const char *at = " one,two\t, three";
	char item[5];

	CHECK(text_item(&at, item, sizeof(item)));
	CHECK_STR(item, "one");
	CHECK(text_item(&at, item, sizeof(item)));
	CHECK_STR(item, "two");
	CHECK(text_item(&at, item, sizeof(item)));
	CHECK_STR(item, "thre");
	CHECK(!text_item(&at, item, sizeof(item)));
}

static void test_text_backslashes_stand_for_few_characters(void)
{
	CHECK_INT(text_unescaped('n', false), '\n');
	CHECK_INT(text_unescaped('t', false), '\t');
	CHECK_INT(text_unescaped('\\', false), '\\');
	CHECK_INT(text_unescaped('"', true), '"');
	CHECK_INT(text_unescaped('"', false), 0);
	CHECK_INT(text_unescaped('d', true), 0);
	CHECK_INT(text_unescaped('\0', true), 0);
}

int main(void)
{
	RUN(test_text_utf8_is_what_rfc_3629_says);
	RUN(test_text_is_cleaned_and_cut_between_characters);
	RUN(test_text_is_stripped_of_what_cannot_be_shown);
	RUN(test_text_is_cut_between_characters);
	RUN(test_text_lines_and_words_are_taken_one_by_one);
	RUN(test_text_items_are_taken_off_a_list);
	RUN(test_text_backslashes_stand_for_few_characters);
	return check_done();
}

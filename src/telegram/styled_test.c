#include "telegram/styled.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"

/* "text|bold 0 4|link 5 3 http://x" */
static const char *read_as(const char *source, enum tg_format format)
{
	static const char *const names[] = {
		"bold", "italic", "underline", "strike",  "spoiler", "code",
		"pre",  "quote",  "link",      "mention", "other"};
	static char out[4096];
	struct tg_styled s;
	int err = tg_styled_read(&s, bytes_str(source), format);
	size_t n;

	if (err) {
		snprintf(out, sizeof(out), "error %d", -err);
		tg_styled_clear(&s);
		return out;
	}
	n = (size_t)snprintf(out, sizeof(out), "%.*s", (int)s.text.n,
			     (const char *)s.text.p);
	for (size_t i = 0; i < s.entities_n; i++) {
		const struct tg_entity *e = &s.entities[i];

		n += (size_t)snprintf(out + n, sizeof(out) - n, "|%s %d %d",
				      names[e->style], e->offset, e->length);
		if (e->detail.n && e->style != TG_STYLE_MENTION)
			n += (size_t)snprintf(out + n, sizeof(out) - n, " %.*s",
					      (int)e->detail.n,
					      (const char *)e->detail.p);
		if (e->user_id)
			n += (size_t)snprintf(out + n, sizeof(out) - n, " %lld",
					      (long long)e->user_id);
	}
	tg_styled_clear(&s);
	return out;
}

static const char *markdown(const char *source)
{
	return read_as(source, TG_FORMAT_MARKDOWN);
}

static const char *html(const char *source)
{
	return read_as(source, TG_FORMAT_HTML);
}

static void test_styled_markdown_signs(void)
{
	CHECK_STR(markdown("a *b* c"), "a b c|bold 2 1");
	CHECK_STR(markdown("**b**"), "b|bold 0 1");
	CHECK_STR(markdown("_i_ __u__ ~s~ ~~t~~ ||p||"),
		  "i u s t p|italic 0 1|underline 2 1|strike 4 1|strike 6 1|"
		  "spoiler 8 1");
	CHECK_STR(markdown("*a _b_ c*"), "a b c|bold 0 5|italic 2 1");
	CHECK_STR(markdown("`a*b*`"), "a*b*|code 0 4");
	CHECK_STR(markdown("```c\nint x;\n```"), "int x;\n|pre 0 7 c");
	CHECK_STR(markdown("```x```"), "x|pre 0 1");
	CHECK_STR(markdown(""), "");
}

static void test_styled_markdown_links(void)
{
	CHECK_STR(markdown("[a *b*](http://x/(y\\)) z"),
		  "a b z|link 0 3 http://x/(y)|bold 2 1");
	CHECK_STR(markdown("[me](tg://user?id=42)"), "me|mention 0 2 42");
	CHECK_STR(markdown("[me](tg://user?id=4x)"),
		  "me|link 0 2 tg://user?id=4x");
	CHECK_STR(markdown("[a] (b)"), "[a] (b)");
	CHECK_STR(markdown("[](b)"), "[](b)");
	CHECK_STR(markdown("[a]()"), "[a]()");
	CHECK_STR(markdown("[a](b"), "[a](b");
}

/* A name in a template needs no care beyond escaping, and not even that. */
static void test_styled_markdown_lone_signs_are_text(void)
{
	CHECK_STR(markdown("2 * 3 * 4"), "2 * 3 * 4");
	CHECK_STR(markdown("john_doe_smith"), "john_doe_smith");
	CHECK_STR(markdown("*open"), "*open");
	CHECK_STR(markdown("close*"), "close*");
	CHECK_STR(markdown("`open"), "`open");
	CHECK_STR(markdown("** **"), "** **");
	CHECK_STR(markdown("****"), "****");
	CHECK_STR(markdown("*a"), "*a");
	CHECK_STR(markdown("\\*a\\* \\\\ \\x"), "*a* \\ \\x");
	CHECK_STR(markdown("a\\"), "a\\");
	CHECK_STR(markdown("*a\\*b*"), "a*b|bold 0 3");
	CHECK_STR(markdown("*"), "*");
	CHECK_STR(markdown("["), "[");
}

static void test_styled_offsets_count_utf16_units(void)
{
	/* One, one and two units. */
	CHECK_STR(markdown("\u00e9\u4f60\U0001f642 *\U0001f642*"),
		  "\u00e9\u4f60\U0001f642 \U0001f642|bold 5 2");
	CHECK_INT(tg_text_units(bytes_str("a\u00e9\U0001f642")), 4);
	CHECK_INT(tg_text_units(bytes_of(NULL, 0)), 0);
}

static void test_styled_html_tags(void)
{
	CHECK_STR(html("<b>a</b><i>b</i><u>c</u><s>d</s>"),
		  "abcd|bold 0 1|italic 1 1|underline 2 1|strike 3 1");
	CHECK_STR(html("<strong><em>a</em></strong>"), "a|bold 0 1|italic 0 1");
	CHECK_STR(html("<a href=\"http://x/?a=1&amp;b\">l</a>"),
		  "l|link 0 1 http://x/?a=1&b");
	CHECK_STR(html("<a href=\"tg://user?id=7\">l</a>"), "l|mention 0 1 7");
	CHECK_STR(html("<tg-spoiler>a</tg-spoiler>"
		       "<span class=\"tg-spoiler\">b</span>"),
		  "ab|spoiler 0 1|spoiler 1 1");
	CHECK_STR(html("<pre><code class=\"language-c\">x</code></pre>"),
		  "x|pre 0 1 c|code 0 1");
	CHECK_STR(html("<blockquote>q</blockquote>"), "q|quote 0 1");
	CHECK_STR(html("&lt;&gt;&amp;&quot;&#65;&#x1f642;"),
		  "<>&\"A\U0001f642");
	CHECK_STR(html("<b></b>x"), "x");
}

static void test_styled_html_refuses_what_is_not_well_formed(void)
{
	static const char *const bad[] = {
		"<b>",
		"</b>",
		"<b></i>",
		"<b><i></b></i>",
		"<script>x</script>",
		"<",
		"<>",
		"</>",
		"<b",
		"<a>x</a>",
		"<a href=x>x</a>",
		"<a href=\"\">x</a>",
		"<a href=\"x>x</a>",
		"<a href=\"x\" b=\"y\">x</a>",
		"<b class=\"x\">x</b>",
		"<span class=\"x\">x</span>",
		"<code class=\"x\">x</code>",
		"&nbsp;",
		"&",
		"&lt",
		"&#;",
		"&#x;",
		"&#0;",
		"&#xd800;",
		"&#x110000;",
		"&#99999999999999;",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_STR(html(bad[i]), "error 74"); /* EBADMSG */
}

static void test_styled_html_depth_and_count_have_ends(void)
{
	char text[8192] = "";

	for (int i = 0; i < 33; i++)
		strcat(text, "<b>");
	strcat(text, "x");
	for (int i = 0; i < 33; i++)
		strcat(text, "</b>");
	CHECK_STR(html(text), "error 74");
	text[0] = '\0';
	for (int i = 0; i < 150; i++)
		strcat(text, "<b>x</b>");
	CHECK_INT(strlen(strrchr(html(text), '|')), strlen("|bold 99 1"));
}

static void test_styled_refuses_what_is_no_text(void)
{
	struct tg_styled s;
	char *text = malloc(65537);

	memset(text, 'x', 65537);
	CHECK_STR(markdown("\xff"), "error 84"); /* EILSEQ */
	CHECK_STR(html("\xc0\x80"), "error 84");
	CHECK_INT(tg_styled_read(&s, bytes_of(text, 65537), TG_FORMAT_PLAIN),
		  -EMSGSIZE);
	tg_styled_clear(&s);
	CHECK_INT(tg_styled_read(&s, bytes_of(text, 65536), TG_FORMAT_PLAIN),
		  0);
	CHECK_INT(s.units, 65536);
	tg_styled_clear(&s);
	/* Many signs without partners cost no more than their number. */
	memset(text, '*', 65536);
	CHECK_INT(tg_styled_read(&s, bytes_of(text, 65536), TG_FORMAT_MARKDOWN),
		  0);
	tg_styled_clear(&s);
	free(text);
}

static void test_styled_escaped_text_stands_for_itself(void)
{
	static const char name[] =
		"*a* _b_ `c` [d](e) <f> & \"g\" ~h~ ||i|| \\ \u00e9";
	struct buf b;

	buf_init(&b);
	tg_styled_escape(&b, bytes_str(name), TG_FORMAT_MARKDOWN);
	CHECK_STR(markdown(buf_cstr(&b)), name);
	buf_reset(&b);
	tg_styled_escape(&b, bytes_str(name), TG_FORMAT_HTML);
	CHECK_STR(html(buf_cstr(&b)), name);
	buf_reset(&b);
	tg_styled_escape(&b, bytes_str(name), TG_FORMAT_PLAIN);
	CHECK_STR(read_as(buf_cstr(&b), TG_FORMAT_PLAIN), name);
	buf_clear(&b);
}

int main(void)
{
	RUN(test_styled_markdown_signs);
	RUN(test_styled_markdown_links);
	RUN(test_styled_markdown_lone_signs_are_text);
	RUN(test_styled_offsets_count_utf16_units);
	RUN(test_styled_html_tags);
	RUN(test_styled_html_refuses_what_is_not_well_formed);
	RUN(test_styled_html_depth_and_count_have_ends);
	RUN(test_styled_refuses_what_is_no_text);
	RUN(test_styled_escaped_text_stands_for_itself);
	return check_done();
}

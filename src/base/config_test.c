#include "base/config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"

static struct config_error error;

static struct config *read_text(const char *text)
{
	struct config *c = NULL;

	error.text[0] = '\0';
	return config_read_text(&c, "g.conf", text, &error) ? NULL : c;
}

static void test_config_sections(void)
{
	struct config *c = read_text("# comment\n"
				     "[sip]\n"
				     "listen = 127.0.0.1:5060\n"
				     "  listen=[::1]:5060  \n"
				     "\n"
				     "[trunk  north office ]\n"
				     "host = a\n"
				     "[ trunk south ]\n"
				     "host = b # no comment\n");
	struct config_section *s;

	CHECK(c);
	s = config_section(c, "sip", 0);
	CHECK(s && s->line == 2);
	CHECK_STR(s->kind, "sip");
	CHECK_STR(s->name, "");
	CHECK_STR(config_value(s, "listen", 0), "127.0.0.1:5060");
	CHECK_STR(config_value(s, "listen", 1), "[::1]:5060");
	CHECK(!config_value(s, "listen", 2));
	CHECK(!config_value(NULL, "listen", 0));
	CHECK(!config_section(c, "sip", 1));
	s = config_section(c, "trunk", 0);
	CHECK_STR(s->name, "north office");
	CHECK_STR(config_value(s, "host", 0), "a");
	s = config_section(c, "trunk", 1);
	CHECK_STR(s->name, "south");
	CHECK_STR(config_value(s, "host", 0), "b # no comment");
	CHECK(config_section_named(c, "trunk", "south") == s);
	CHECK(!config_section_named(c, "trunk", "west"));
	CHECK_INT(config_unused(c, &error), 0);
	config_free(&c);
	CHECK(!c);
	config_free(&c);
}

static void test_config_values_escapes_and_quotes(void)
{
	struct config *c = read_text("[a]\n"
				     "phone = {phone}\\n0{userid}\n"
				     "tab = a\\tb\\\\n\n"
				     "pattern = ^\\+?(\\d+)\\.$\n"
				     "end = a\\\n"
				     "quoted = \"  a \\\"b\\\" \"  \n"
				     "empty =\n"
				     "quoted_empty = \"\"\n"
				     "inner = say \"x\"\n"
				     "equals = a=b\n"
				     "hash = tg#name\n"
				     "utf8 = \xd0\x96\n");
	struct config_section *s = config_section(c, "a", 0);

	CHECK_STR(config_value(s, "phone", 0), "{phone}\n0{userid}");
	CHECK_STR(config_value(s, "tab", 0), "a\tb\\n");
	CHECK_STR(config_value(s, "pattern", 0), "^\\+?(\\d+)\\.$");
	CHECK_STR(config_value(s, "end", 0), "a\\");
	CHECK_STR(config_value(s, "quoted", 0), "  a \"b\" ");
	CHECK_STR(config_value(s, "empty", 0), "");
	CHECK_STR(config_value(s, "quoted_empty", 0), "");
	CHECK_STR(config_value(s, "inner", 0), "say \"x\"");
	CHECK_STR(config_value(s, "equals", 0), "a=b");
	CHECK_STR(config_value(s, "hash", 0), "tg#name");
	CHECK_STR(config_value(s, "utf8", 0), "\xd0\x96");
	config_free(&c);
}

static void test_config_crlf_and_byte_order_mark(void)
{
	struct config *c = read_text("\xef\xbb\xbf[a]\r\nk = v\r\n\r\nl = w");
	struct config_section *s;

	CHECK(c);
	s = config_section(c, "a", 0);
	CHECK_STR(config_value(s, "k", 0), "v");
	CHECK_STR(config_value(s, "l", 0), "w");
	config_free(&c);
}

static void test_config_refuses_bad_lines(void)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"[a]\nnonsense\n",
		 "g.conf:2: neither a section nor key = value"},
		{"k = v\n", "g.conf:1: key 'k' stands before any section"},
		{"\n[a\n", "g.conf:2: a section needs a closing bracket"},
		{"[", "g.conf:1: a section needs a closing bracket"},
		{"[]\n", "g.conf:1: a section is [kind] or [kind name]"},
		{"[  ]\n", "g.conf:1: a section is [kind] or [kind name]"},
		{"[a$ b]\n", "g.conf:1: a section is [kind] or [kind name]"},
		{"[a] b]\n", "g.conf:1: a section is [kind] or [kind name]"},
		{"[a b] c]\n", "g.conf:1: brackets inside a section's name"},
		{"[a]\n= v\n",
		 "g.conf:2: a key is made of letters, digits, _ - ."},
		{"[a]\nk k = v\n",
		 "g.conf:2: a key is made of letters, digits, _ - ."},
		{"[a]\n\n\nk = \"v\n", "g.conf:4: the quote is not closed"},
		{"[a]\nk = \"\n", "g.conf:2: the quote is not closed"},
		{"[a]\nk = \"v\\\"\n", "g.conf:2: the quote is not closed"},
		{"[a]\nk = \"v\" # x\n",
		 "g.conf:2: text behind the closing quote"},
		{"[a]\nk = v\rw\n",
		 "g.conf:2: the line holds a control character"},
		{"# \xe4\n[a]\nk = \xe4\n", "g.conf:3: the line is not UTF-8"},
		{"[t x]\n[a]\n[t x]\n",
		 "g.conf:3: section [t x] stands in line 1 too"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(!read_text(rows[i].text));
		CHECK_STR(error.text, rows[i].error);
	}
}

static void test_config_refuses_long_lines(void)
{
	enum { LIMIT = 4096 };
	char text[LIMIT + 16] = "[a]\nk=";
	struct config *c;

	memset(text + 6, 'x', LIMIT - 2);
	c = read_text(text);
	CHECK(c);
	CHECK_INT(strlen(config_value(config_section(c, "a", 0), "k", 0)),
		  LIMIT - 2);
	config_free(&c);
	strcat(text, "x");
	CHECK(!read_text(text));
	CHECK_STR(error.text, "g.conf:2: the line is longer than 4096 bytes");
}

static void test_config_long_names_keep_the_line(void)
{
	char path[1000], text[1000] = "[a]\n", end[32];
	struct config *c = NULL;

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	memset(text + 4, 'k', 900);
	strcpy(text + 904, " = v");
	CHECK_INT(config_read_text(&c, path, text, &error), 0);
	CHECK(config_section(c, "a", 0));
	CHECK_INT(config_unused(c, &error), -EINVAL);
	snprintf(end, sizeof(end), "p:2: unknown key 'kkkk");
	CHECK(strstr(error.text, end));
	config_free(&c);
}

static void test_config_unused_names_the_line(void)
{
	struct config *c = read_text("[a]\nk = 1\nj = 2\nk = 3\n[b x]\n[a]\n");
	struct config_section *s;

	CHECK_INT(config_unused(c, &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:1: unknown section [a]");
	s = config_section(c, "a", 0);
	CHECK(config_value(s, "k", 0));
	CHECK_INT(config_unused(c, &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:3: unknown key 'j' in section [a]");
	CHECK(config_value(s, "j", 0));
	CHECK_INT(config_unused(c, &error), -EINVAL);
	CHECK_STR(error.text,
		  "g.conf:4: too many times the key 'k' in section [a]");
	CHECK(config_value(s, "k", 1));
	CHECK_INT(config_unused(c, &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:5: unknown section [b x]");
	CHECK(config_section_named(c, "b", "x"));
	CHECK_INT(config_unused(c, &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:6: repeated section [a]");
	CHECK(config_section(c, "a", 1));
	CHECK_INT(config_unused(c, &error), 0);
	config_free(&c);
}

static void test_config_reads_bool_and_uint(void)
{
	struct config *c = read_text(
		"[a]\nyes = Yes\nno = off\nbad = 1\nn = 65535\nhigh = 65536\n"
		"huge = 18446744073709551616\nneg = -1\nnone =\n");
	struct config_section *s = config_section(c, "a", 0);
	bool b = false;
	uint64_t n = 7;

	CHECK_INT(config_bool(s, "yes", &b, &error), 0);
	CHECK(b);
	CHECK_INT(config_bool(s, "missing", &b, &error), 0);
	CHECK(b);
	CHECK_INT(config_bool(s, "no", &b, &error), 0);
	CHECK(!b);
	CHECK_INT(config_bool(s, "bad", &b, &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:4: bad: yes or no is expected");
	CHECK_INT(config_uint(s, "missing", 1, 65535, &n, &error), 0);
	CHECK_INT(n, 7);
	CHECK_INT(config_uint(s, "n", 1, 65535, &n, &error), 0);
	CHECK_INT(n, 65535);
	CHECK_INT(config_uint(s, "high", 1, 65535, &n, &error), -EINVAL);
	CHECK_STR(error.text,
		  "g.conf:6: high: a number from 1 to 65535 is expected");
	CHECK_INT(config_uint(s, "huge", 0, UINT64_MAX, &n, &error), -EINVAL);
	CHECK_INT(config_uint(s, "neg", 0, 9, &n, &error), -EINVAL);
	CHECK_INT(config_uint(s, "none", 0, 9, &n, &error), -EINVAL);
	CHECK_INT(n, 65535);
	CHECK_INT(config_bool(NULL, "x", &b, &error), 0);
	CHECK_INT(config_uint(NULL, "x", 0, 1, &n, &error), 0);
	config_free(&c);
}

static void test_config_reads_text(void)
{
	struct config *c = read_text("[a b]\nk = 1234567\nl = 12345678\n"
				     "m = 1\nm = 2\n");
	struct config_section *s = config_section(c, "a", 0);
	char v[8] = "old";

	CHECK_INT(config_text(s, "missing", v, sizeof(v), &error), 0);
	CHECK_STR(v, "old");
	CHECK_INT(config_text(s, "k", v, sizeof(v), &error), 0);
	CHECK_STR(v, "1234567");
	CHECK_INT(config_text(s, "l", v, sizeof(v), &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:3: l: longer than 7 bytes");
	CHECK_STR(v, "1234567");
	CHECK_INT(config_text(s, "m", v, sizeof(v), &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:5: m: stands in line 4 already");
	CHECK_INT(config_require(s, "k", &error), 0);
	CHECK_INT(config_require(s, "n", &error), -EINVAL);
	CHECK_STR(error.text, "g.conf:1: section [a b] needs 'n'");
	CHECK_INT(config_require(NULL, "n", &error), -EINVAL);
	CHECK_INT(config_fail(s, "m", 1, &error, "no %d", 5), -EINVAL);
	CHECK_STR(error.text, "g.conf:5: m: no 5");
	CHECK_INT(config_fail(s, "n", 0, &error, "bad"), -EINVAL);
	CHECK_STR(error.text, "g.conf:1: n: bad");
	config_free(&c);
}

static int write_and_read(const char *bytes, size_t n, struct config **cp)
{
	char path[] = "/tmp/gramline-config-XXXXXX";
	int fd = mkstemp(path), err;

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		return -EIO;
	close(fd);
	err = config_read_file(cp, path, &error);
	unlink(path);
	return err;
}

static void test_config_reads_a_file(void)
{
	static const char nul[] = "[a]\nk = v\0w\n";
	struct config *c = NULL;

	CHECK_INT(write_and_read("[a]\nk = v\n", 10, &c), 0);
	CHECK_STR(config_value(config_section(c, "a", 0), "k", 0), "v");
	config_free(&c);
	CHECK_INT(write_and_read("", 0, &c), 0);
	CHECK(!config_section(c, "a", 0));
	config_free(&c);
	CHECK_INT(write_and_read(nul, sizeof(nul) - 1, &c), -EBADMSG);
	CHECK(strstr(error.text, ":2: the line holds a NUL byte"));
	CHECK_INT(config_read_file(&c, "/nonexistent/g.conf", &error), -ENOENT);
	CHECK(strstr(error.text, "/nonexistent/g.conf: cannot be opened: "));
	CHECK_INT(config_read_file(&c, "/tmp", &error), -EISDIR);
	CHECK(!c);
}

int main(void)
{
	RUN(test_config_sections);
	RUN(test_config_values_escapes_and_quotes);
	RUN(test_config_crlf_and_byte_order_mark);
	RUN(test_config_refuses_bad_lines);
	RUN(test_config_refuses_long_lines);
	RUN(test_config_long_names_keep_the_line);
	RUN(test_config_unused_names_the_line);
	RUN(test_config_reads_bool_and_uint);
	RUN(test_config_reads_text);
	RUN(test_config_reads_a_file);
	return check_done();
}

#include "tgcall/raw.h"

#include <errno.h>

#include "tests/check.h"
#include "tgcall/window.h"

static void test_window_takes_each_counter_once(void)
{
	struct window w = {0};

	CHECK(!window_accept(&w, 0));
	CHECK(window_accept(&w, 1));
	CHECK(!window_accept(&w, 1));
	CHECK(window_accept(&w, 3));
	CHECK(window_accept(&w, 2));
	CHECK(!window_accept(&w, 2));
	CHECK(!window_accept(&w, 3));
}

static void test_window_refuses_64_below_the_largest(void)
{
	struct window w = {0};

	CHECK(window_accept(&w, 100));
	CHECK(!window_accept(&w, 36));
	CHECK(window_accept(&w, 37));
	CHECK(!window_accept(&w, 37));
	CHECK(window_accept(&w, 163)); /* 63 on: 100 is still known */
	CHECK(!window_accept(&w, 100));
	CHECK(window_accept(&w, 0x3fffffff));
	CHECK(!window_accept(&w, 163));
}

static void test_raw_gzip_comes_back(void)
{
	struct buf packed, text, plain;

	buf_init(&packed);
	buf_init(&text);
	buf_init(&plain);
	buf_fill(&text, 'a', 100000);
	buf_str(&packed, "kept");
	CHECK_INT(raw_gzip(&packed, buf_bytes(&text)), 0);
	CHECK(raw_is_gzip(bytes_of(packed.p + 4, packed.n - 4)));
	CHECK_INT(raw_gunzip(&plain, bytes_of(packed.p + 4, packed.n - 4),
			     100000),
		  0);
	CHECK(bytes_equal(buf_bytes(&plain), buf_bytes(&text)));
	/* one too many */
	CHECK_INT(
		raw_gunzip(&plain, bytes_of(packed.p + 4, packed.n - 4), 99999),
		-EBADMSG);
	CHECK_INT(plain.n, 100000);
	for (size_t n = 0; n < packed.n - 4; n++)
		CHECK_INT(raw_gunzip(&plain, bytes_of(packed.p + 4, n), 100000),
			  -EBADMSG);
	buf_clear(&packed);
	buf_clear(&text);
	buf_clear(&plain);
}

static void test_raw_writes_counter_and_text(void)
{
	struct buf b;

	buf_init(&b);
	CHECK_INT(raw_put(&b, 0xc0000005, bytes_str("{}"), false), 0);
	CHECK_INT(b.n, 6);
	CHECK_MEM(b.p, "\0\0\0\5{}", 6);
	buf_clear(&b);
}

int main(void)
{
	RUN(test_window_takes_each_counter_once);
	RUN(test_window_refuses_64_below_the_largest);
	RUN(test_raw_gzip_comes_back);
	RUN(test_raw_writes_counter_and_text);
	return check_done();
}

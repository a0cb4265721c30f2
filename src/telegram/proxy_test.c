/* SOCKS5 and HTTP CONNECT against the bytes of their RFCs, and secrets of
 * MTProto proxies. */
#include "telegram/proxy.h"

#include <errno.h>

#include "base/log.h"
#include "tests/check.h"

static const struct proxy_conf socks = {.type = PROXY_SOCKS5};
static const struct proxy_conf socks_user = {
	.type = PROXY_SOCKS5, .username = "gate", .password = "s3cret"};
static const struct proxy_conf http = {.type = PROXY_HTTP};
static const struct proxy_conf http_user = {
	.type = PROXY_HTTP, .username = "Aladdin", .password = "open sesame"};

static struct proxy *p;
static struct buf out;

static void begin(const struct proxy_conf *conf, const char *host,
		  uint16_t port)
{
	proxy_free(&p);
	buf_clear(&out);
	CHECK_INT(proxy_new(&p, conf, host, port), 0);
	CHECK_INT(proxy_start(p, &out), 0);
}

static void end(void)
{
	proxy_free(&p);
	buf_clear(&out);
}

/* What the proxy was told since last asked. */
static bool said(const void *want, size_t n)
{
	bool ok = bytes_equal(buf_bytes(&out), bytes_of(want, n));

	buf_reset(&out);
	return ok;
}

static int hear(const void *bytes, size_t n)
{
	return proxy_input(p, bytes_of(bytes, n), &out);
}

/* -- SOCKS5 --------------------------------------------------------------- */

static void test_proxy_socks5_ipv4_without_password(void)
{
	begin(&socks, "149.154.167.51", 443);
	CHECK(said("\5\1\0", 3));
	CHECK_INT(hear("\5\0", 2), 0);
	CHECK(said("\5\1\0\1\x95\x9a\xa7\x33\x01\xbb", 10));
	CHECK_INT(hear("\5\0\0\1\x7f\0\0\1\x04\x38", 10), 1);
	CHECK_INT(proxy_rest(p).n, 0);
	end();
}

static void test_proxy_socks5_password(void)
{
	begin(&socks_user, "2001:67c:4e8:f002::a", 443);
	CHECK(said("\5\2\0\2", 4));
	CHECK_INT(hear("\5\2", 2), 0);
	/* RFC 1929: VER 1, ULEN, UNAME, PLEN, PASSWD */
	CHECK(said("\1\4gate\6s3cret", 13));
	CHECK_INT(hear("\1\0", 2), 0);
	CHECK(said("\5\1\0\4\x20\x01\x06\x7c\x04\xe8\xf0\x02\0\0\0\0\0\0\0\x0a"
		   "\x01\xbb",
		   22));
	CHECK_INT(hear("\5\0\0\4"
		       "0123456789abcdef\0\1",
		       22),
		  1);
	end();
}

static void test_proxy_socks5_password_not_wanted(void)
{
	begin(&socks_user, "venus.example", 0x1234);
	buf_reset(&out);
	CHECK_INT(hear("\5\0", 2), 0);
	CHECK(said("\5\1\0\3\x0dvenus.example\x12\x34", 20));
	/* bound to a name; what follows is the far side's */
	CHECK_INT(hear("\5\0\0\3\3abc\0\1hello", 15), 1);
	CHECK(bytes_equal(proxy_rest(p), bytes_str("hello")));
	end();
}

static void test_proxy_socks5_cut_at_every_byte(void)
{
	static const char all[] = "\5\2\1\0\5\0\0\1\x7f\0\0\1\0\1rest";
	const size_t whole = 14, n = sizeof(all) - 1;

	for (size_t cut = 0; cut <= n; cut++) {
		begin(&socks_user, "10.0.0.1", 80);
		CHECK_INT(hear(all, cut), cut >= whole);
		if (cut < whole)
			CHECK_INT(hear(all + cut, n - cut), 1);
		if (cut <= whole)
			CHECK_INT(proxy_rest(p).n,
				  cut == whole ? 0 : n - whole);
	}
	begin(&socks_user, "10.0.0.1", 80);
	for (size_t i = 0; i < whole; i++)
		CHECK_INT(hear(all + i, 1), i == whole - 1);
	end();
}

static void refused(const struct proxy_conf *conf, const char *bytes, size_t n,
		    int err, const char *reason)
{
	begin(conf, "10.0.0.1", 80);
	CHECK_INT(hear(bytes, n), err);
	CHECK_STR(proxy_reason(p), reason);
	/* Nothing more is said to it. */
	buf_reset(&out);
	CHECK_INT(hear("\5\0", 2), -EPROTO);
	CHECK_INT(out.n, 0);
	CHECK_STR(proxy_reason(p), reason);
}

static void test_proxy_socks5_refusals_are_named(void)
{
	static const char *const texts[] = {
		"general SOCKS server failure",
		"connection not allowed by ruleset",
		"network unreachable",
		"host unreachable",
		"connection refused",
		"TTL expired",
		"command not supported",
		"address type not supported",
		"unknown failure",
	};

	refused(&socks, "\5\xff", 2, -ECONNREFUSED,
		"it wants a user name and password");
	refused(&socks_user, "\5\xff", 2, -ECONNREFUSED,
		"it takes no password");
	refused(&socks_user, "\5\2\1\1", 4, -ECONNREFUSED,
		"user name or password is wrong");
	refused(&socks, "\4\x5a", 2, -EPROTO, "it does not speak SOCKS5");
	refused(&socks, "HTTP/1.1 400", 12, -EPROTO,
		"it does not speak SOCKS5");
	refused(&socks, "\5\2", 2, -EPROTO, "it chose a method never offered");
	refused(&socks_user, "\5\1", 2, -EPROTO,
		"it chose a method never offered");
	refused(&socks_user, "\5\2\7\0", 4, -EPROTO,
		"its answer to the password is none");
	refused(&socks, "\5\0\4\0", 4, -EPROTO,
		"its answer is not one of SOCKS5");
	refused(&socks, "\5\0\5\0\0\2", 6, -EPROTO,
		"its answer has an unknown address");
	for (unsigned i = 0; i < 9; i++) {
		/* Some send no more than the code. */
		char bytes[] = {5, 0, 5, (char)(i + 1)};

		refused(&socks, bytes, sizeof(bytes), -ECONNREFUSED, texts[i]);
	}
	end();
}

/* -- HTTP CONNECT --------------------------------------------------------- */

static void test_proxy_http_asks_for_a_tunnel(void)
{
	static const char want[] = "CONNECT 149.154.167.51:443 HTTP/1.1\r\n"
				   "Host: 149.154.167.51:443\r\n\r\n";
	static const char six[] = "CONNECT [2001:db8::1]:80 HTTP/1.1\r\n"
				  "Host: [2001:db8::1]:80\r\n\r\n";
	/* RFC 7617 2: Aladdin's credentials */
	static const char basic[] =
		"CONNECT server.example.com:80 HTTP/1.1\r\n"
		"Host: server.example.com:80\r\n"
		"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
		"\r\n";

	begin(&http, "149.154.167.51", 443);
	CHECK(said(want, sizeof(want) - 1));
	begin(&http, "2001:db8::1", 80);
	CHECK(said(six, sizeof(six) - 1));
	begin(&http_user, "server.example.com", 80);
	CHECK(said(basic, sizeof(basic) - 1));
	end();
}

static void test_proxy_http_tunnel_at_every_byte(void)
{
	/* A length means nothing here; an interim answer may come first. */
	static const char all[] = "HTTP/1.1 100 Continue\r\n\r\n"
				  "HTTP/1.0 200 Connection established\r\n"
				  "Content-Length: 4\r\n\r\nrest";
	const size_t n = sizeof(all) - 1, whole = n - 4;

	for (size_t cut = 0; cut <= n; cut++) {
		begin(&http, "10.0.0.1", 80);
		CHECK_INT(hear(all, cut), cut >= whole);
		if (cut < whole) {
			CHECK_INT(hear(all + cut, n - cut), 1);
			CHECK(bytes_equal(proxy_rest(p), bytes_str("rest")));
		}
	}
	begin(&http, "10.0.0.1", 80);
	CHECK_INT(hear("HTTP/1.1 204\r\n\r\n", 16), 1);
	end();
}

static void http_refused(const struct proxy_conf *conf, const char *text,
			 int err, const char *reason)
{
	refused(conf, text, strlen(text), err, reason);
}

static void test_proxy_http_refusals_are_named(void)
{
	char longer[17000];

	http_refused(&http,
		     "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
		     -ECONNREFUSED, "it wants a user name and password");
	http_refused(&http_user,
		     "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
		     -ECONNREFUSED, "user name or password is wrong");
	http_refused(&http, "HTTP/1.1 403 Forbidden\r\n\r\n", -ECONNREFUSED,
		     "HTTP status 403");
	http_refused(&http, "HTTP/1.1 302 Found\r\n\r\n", -ECONNREFUSED,
		     "HTTP status 302");
	http_refused(&http, "\5\1", -EPROTO, "it does not speak HTTP");
	http_refused(&http, "HTTP/2 200\r\n\r\n", -EPROTO,
		     "it does not speak HTTP");
	http_refused(&http, "HTTP/1.1 20 OK\r\n\r\n", -EPROTO,
		     "its status line is malformed");
	http_refused(&http, "HTTP/1.1 2000 OK\r\n\r\n", -EPROTO,
		     "its status line is malformed");
	http_refused(&http, "HTTP/1.1 099 OK\r\n\r\n", -EPROTO,
		     "its status line is malformed");
	http_refused(&http, "HTTP/1.1\r\n\r\n", -EPROTO,
		     "its status line is malformed");
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "HTTP/1.1 200 OK\r\n", 17);
	refused(&http, longer, sizeof(longer), -EPROTO,
		"its answer is too long");
	end();
}

/* -- the rest ------------------------------------------------------------- */

static void test_proxy_new_refuses(void)
{
	static const struct proxy_conf none = {.type = PROXY_NONE};
	static const struct proxy_conf mtproto = {.type = PROXY_MTPROTO};
	char name[257];

	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	CHECK_INT(proxy_new(&p, &none, "10.0.0.1", 1), -EINVAL);
	CHECK_INT(proxy_new(&p, &mtproto, "10.0.0.1", 1), -EINVAL);
	CHECK_INT(proxy_new(&p, &socks, "", 1), -EINVAL);
	CHECK_INT(proxy_new(&p, &socks, name, 1), -EINVAL);
	name[255] = '\0';
	begin(&socks, name, 1);
	buf_reset(&out);
	CHECK_INT(hear("\5\0", 2), 0);
	CHECK_INT(out.n, 4 + 1 + 255 + 2);
	end();
}

static int secret(struct proxy_conf *conf, const char *text)
{
	const char *why = NULL;
	int err;

	memset(conf, 0, sizeof(*conf));
	err = proxy_secret_read(conf, text, &why);
	return !err == !why ? err : 1;
}

static void test_proxy_secrets(void)
{
	static const char bytes[] = "\x00\x01\x02\x03\x04\x05\x06\x07"
				    "\x08\x09\x0a\x0b\x0c\x0d\xfe\xff";
	struct proxy_conf c;

	CHECK_INT(secret(&c, "000102030405060708090A0B0c0dfeff"), 0);
	CHECK_MEM(c.secret, bytes, 16);
	CHECK(!c.padded);
	CHECK_INT(secret(&c, "dd000102030405060708090a0b0c0dfeff"), 0);
	CHECK_MEM(c.secret, bytes, 16);
	CHECK(c.padded);
	/* base64 of the same, with and without padding and URL letters */
	CHECK_INT(secret(&c, "AAECAwQFBgcICQoLDA3+/w=="), 0);
	CHECK_MEM(c.secret, bytes, 16);
	CHECK_INT(secret(&c, "AAECAwQFBgcICQoLDA3-_w"), 0);
	CHECK_MEM(c.secret, bytes, 16);
	CHECK_INT(secret(&c, "3QABAgMEBQYHCAkKCwwN_v8"), 0);
	CHECK_MEM(c.secret, bytes, 16);
	CHECK(c.padded);
	CHECK_INT(secret(&c, ""), -EINVAL);
	CHECK_INT(secret(&c, "000102030405060708090a0b0c0dfe"), -EINVAL);
	CHECK_INT(secret(&c, "cc000102030405060708090a0b0c0dfeff"), -EINVAL);
	CHECK_INT(secret(&c, "dd000102030405060708090a0b0c0dfeff00"), -EINVAL);
	CHECK_INT(secret(&c, "000102030405060708090a0b0c0dfef!"), -EINVAL);
	CHECK_INT(secret(&c, "AAECAwQFBgcICQoLDA3+/w==="), -EINVAL);
	CHECK_INT(secret(&c, "ee000102030405060708090a0b0c0dfeff"
			     "6578616d706c652e636f6d"),
		  -ENOTSUP);
	/* 16 bytes that happen to begin with ee are plain. */
	CHECK_INT(secret(&c, "ee0102030405060708090a0b0c0dfeff"), 0);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_proxy_socks5_ipv4_without_password);
	RUN(test_proxy_socks5_password);
	RUN(test_proxy_socks5_password_not_wanted);
	RUN(test_proxy_socks5_cut_at_every_byte);
	RUN(test_proxy_socks5_refusals_are_named);
	RUN(test_proxy_http_asks_for_a_tunnel);
	RUN(test_proxy_http_tunnel_at_every_byte);
	RUN(test_proxy_http_refusals_are_named);
	RUN(test_proxy_new_refuses);
	RUN(test_proxy_secrets);
	return check_done();
}

/* See proxy.h.
 *
 *   SOCKS5   GREETED -> [AUTH] -> ASKED -> THROUGH
 *   HTTP     ASKED -> THROUGH
 */
#include "telegram/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/log.h"
#include "base/plant.h"

#define SOCKS_VERSION 5
#define SOCKS_AUTH_VERSION 1
#define SOCKS_CONNECT 1
#define HTTP_HEAD_MAX 16384
#define FAKE_TLS 0xee
#define PADDED 0xdd

/* RFC 1928 3 */
enum socks_method {
	METHOD_NONE = 0,
	METHOD_PASSWORD = 2,
	METHOD_NO_ACCEPTABLE = 0xff,
};

/* RFC 1928 4 */
enum socks_address {
	ADDRESS_IPV4 = 1,
	ADDRESS_NAME = 3,
	ADDRESS_IPV6 = 4,
};

enum proxy_state {
	PROXY_GREETED,
	PROXY_AUTH,
	PROXY_ASKED,
	PROXY_THROUGH,
	PROXY_FAILED,
};

struct proxy {
	const struct proxy_conf *conf;
	char host[PROXY_TEXT_MAX + 1];
	uint16_t port;
	enum proxy_state state;
	struct buf in;
	char reason[96];
};

const char *proxy_type_name(enum proxy_type type)
{
	switch (type) {
	case PROXY_SOCKS5:
		return "socks5";
	case PROXY_HTTP:
		return "http";
	case PROXY_MTPROTO:
		return "mtproto";
	case PROXY_NONE:
		break;
	}
	return "none";
}

/* -- life ----------------------------------------------------------------- */

int proxy_new(struct proxy **pp, const struct proxy_conf *conf,
	      const char *host, uint16_t port)
{
	struct proxy *p;

	if ((conf->type != PROXY_SOCKS5 && conf->type != PROXY_HTTP) ||
	    !*host || strlen(host) > PROXY_TEXT_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->conf = conf;
	snprintf(p->host, sizeof(p->host), "%s", host);
	p->port = port;
	buf_init(&p->in);
	*pp = p;
	return 0;
}

void proxy_free(struct proxy **pp)
{
	struct proxy *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	buf_clear(&p->in);
	free(p);
}

struct bytes proxy_rest(const struct proxy *p)
{
	return buf_bytes(&p->in);
}

const char *proxy_reason(const struct proxy *p)
{
	return p->reason;
}

static int fail(struct proxy *p, int err, const char *reason)
{
	p->state = PROXY_FAILED;
	count_bad("proxy", proxy_type_name(p->conf->type), reason);
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
	return err;
}

/* -- SOCKS5 --------------------------------------------------------------- */

static void socks_greet(const struct proxy *p, struct buf *out)
{
	bool password = p->conf->username[0];

	buf_u8(out, SOCKS_VERSION);
	buf_u8(out, password ? 2 : 1);
	buf_u8(out, METHOD_NONE);
	if (password)
		buf_u8(out, METHOD_PASSWORD);
}

static void text_put(struct buf *out, const char *text)
{
	size_t n = strlen(text);

	buf_u8(out, (uint8_t)n);
	buf_put(out, text, n);
}

/* RFC 1929: VER, ULEN, UNAME, PLEN, PASSWD */
static void socks_auth(const struct proxy *p, struct buf *out)
{
	buf_u8(out, SOCKS_AUTH_VERSION);
	text_put(out, p->conf->username);
	text_put(out, p->conf->password);
}

static void socks_ask(const struct proxy *p, struct buf *out)
{
	struct in6_addr six;
	struct in_addr four;

	buf_u8(out, SOCKS_VERSION);
	buf_u8(out, SOCKS_CONNECT);
	buf_u8(out, 0);
	if (inet_pton(AF_INET, p->host, &four) == 1) {
		buf_u8(out, ADDRESS_IPV4);
		buf_put(out, &four, sizeof(four));
	} else if (inet_pton(AF_INET6, p->host, &six) == 1) {
		buf_u8(out, ADDRESS_IPV6);
		buf_put(out, &six, sizeof(six));
	} else {
		buf_u8(out, ADDRESS_NAME);
		text_put(out, p->host);
	}
	buf_u8(out, (uint8_t)(p->port >> 8));
	buf_u8(out, (uint8_t)p->port);
}

static int on_method(struct proxy *p, struct rd *r, struct buf *out)
{
	uint8_t version = rd_u8(r), method = rd_u8(r);

	if (r->bad)
		return 0;
	if (version != SOCKS_VERSION)
		return fail(p, -EPROTO, "it does not speak SOCKS5");
	if (method == METHOD_NO_ACCEPTABLE)
		return fail(p, -ECONNREFUSED,
			    p->conf->username[0]
				    ? "it takes no password"
				    : "it wants a user name and password");
	if (method == METHOD_NONE) {
		socks_ask(p, out);
		p->state = PROXY_ASKED;
	} else if (method == METHOD_PASSWORD && p->conf->username[0]) {
		socks_auth(p, out);
		p->state = PROXY_AUTH;
	} else {
		return fail(p, -EPROTO, "it chose a method never offered");
	}
	return 1;
}

static int on_auth(struct proxy *p, struct rd *r, struct buf *out)
{
	uint8_t version = rd_u8(r), status = rd_u8(r);

	if (r->bad)
		return 0;
	/* Some answer with the version of SOCKS instead. */
	if (version != SOCKS_AUTH_VERSION && version != SOCKS_VERSION)
		return fail(p, -EPROTO, "its answer to the password is none");
	if (status)
		return fail(p, -ECONNREFUSED, "user name or password is wrong");
	socks_ask(p, out);
	p->state = PROXY_ASKED;
	return 1;
}

/* RFC 1928 6 */
static const char *reply_text(uint8_t reply)
{
	static const char *const texts[] = {
		"",
		"general SOCKS server failure",
		"connection not allowed by ruleset",
		"network unreachable",
		"host unreachable",
		"connection refused",
		"TTL expired",
		"command not supported",
		"address type not supported",
	};

	return reply < sizeof(texts) / sizeof(*texts) ? texts[reply]
						      : "unknown failure";
}

static void reply_name_skip(struct rd *r)
{
	uint8_t n = rd_u8(r);

	PLANT_OVERFLOW((n & 7) == 7 && r->n >= n, r->p, n);
	rd_skip(r, n);
}

static int on_reply(struct proxy *p, struct rd *r)
{
	uint8_t version = rd_u8(r), reply = rd_u8(r), type;

	if (!r->bad && version != SOCKS_VERSION)
		return fail(p, -EPROTO, "its answer is not one of SOCKS5");
	if (!r->bad && reply)
		return fail(p, -ECONNREFUSED, reply_text(reply));
	rd_skip(r, 1);
	type = rd_u8(r);
	if (r->bad)
		return 0;
	if (type == ADDRESS_IPV4)
		rd_skip(r, 4);
	else if (type == ADDRESS_IPV6)
		rd_skip(r, 16);
	else if (type == ADDRESS_NAME)
		reply_name_skip(r);
	else
		return fail(p, -EPROTO, "its answer has an unknown address");
	rd_skip(r, 2);
	if (r->bad)
		return 0;
	p->state = PROXY_THROUGH;
	return 1;
}

/* -- HTTP CONNECT --------------------------------------------------------- */

static void basic_put(const struct proxy *p, struct buf *out)
{
	char plain[2 * PROXY_TEXT_MAX + 2];
	unsigned char coded[4 * ((sizeof(plain) + 2) / 3) + 1];
	int n = snprintf(plain, sizeof(plain), "%s:%s", p->conf->username,
			 p->conf->password);

	EVP_EncodeBlock(coded, (const unsigned char *)plain, n);
	buf_str(out, "Proxy-Authorization: Basic ");
	buf_str(out, (const char *)coded);
	buf_str(out, "\r\n");
	bytes_wipe(plain, sizeof(plain));
	bytes_wipe(coded, sizeof(coded));
}

static void http_ask(struct proxy *p, struct buf *out)
{
	bool six = strchr(p->host, ':');
	char authority[PROXY_TEXT_MAX + 16];

	snprintf(authority, sizeof(authority), "%s%s%s:%u", six ? "[" : "",
		 p->host, six ? "]" : "", p->port);
	buf_str(out, "CONNECT ");
	buf_str(out, authority);
	buf_str(out, " HTTP/1.1\r\nHost: ");
	buf_str(out, authority);
	buf_str(out, "\r\n");
	if (p->conf->username[0])
		basic_put(p, out);
	buf_str(out, "\r\n");
	p->state = PROXY_ASKED;
}

/* The length of the head with its empty line; 0: not whole yet. */
static size_t head_find(struct bytes in)
{
	const uint8_t *end = in.n ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - in.p) + 4 : 0;
}

/* "HTTP/1.1 200 ..."; 0: it is no status line. */
static int status_read(struct bytes head)
{
	int status = 0;

	if (head.n < 13 || memcmp(head.p, "HTTP/1.", 7) || head.p[8] != ' ')
		return 0;
	for (size_t i = 9; i < 12; i++) {
		if (head.p[i] < '0' || head.p[i] > '9')
			return 0;
		status = status * 10 + head.p[i] - '0';
	}
	return status >= 100 && (head.p[12] == ' ' || head.p[12] == '\r')
		       ? status
		       : 0;
}

/* The final status, 0 when more bytes are needed. */
static int head_take(struct proxy *p)
{
	struct bytes in = buf_bytes(&p->in);
	size_t head;
	int status;

	do {
		if (memcmp(in.p, "HTTP/1.", in.n < 7 ? in.n : 7) != 0)
			return fail(p, -EPROTO, "it does not speak HTTP");
		head = head_find(in);
		if (!head && in.n > HTTP_HEAD_MAX)
			return fail(p, -EPROTO, "its answer is too long");
		if (!head)
			return 0;
		status = status_read(in);
		if (!status)
			return fail(p, -EPROTO, "its status line is malformed");
		buf_drop(&p->in, head);
		in = buf_bytes(&p->in);
	} while (status < 200 && in.n); /* an interim answer */
	return status < 200 ? 0 : status;
}

static int http_input(struct proxy *p)
{
	int status = p->in.n ? head_take(p) : 0;
	char reason[64];

	if (status <= 0)
		return status;
	if (status < 300) {
		/* "Any 2xx (Successful) response indicates that the sender ...
		 * will switch to tunnel mode"; a length it names is ignored. */
		p->state = PROXY_THROUGH;
		return 1;
	}
	if (status == 407)
		return fail(p, -ECONNREFUSED,
			    p->conf->username[0]
				    ? "user name or password is wrong"
				    : "it wants a user name and password");
	snprintf(reason, sizeof(reason), "HTTP status %d", status);
	return fail(p, -ECONNREFUSED, reason);
}

/* -- both ----------------------------------------------------------------- */

int proxy_start(struct proxy *p, struct buf *out)
{
	if (p->conf->type == PROXY_HTTP) {
		http_ask(p, out);
	} else {
		socks_greet(p, out);
		p->state = PROXY_GREETED;
	}
	return out->bad ? -ENOMEM : 0;
}

/* One answer of SOCKS5. 1: it was whole and is taken off. */
static int socks_step(struct proxy *p, struct buf *out)
{
	struct rd r;
	int rc;

	rd_init(&r, p->in.p, p->in.n);
	switch (p->state) {
	case PROXY_GREETED:
		rc = on_method(p, &r, out);
		break;
	case PROXY_AUTH:
		rc = on_auth(p, &r, out);
		break;
	default:
		rc = on_reply(p, &r);
	}
	if (rc > 0)
		buf_drop(&p->in, p->in.n - r.n);
	return rc;
}

int proxy_input(struct proxy *p, struct bytes in, struct buf *out)
{
	int rc = 1;

	if (p->state == PROXY_FAILED)
		return -EPROTO;
	buf_put(&p->in, in.p, in.n);
	if (p->in.bad)
		return -ENOMEM;
	if (p->conf->type == PROXY_HTTP)
		return http_input(p);
	while (rc > 0 && p->state != PROXY_THROUGH)
		rc = socks_step(p, out);
	if (rc < 0)
		return rc;
	if (out->bad)
		return -ENOMEM;
	return p->state == PROXY_THROUGH;
}

/* -- secrets of MTProto proxies ------------------------------------------- */

#define SECRET_MAX 512

static size_t hex_read(uint8_t *dst, const char *text)
{
	size_t n = strlen(text);

	if (!n || n % 2 || n / 2 > SECRET_MAX ||
	    hex_decode(dst, n / 2, text, n))
		return 0;
	return n / 2;
}

static int base64_digit(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+' || c == '-' ? 62
	       : c == '/' || c == '_' ? 63
				      : -1;
}

static size_t base64_read(uint8_t *dst, const char *text)
{
	size_t n = strcspn(text, "="), bytes = n * 6 / 8, used = 0;
	uint32_t bits = 0;
	unsigned held = 0;

	if (!n || n % 4 == 1 || bytes > SECRET_MAX ||
	    strspn(text + n, "=") != strlen(text + n) || strlen(text + n) > 2)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return 0;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		dst[used++] = (uint8_t)(bits >> held);
	}
	return used;
}

int proxy_secret_read(struct proxy_conf *conf, const char *text,
		      const char **why)
{
	uint8_t raw[SECRET_MAX];
	size_t n = hex_read(raw, text);
	int err = 0;

	if (!n)
		n = base64_read(raw, text);
	if (n > MTP_SECRET_BYTES && raw[0] == FAKE_TLS) {
		*why = "secrets that begin with ee ask for a connection that "
		       "looks like TLS, which is not supported; use one that "
		       "begins with dd";
		err = -ENOTSUP;
	} else if (n == MTP_SECRET_BYTES) {
		memcpy(conf->secret, raw, MTP_SECRET_BYTES);
		conf->padded = false;
	} else if (n == MTP_SECRET_BYTES + 1 && raw[0] == PADDED) {
		memcpy(conf->secret, raw + 1, MTP_SECRET_BYTES);
		conf->padded = true;
	} else {
		*why = "a secret is 16 bytes, or dd and 16 bytes, in "
		       "hexadecimal or base64";
		err = -EINVAL;
	}
	bytes_wipe(raw, sizeof(raw));
	return err;
}

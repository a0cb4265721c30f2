/* The opening handshake (RFC 6455 4.2). */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/sha.h>

#include "base/re.h"
#include "sip/head.h"
#include "sip/websocket.h"

#define KEY_LENGTH 24 /* 16 bytes in base64 */

struct request {
	bool host, upgrade, connection, sip;
	size_t keys, versions;
	struct bytes key, version;
};

/* Up to CR LF; empty and bad when there is none. */
static struct bytes line_read(struct rd *r)
{
	const uint8_t *end = r->n ? memchr(r->p, '\n', r->n) : NULL;
	struct bytes line;

	if (!end) {
		rd_fail(r);
		return bytes_of(NULL, 0);
	}
	line = rd_bytes(r, (size_t)(end - r->p));
	rd_skip(r, 1);
	if (!line.n || line.p[line.n - 1] != '\r')
		rd_fail(r);
	else
		line.n--;
	return line;
}

/* One of the tokens between the commas. */
static bool has_token(struct bytes value, const char *token)
{
	while (value.n) {
		const uint8_t *comma = memchr(value.p, ',', value.n);
		size_t n = comma ? (size_t)(comma - value.p) : value.n;

		if (head_is(head_trim(bytes_of(value.p, n)), token))
			return true;
		if (!comma)
			return false;
		value = bytes_of(comma + 1, value.n - n - 1);
	}
	return false;
}

static bool field_take(struct request *q, struct bytes line)
{
	const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	struct bytes name, value;

	if (!colon)
		return false;
	name = bytes_of(line.p, (size_t)(colon - line.p));
	value = head_trim(bytes_of(colon + 1, line.n - name.n - 1));
	if (!head_is_token(name))
		return false;
	q->host |= head_is(name, "Host");
	q->upgrade |= head_is(name, "Upgrade") && has_token(value, "websocket");
	q->connection |=
		head_is(name, "Connection") && has_token(value, "Upgrade");
	q->sip |= head_is(name, "Sec-WebSocket-Protocol") &&
		  has_token(value, "sip");
	if (head_is(name, "Sec-WebSocket-Key")) {
		q->keys++;
		q->key = value;
	}
	if (head_is(name, "Sec-WebSocket-Version")) {
		q->versions++;
		q->version = value;
	}
	return true;
}

/* "GET /path HTTP/1.1" or a later 1.x; any path leads here. */
static bool start_valid(struct bytes line)
{
	static const char get[] = "GET /", version[] = " HTTP/1.";
	size_t end = sizeof(version); /* with its last digit */

	if (line.n < sizeof(get) - 1 + end ||
	    memcmp(line.p, get, sizeof(get) - 1) != 0)
		return false;
	return memcmp(line.p + line.n - end, version, end - 1) == 0 &&
	       line.p[line.n - 1] >= '1' && line.p[line.n - 1] <= '9';
}

/* RFC 6455 4.2.1, 5: 16 bytes when decoded. */
static bool key_valid(struct bytes key)
{
	uint8_t raw[KEY_LENGTH];
	size_t n = sizeof(raw);

	return key.n == KEY_LENGTH &&
	       !base64_decode((const char *)key.p, key.n, raw, &n) && n == 16;
}

/* RFC 6455 4.2.2, 5.4 */
static void accept_write(char accept[WEBSOCKET_ACCEPT_SIZE], struct bytes key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t text[KEY_LENGTH + sizeof(guid) - 1], hash[SHA_DIGEST_LENGTH];
	size_t n = WEBSOCKET_ACCEPT_SIZE;

	memcpy(text, key.p, KEY_LENGTH);
	memcpy(text + KEY_LENGTH, guid, sizeof(guid) - 1);
	(void)SHA1(text, sizeof(text), hash);
	(void)base64_encode(hash, sizeof(hash), accept, &n);
	accept[WEBSOCKET_ACCEPT_SIZE - 1] = '\0';
}

static unsigned request_check(const struct request *q)
{
	if (!q->host || !q->upgrade || !q->connection || q->keys != 1 ||
	    q->versions != 1 || !key_valid(q->key))
		return 400;
	/* RFC 6455 4.4 */
	if (!head_is(q->version, "13"))
		return 426;
	/* RFC 7118 4.1: the client asks for it, and must be told. */
	return q->sip ? 0 : 400;
}

int websocket_handshake_read(char accept[WEBSOCKET_ACCEPT_SIZE], size_t *used,
			     unsigned *code, struct bytes text)
{
	struct request q = {0};
	struct bytes line;
	struct rd r;

	if (!memmem(text.n ? text.p : (const uint8_t *)"", text.n, "\r\n\r\n",
		    4)) {
		*code = 431;
		return text.n < WEBSOCKET_HANDSHAKE_MAX ? -EAGAIN : -EBADMSG;
	}
	*code = 400;
	rd_init(&r, text.p, text.n);
	if (!start_valid(line_read(&r)))
		return -EBADMSG;
	while ((line = line_read(&r)).n)
		if (!field_take(&q, line))
			return -EBADMSG;
	if (r.bad)
		return -EBADMSG;
	*code = request_check(&q);
	if (*code)
		return -EBADMSG;
	accept_write(accept, q.key);
	*used = text.n - r.n;
	return 0;
}

void websocket_handshake_accept(struct buf *dst, const char *accept)
{
	buf_printf(dst,
		   "HTTP/1.1 101 Switching Protocols\r\n"
		   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Accept: %s\r\n"
		   "Sec-WebSocket-Protocol: sip\r\n\r\n",
		   accept);
}

void websocket_handshake_refuse(struct buf *dst, unsigned code)
{
	static const struct {
		unsigned code;
		const char *reason;
	} reasons[] = {
		{426, "Upgrade Required"},
		{431, "Request Header Fields Too Large"},
	};
	const char *reason = "Bad Request";

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			reason = reasons[i].reason;
	buf_printf(dst,
		   "HTTP/1.1 %u %s\r\nSec-WebSocket-Version: 13\r\n"
		   "Connection: close\r\nContent-Length: 0\r\n\r\n",
		   code, reason);
}

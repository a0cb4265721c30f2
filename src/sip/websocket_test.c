#include "sip/websocket.h"

#include <errno.h>

#include "tests/check.h"

/* -- handshake ------------------------------------------------------------- */

/* RFC 6455 1.3, with the subprotocol of RFC 7118. */
#define START "GET /chat HTTP/1.1\r\n"
#define HOST "Host: server.example.com\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define SIP "Sec-WebSocket-Protocol: chat, sip\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define GOOD START HOST UPGRADE KEY SIP VERSION "\r\n"

static int shake(const char *text, size_t n, char accept[], size_t *used,
		 unsigned *code)
{
	return websocket_handshake_read(accept, used, code, bytes_of(text, n));
}

static void test_websocket_handshake_answers_the_example(void)
{
	static const char good[] = GOOD;
	char accept[WEBSOCKET_ACCEPT_SIZE];
	struct buf answer;
	unsigned code;
	size_t used = 0;

	CHECK_INT(shake(GOOD "next", sizeof(GOOD "next") - 1, accept, &used,
			&code),
		  0);
	CHECK_STR(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	CHECK_INT(used, sizeof(good) - 1);
	buf_init(&answer);
	websocket_handshake_accept(&answer, accept);
	CHECK_STR(buf_cstr(&answer),
		  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		  "Connection: Upgrade\r\n"
		  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		  "Sec-WebSocket-Protocol: sip\r\n\r\n");
	buf_clear(&answer);
	for (size_t n = 0; n < sizeof(good) - 1; n++)
		CHECK_INT(shake(good, n, accept, &used, &code), -EAGAIN);
}

static void test_websocket_handshake_refuses(void)
{
	static const struct {
		unsigned code;
		const char *text;
	} rows[] = {
		{400,
		 "GET /chat HTTP/1.0\r\n" HOST UPGRADE KEY SIP VERSION "\r\n"},
		{400,
		 "POST / HTTP/1.1\r\n" HOST UPGRADE KEY SIP VERSION "\r\n"},
		{400, "GET\r\n\r\n"},
		{400, "\r\n\r\n"},
		{400, START UPGRADE KEY SIP VERSION "\r\n"},
		{400, START HOST KEY SIP VERSION "\r\n"},
		{400, START HOST UPGRADE SIP VERSION "\r\n"},
		{400, START HOST UPGRADE KEY KEY SIP VERSION "\r\n"},
		{400, START HOST UPGRADE KEY SIP "\r\n"},
		{400, START HOST UPGRADE KEY VERSION "\r\n"},
		{400, START HOST UPGRADE KEY
		 "Sec-WebSocket-Protocol: sips\r\n" VERSION "\r\n"},
		{400, START HOST UPGRADE SIP VERSION
		 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n"},
		{400, START HOST UPGRADE SIP VERSION
		 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSEh\r\n\r\n"},
		{400, START HOST UPGRADE KEY SIP VERSION "no colon\r\n\r\n"},
		{400, START HOST UPGRADE KEY SIP VERSION "a b: c\r\n\r\n"},
		{400, START HOST UPGRADE KEY SIP VERSION "a: b\n\r\n\r\n"},
		{426,
		 START HOST UPGRADE KEY SIP "Sec-WebSocket-Version: 8\r\n\r\n"},
	};
	char accept[WEBSOCKET_ACCEPT_SIZE], text[WEBSOCKET_HANDSHAKE_MAX];
	struct buf answer;
	unsigned code;
	size_t used;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		code = 0;
		CHECK_INT(shake(rows[i].text, strlen(rows[i].text), accept,
				&used, &code),
			  -EBADMSG);
		CHECK_INT(code, rows[i].code);
	}
	memset(text, 'a', sizeof(text));
	CHECK_INT(shake(text, sizeof(text) - 1, accept, &used, &code), -EAGAIN);
	CHECK_INT(shake(text, sizeof(text), accept, &used, &code), -EBADMSG);
	CHECK_INT(code, 431);
	buf_init(&answer);
	websocket_handshake_refuse(&answer, 426);
	CHECK_STR(buf_cstr(&answer),
		  "HTTP/1.1 426 Upgrade Required\r\n"
		  "Sec-WebSocket-Version: 13\r\nConnection: close\r\n"
		  "Content-Length: 0\r\n\r\n");
	buf_clear(&answer);
}

/* -- frames ---------------------------------------------------------------- */

#define MASK "\x37\xfa\x21\x3d"

static enum websocket_event feed(struct websocket *w, const void *p, size_t n,
				 struct bytes *payload)
{
	buf_put(&w->in, p, n);
	return websocket_next(w, payload);
}

/* A frame whose mask is zero: the payload stands as it is. */
static void frame_put(struct buf *dst, uint8_t first, const void *p, size_t n)
{
	static const uint8_t mask[4];

	buf_u8(dst, first);
	if (n < 126) {
		buf_u8(dst, (uint8_t)(0x80 | n));
	} else if (n <= UINT16_MAX) {
		buf_u8(dst, 0x80 | 126);
		buf_be16(dst, (uint16_t)n);
	} else {
		buf_u8(dst, 0x80 | 127);
		buf_be64(dst, n);
	}
	buf_put(dst, mask, sizeof(mask));
	buf_put(dst, p, n);
}

/* RFC 6455 5.7, byte by byte. */
static void test_websocket_frame_is_unmasked(void)
{
	static const char hello[] = "\x81\x85" MASK "\x7f\x9f\x4d\x51\x58";
	struct bytes payload;
	struct websocket w;

	websocket_init(&w);
	for (size_t n = 0; n + 2 < sizeof(hello); n++)
		CHECK_INT(feed(&w, hello + n, 1, &payload), WEBSOCKET_NONE);
	CHECK_INT(feed(&w, hello + sizeof(hello) - 2, 1, &payload),
		  WEBSOCKET_MESSAGE);
	CHECK_INT(payload.n, 5);
	CHECK_MEM(payload.p, "Hello", 5);
	CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_NONE);
	CHECK_INT(w.in.n, 0);
	websocket_clear(&w);
}

/* RFC 6455 5.4: control frames may stand between fragments. */
static void test_websocket_fragments_are_put_together(void)
{
	struct bytes payload;
	struct websocket w;

	websocket_init(&w);
	for (int round = 0; round < 2; round++) {
		frame_put(&w.in, WEBSOCKET_TEXT, "Hel", 3);
		frame_put(&w.in, 0x80 | WEBSOCKET_OP_PING, "x", 1);
		frame_put(&w.in, WEBSOCKET_CONTINUATION, "", 0);
		frame_put(&w.in, 0x80 | WEBSOCKET_OP_PONG, "", 0);
		frame_put(&w.in, 0x80 | WEBSOCKET_CONTINUATION, "lo", 2);
	}
	for (int round = 0; round < 2; round++) {
		CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_PING);
		CHECK_INT(payload.n, 1);
		CHECK_INT(*payload.p, 'x');
		CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_PONG);
		CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_MESSAGE);
		CHECK_INT(payload.n, 5);
		CHECK_MEM(payload.p, "Hello", 5);
	}
	CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_NONE);
	websocket_clear(&w);
}

static void test_websocket_bad_frames_close(void)
{
	static const struct {
		uint16_t code;
		uint8_t n;
		const char *text;
	} rows[] = {
		{1002, 2, "\x81\x05"},         /* not masked */
		{1002, 2, "\xc1\x80"},         /* RSV1 */
		{1002, 2, "\x91\x80"},         /* RSV3 */
		{1002, 2, "\x83\x80"},         /* opcodes unknown */
		{1002, 2, "\x8b\x80"},         /* of control */
		{1002, 2, "\x09\x80"},         /* ping in pieces */
		{1002, 4, "\x89\xfe\x00\x7e"}, /* ping too long */
		{1002, 4, "\x82\xfe\x00\x7d"}, /* not the shortest */
		{1002, 10, "\x82\xff\0\0\0\0\0\0\xff\xff"}, /* the same */
		{1002, 10, "\x82\xff\x80\0\0\0\0\1\0\0"},   /* sign bit */
		{1009, 14, "\x82\xff\0\0\0\0\0\1\0\0" MASK},
		{1002, 6, "\x80\x80" MASK}, /* goes on: what? */
		{1002, 12, "\x01\x80" MASK "\x81\x80" MASK}, /* two at once */
		{1007, 7, "\x81\x81" MASK "\xc8"},         /* 0xff: no UTF-8 */
		{1002, 7, "\x88\x81" MASK "\x34"},         /* half a code */
		{1002, 8, "\x88\x82" MASK "\x34\x17"},     /* 1005 */
		{1002, 8, "\x88\x82" MASK "\x36\x1d"},     /* 487 */
		{1007, 9, "\x88\x83" MASK "\x34\x12\xde"}, /* text 0xff */
	};
	struct bytes payload;
	struct websocket w;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		websocket_init(&w);
		CHECK_INT(feed(&w, rows[i].text, rows[i].n, &payload),
			  WEBSOCKET_BAD);
		CHECK_INT(w.code, rows[i].code);
		/* What follows is not looked at. */
		frame_put(&w.in, 0x80 | WEBSOCKET_TEXT, "a", 1);
		CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_NONE);
		websocket_clear(&w);
	}
}

static void test_websocket_close_says_its_code(void)
{
	struct bytes payload;
	struct websocket w;

	websocket_init(&w);
	CHECK_INT(feed(&w, "\x88\x84" MASK "\x34\x12\x4e\x44", 10, &payload),
		  WEBSOCKET_CLOSED);
	CHECK_INT(w.code, 1000);
	websocket_clear(&w);
	websocket_init(&w);
	CHECK_INT(feed(&w, "\x88\x80" MASK, 6, &payload), WEBSOCKET_CLOSED);
	CHECK_INT(w.code, WEBSOCKET_NO_CODE);
	websocket_clear(&w);
}

static void test_websocket_message_has_a_limit(void)
{
	static uint8_t much[WEBSOCKET_MESSAGE_MAX];
	struct bytes payload;
	struct websocket w;

	websocket_init(&w);
	frame_put(&w.in, 0x80 | WEBSOCKET_BINARY, much, sizeof(much));
	CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_MESSAGE);
	CHECK_INT(payload.n, sizeof(much));
	frame_put(&w.in, WEBSOCKET_BINARY, much, sizeof(much));
	frame_put(&w.in, 0x80 | WEBSOCKET_CONTINUATION, much, 1);
	CHECK_INT(websocket_next(&w, &payload), WEBSOCKET_BAD);
	CHECK_INT(w.code, 1009);
	websocket_clear(&w);
}

static void test_websocket_writes_frames(void)
{
	static uint8_t much[65536];
	struct buf b;

	buf_init(&b);
	websocket_write(&b, WEBSOCKET_TEXT, bytes_str("Hello"));
	CHECK_INT(b.n, 7);
	CHECK_MEM(b.p, "\x81\x05Hello", 7); /* RFC 6455 5.7 */
	buf_reset(&b);
	websocket_write(&b, WEBSOCKET_BINARY, bytes_of(much, 256));
	CHECK_INT(b.n, 260);
	CHECK_MEM(b.p, "\x82\x7e\x01\x00", 4);
	buf_reset(&b);
	websocket_write(&b, WEBSOCKET_BINARY, bytes_of(much, 65536));
	CHECK_INT(b.n, 65546);
	CHECK_MEM(b.p, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
	buf_reset(&b);
	websocket_write_close(&b, WEBSOCKET_TOO_BIG);
	CHECK_INT(b.n, 4);
	CHECK_MEM(b.p, "\x88\x02\x03\xf1", 4);
	buf_reset(&b);
	websocket_write_close(&b, WEBSOCKET_NO_CODE);
	CHECK_INT(b.n, 2);
	CHECK_MEM(b.p, "\x88\x00", 2);
	buf_clear(&b);
}

int main(void)
{
	RUN(test_websocket_handshake_answers_the_example);
	RUN(test_websocket_handshake_refuses);
	RUN(test_websocket_frame_is_unmasked);
	RUN(test_websocket_fragments_are_put_together);
	RUN(test_websocket_bad_frames_close);
	RUN(test_websocket_close_says_its_code);
	RUN(test_websocket_message_has_a_limit);
	RUN(test_websocket_writes_frames);
	return check_done();
}

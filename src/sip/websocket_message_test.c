#include "sip/websocket_message.h"

#include <errno.h>

#include "tests/check.h"

#define HEAD "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n"

static struct websocket_way way_make(void)
{
	struct websocket_way w = {0};

	(void)sa_set_str(&w.real, "192.0.2.7", 40000);
	(void)sa_set_str(&w.ours, "192.0.2.1", 8088);
	(void)sa_set_str(&w.inner, "127.0.0.1", 50000);
	return w;
}

static void test_websocket_message_in_is_fit_for_a_stream(void)
{
	static const struct {
		const char *in, *out, *said;
	} rows[] = {
		/* RFC 7118 5: no length. */
		{"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z"
		 "\r\n" HEAD "\r\nbody",
		 "OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:50000"
		 ";branch=z\r\n" HEAD LENGTH(4) "\r\nbody",
		 "WS x.invalid"},
		{"OPTIONS sip:g SIP/2.0\r\nv: SIP / 2.0 / wss  x:5 "
		 ";a\r\n" LENGTH(0) "\r\n",
		 "OPTIONS sip:g SIP/2.0\r\nv: SIP / 2.0 / TCP 127.0.0.1:50000"
		 " ;a\r\n" LENGTH(0) "\r\n",
		 "wss  x:5"},
		/* RFC 3261 18.3: what is behind the body is cut. */
		{"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/TCP x\r\nl: "
		 "1\r\n\r\nab",
		 "OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:50000"
		 "\r\nl: 1\r\n\r\na",
		 "TCP x"},
		/* The Via of an answer is ours. */
		{"SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS g:1;b\r\n\r\n",
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP g:1;b\r\n" LENGTH(
			 0) "\r\n",
		 "WS"},
	};
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct websocket_way w = way_make();

		memcpy(w.said, "WS", 3);
		buf_reset(&b);
		CHECK_INT(websocket_message_in(&b, &w, bytes_str(rows[i].in)),
			  0);
		CHECK_STR(buf_cstr(&b), rows[i].out);
		CHECK_STR(w.said, rows[i].said);
	}
	buf_clear(&b);
}

/* Nothing that would end elsewhere for libre than for us. */
static void test_websocket_message_in_refuses(void)
{
	static const char *const rows[] = {
		"",
		"\r\n",
		"hello",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x\r\n",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x\r\n" LENGTH(
			5) "\r\nbody",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x\r\n" LENGTH(4)
			LENGTH(4) "\r\nbody",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x\r\n" LENGTH(
			-4) "\r\nbody",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS\r\n\r\n",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP\r\n\r\n",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS\r\n x\r\n\r\n",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x, y\r\n\r\n",
		"OPTIONS sip:g SIP/2.0\r\nFrom: <sip:a@b>\r\n\r\n",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x\n\n",
		"OPTIONS sip:g SIP/2.0\r\nVia: SIP/2.0/WS x\r\n\nINVITE",
	};
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct websocket_way w = way_make();

		CHECK_INT(websocket_message_in(&b, &w, bytes_str(rows[i])),
			  -EBADMSG);
	}
	buf_clear(&b);
}

static void test_websocket_message_out_means_something_there(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"INVITE sip:p@x.invalid SIP/2.0\r\nVia: SIP/2.0/TCP "
		 "127.0.0.1:5060;branch=z;rport\r\n" HEAD LENGTH(0) "\r\n",
		 "INVITE sip:p@x.invalid SIP/2.0\r\nVia: SIP/2.0/WS "
		 "192.0.2.1:8088;branch=z;rport\r\n" HEAD LENGTH(0) "\r\n"},
		{"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1:50000;branch=z"
		 ";rport=50000;received=127.0.0.1\r\n" HEAD "\r\n",
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS x.invalid;branch=z"
		 ";rport=40000;received=192.0.2.7\r\n" HEAD "\r\n"},
		{"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1:50000\r\n\r\n",
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS x.invalid"
		 ";received=192.0.2.7\r\n\r\n"},
	};
	struct websocket_way w = way_make();
	struct buf b;

	memcpy(w.said, "WSS x.invalid", 14);
	buf_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_reset(&b);
		CHECK_INT(websocket_message_out(&b, &w, bytes_str(rows[i].in)),
			  0);
		CHECK_STR(buf_cstr(&b), rows[i].out);
	}
	CHECK_INT(websocket_message_out(&b, &w, bytes_str("x\r\n\r\n")),
		  -EBADMSG);
	CHECK_INT(websocket_message_out(&b, &w,
					bytes_str("SIP/2.0 200 OK\r\n\r\n")),
		  -EBADMSG);
	buf_clear(&b);
}

static void test_websocket_message_ends_in_the_stream(void)
{
	static const char one[] = "SIP/2.0 200 OK\r\n" LENGTH(3) "\r\nabc";
	static const char two[] = "SIP/2.0 200 OK\r\n" LENGTH(3) "\r\nabcSIP";
	size_t n;

	for (size_t i = 0; i + 1 < sizeof(one); i++) {
		CHECK_INT(websocket_message_length(&n, bytes_of(one, i)), 0);
		CHECK_INT(n, 0);
	}
	CHECK_INT(websocket_message_length(&n, bytes_str(two)), 0);
	CHECK_INT(n, sizeof(one) - 1);
	CHECK_INT(websocket_message_length(&n, bytes_str("\r\nSIP")), 0);
	CHECK_INT(n, 2);
	CHECK_INT(websocket_message_length(&n, bytes_str("SIP/2.0 200 OK\r\n")),
		  0);
	CHECK_INT(n, 0);
	CHECK_INT(websocket_message_length(&n, bytes_str("what\r\n\r\n")),
		  -EBADMSG);
	CHECK_INT(websocket_message_length(
			  &n, bytes_str("SIP/2.0 200 OK\r\nl: x\r\n\r\n")),
		  -EBADMSG);
}

int main(void)
{
	RUN(test_websocket_message_in_is_fit_for_a_stream);
	RUN(test_websocket_message_in_refuses);
	RUN(test_websocket_message_out_means_something_there);
	RUN(test_websocket_message_ends_in_the_stream);
	return check_done();
}

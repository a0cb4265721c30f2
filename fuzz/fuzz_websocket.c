/* What comes by a WebSocket. First byte: 0: an opening handshake; 1: frames,
 * in pieces of the second byte's size, their messages on to libre; 2: what
 * libre would say, on to the phone. */
#include "sip/websocket.h"
#include "sip/websocket_message.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct websocket_way way_make(void)
{
	struct websocket_way w = {.said = "WS x.invalid"};

	(void)sa_set_str(&w.real, "192.0.2.7", 40000);
	(void)sa_set_str(&w.ours, "192.0.2.1", 8088);
	(void)sa_set_str(&w.inner, "127.0.0.1", 50000);
	return w;
}

static void handshake(struct bytes text)
{
	char accept[WEBSOCKET_ACCEPT_SIZE];
	struct buf answer;
	unsigned code;
	size_t used;
	int err = websocket_handshake_read(accept, &used, &code, text);

	buf_init(&answer);
	if (!err)
		websocket_handshake_accept(&answer, accept);
	else
		websocket_handshake_refuse(&answer, code);
	buf_clear(&answer);
}

static void to_phone(struct bytes stream)
{
	struct websocket_way way = way_make();
	struct buf message;
	size_t n;

	buf_init(&message);
	while (!websocket_message_length(&n, stream) && n) {
		buf_reset(&message);
		(void)websocket_message_out(&message, &way,
					    bytes_of(stream.p, n));
		stream = bytes_of(stream.p + n, stream.n - n);
	}
	buf_clear(&message);
}

static void to_libre(struct bytes text)
{
	struct websocket_way way = way_make();
	struct buf message;

	buf_init(&message);
	if (!websocket_message_in(&message, &way, text))
		to_phone(buf_bytes(&message));
	buf_clear(&message);
}

static void events(struct websocket *w)
{
	struct bytes payload;
	struct buf answer;

	buf_init(&answer);
	for (;;) {
		enum websocket_event event = websocket_next(w, &payload);

		if (event == WEBSOCKET_NONE)
			break;
		if (event == WEBSOCKET_MESSAGE)
			to_libre(payload);
		if (event == WEBSOCKET_CLOSED || event == WEBSOCKET_BAD)
			websocket_write_close(&answer, w->code);
		else
			websocket_write(&answer, WEBSOCKET_OP_PONG, payload);
	}
	buf_clear(&answer);
}

static void frames(struct bytes stream, size_t piece)
{
	struct websocket w;

	websocket_init(&w);
	while (stream.n) {
		size_t n = stream.n < piece ? stream.n : piece;

		buf_put(&w.in, stream.p, n);
		stream = bytes_of(stream.p + n, stream.n - n);
		events(&w);
	}
	websocket_clear(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (data[0] == 0)
		handshake(bytes_of(data + 1, size - 1));
	else if (data[0] == 1)
		frames(bytes_of(data + 2, size - 2), (size_t)data[1] + 1);
	else
		to_phone(bytes_of(data + 1, size - 1));
	return 0;
}

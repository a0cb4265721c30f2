#include "sip/websocket.h"

#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "base/text.h"

/* RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes
 * or less and MUST NOT be fragmented." */
#define CONTROL_MAX 125

#define BIT_FINAL 0x80
#define BITS_RESERVED 0x70
#define BIT_MASK 0x80

struct frame {
	bool final;
	uint8_t opcode;
	uint64_t length;
	uint8_t mask[4];
	size_t head; /* bytes in front of the payload */
};

void websocket_init(struct websocket *w)
{
	*w = (struct websocket){0};
	buf_init(&w->in);
	buf_init(&w->message);
	buf_init(&w->control);
}

void websocket_clear(struct websocket *w)
{
	buf_clear(&w->in);
	buf_clear(&w->message);
	buf_clear(&w->control);
}

/* -- reading --------------------------------------------------------------- */

static enum websocket_event bad(struct websocket *w, enum websocket_close code)
{
	w->ended = true;
	w->code = (uint16_t)code;
	return WEBSOCKET_BAD;
}

static bool is_control(uint8_t opcode)
{
	return opcode & 8;
}

/* The length in its shortest form (RFC 6455 5.2: "the minimal number of bytes
 * MUST be used"). */
static bool length_read(struct frame *f, struct rd *r, uint8_t first)
{
	f->length = first & 0x7f;
	if (f->length == 126) {
		f->length = rd_be16(r);
		return r->bad || f->length >= 126;
	}
	if (f->length == 127) {
		f->length = rd_be64(r);
		return r->bad || (f->length > UINT16_MAX && !(f->length >> 63));
	}
	return true;
}

/* False with a code: it cannot become a frame. r is bad when it ends early. */
static bool frame_read(struct frame *f, struct rd *r, uint16_t *code)
{
	size_t all = r->n;
	uint8_t first = rd_u8(r), second = rd_u8(r);

	*code = WEBSOCKET_PROTOCOL_ERROR;
	f->final = first & BIT_FINAL;
	f->opcode = first & 0x0f;
	if (r->bad)
		return true;
	/* No extension was agreed that would give these a meaning. */
	if (first & BITS_RESERVED)
		return false;
	/* RFC 6455 5.1: "The server MUST close the connection upon receiving
	 * a frame that is not masked." */
	if (!(second & BIT_MASK) || !length_read(f, r, second))
		return false;
	if (is_control(f->opcode) ? f->opcode > WEBSOCKET_OP_PONG ||
					    !f->final || f->length > CONTROL_MAX
				  : f->opcode > WEBSOCKET_BINARY)
		return false;
	rd_copy(r, f->mask, sizeof(f->mask));
	f->head = all - r->n;
	*code = WEBSOCKET_TOO_BIG;
	return f->length <= WEBSOCKET_MESSAGE_MAX;
}

static void unmask(struct buf *dst, const struct frame *f, struct bytes masked)
{
	if (buf_reserve(dst, masked.n))
		return;
	for (size_t i = 0; i < masked.n; i++)
		buf_u8(dst, masked.p[i] ^ f->mask[i % 4]);
}

/* RFC 6455 7.4: codes that may stand in a frame. */
static bool code_valid(uint16_t code)
{
	if (code >= 3000)
		return code < 5000;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
	       code != 1006;
}

/* RFC 6455 5.5.1: nothing, or a code and a text. */
static enum websocket_event close_take(struct websocket *w, struct bytes said)
{
	struct rd r;

	if (!said.n) {
		w->ended = true;
		w->code = WEBSOCKET_NO_CODE;
		return WEBSOCKET_CLOSED;
	}
	rd_init(&r, said.p, said.n);
	w->code = rd_be16(&r);
	if (r.bad || !code_valid(w->code))
		return bad(w, WEBSOCKET_PROTOCOL_ERROR);
	if (!text_is_utf8(bytes_of(r.p, r.n)))
		return bad(w, WEBSOCKET_BAD_DATA);
	w->ended = true;
	return WEBSOCKET_CLOSED;
}

static enum websocket_event control_take(struct websocket *w,
					 const struct frame *f,
					 struct bytes masked,
					 struct bytes *payload)
{
	buf_reset(&w->control);
	unmask(&w->control, f, masked);
	*payload = buf_bytes(&w->control);
	if (f->opcode == WEBSOCKET_OP_CLOSE)
		return close_take(w, *payload);
	return f->opcode == WEBSOCKET_OP_PING ? WEBSOCKET_PING : WEBSOCKET_PONG;
}

static void message_begin(struct websocket *w)
{
	buf_reset(&w->message);
	w->opcode = 0;
	w->whole = false;
}

/* WEBSOCKET_NONE: the message goes on. */
static enum websocket_event data_take(struct websocket *w,
				      const struct frame *f,
				      struct bytes masked,
				      struct bytes *payload)
{
	/* RFC 6455 5.4: fragments of messages are not interleaved. */
	if ((f->opcode == WEBSOCKET_CONTINUATION) != (w->opcode != 0))
		return bad(w, WEBSOCKET_PROTOCOL_ERROR);
	if (f->opcode)
		w->opcode = f->opcode;
	if (w->message.n + masked.n > WEBSOCKET_MESSAGE_MAX)
		return bad(w, WEBSOCKET_TOO_BIG);
	unmask(&w->message, f, masked);
	PLANT_OVERFLOW(f->opcode == WEBSOCKET_CONTINUATION && f->final &&
			       masked.n > 8 && masked.n < 100,
		       masked.p, masked.n);
	if (!f->final)
		return WEBSOCKET_NONE;
	w->whole = true;
	*payload = buf_bytes(&w->message);
	/* RFC 6455 8.1 */
	if (w->opcode == WEBSOCKET_TEXT && !text_is_utf8(*payload))
		return bad(w, WEBSOCKET_BAD_DATA);
	return WEBSOCKET_MESSAGE;
}

enum websocket_event websocket_next(struct websocket *w, struct bytes *payload)
{
	enum websocket_event event = WEBSOCKET_NONE;

	*payload = bytes_of(NULL, 0);
	if (w->whole)
		message_begin(w);
	while (event == WEBSOCKET_NONE && !w->ended) {
		struct frame f = {0};
		struct bytes masked;
		struct rd r;
		uint16_t code;

		rd_init(&r, w->in.p, w->in.n);
		if (!frame_read(&f, &r, &code))
			return bad(w, code);
		masked = rd_bytes(&r, (size_t)f.length);
		if (r.bad)
			return WEBSOCKET_NONE;
		event = is_control(f.opcode)
				? control_take(w, &f, masked, payload)
				: data_take(w, &f, masked, payload);
		buf_drop(&w->in, f.head + masked.n);
		if (w->message.bad || w->control.bad)
			return bad(w, WEBSOCKET_TOO_BIG);
	}
	return event;
}

/* -- writing --------------------------------------------------------------- */

void websocket_write(struct buf *dst, enum websocket_opcode opcode,
		     struct bytes payload)
{
	buf_u8(dst, (uint8_t)(BIT_FINAL | opcode));
	if (payload.n < 126) {
		buf_u8(dst, (uint8_t)payload.n);
	} else if (payload.n <= UINT16_MAX) {
		buf_u8(dst, 126);
		buf_be16(dst, (uint16_t)payload.n);
	} else {
		buf_u8(dst, 127);
		buf_be64(dst, payload.n);
	}
	buf_put(dst, payload.p, payload.n);
}

void websocket_write_close(struct buf *dst, uint16_t code)
{
	uint8_t said[2];

	be16_store(said, code);
	websocket_write(
		dst, WEBSOCKET_OP_CLOSE,
		bytes_of(said, code == WEBSOCKET_NO_CODE ? 0 : sizeof(said)));
}

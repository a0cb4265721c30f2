#include "sip/websocket_message.h"

#include <errno.h>
#include <string.h>

#include "sip/head.h"
#include "sip/websocket.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The transport of the first Via: "SIP / 2.0 / WS host" has blanks anywhere. */
static bool via_transport(struct bytes *transport, struct bytes via)
{
	struct rd r;
	size_t slashes = 0, n = 0;

	rd_init(&r, via.p, via.n);
	while (slashes < 2 && r.n)
		slashes += rd_u8(&r) == '/';
	while (r.n && is_blank(*r.p))
		rd_skip(&r, 1);
	while (n < r.n && !is_blank(r.p[n]))
		n++;
	*transport = rd_bytes(&r, n);
	return n > 0 && r.n > 0;
}

static void put_until(struct buf *dst, struct bytes text, const uint8_t *end)
{
	buf_put(dst, text.p, (size_t)(end - text.p));
}

static void put_from(struct buf *dst, struct bytes text, const uint8_t *begin)
{
	buf_put(dst, begin, text.n - (size_t)(begin - text.p));
}

/* -- in -------------------------------------------------------------------- */

/* RFC 7118 5: a message is a WebSocket message whole, so Content-Length may
 * be missing; a stream cannot do without. */
static int body_length(const struct head *h, bool *given, size_t *length)
{
	size_t count = head_count(h, "Content-Length");
	uint64_t n;

	*given = count > 0;
	*length = h->body.n;
	if (!count)
		return 0;
	if (count > 1 ||
	    !head_number(head_trim(head_field(h, "Content-Length", 0)->value),
			 h->body.n, &n))
		return -EBADMSG;
	*length = (size_t)n;
	return 0;
}

static void said_note(struct websocket_way *w, const struct head *h,
		      struct bytes transport, bool websocket)
{
	if (!h->request)
		return;
	w->said[0] = '\0';
	if (websocket) {
		memcpy(w->said, transport.p, transport.n);
		w->said[transport.n] = '\0';
	}
}

int websocket_message_in(struct buf *dst, struct websocket_way *w,
			 struct bytes text)
{
	const struct head_field *via;
	struct bytes transport;
	struct head h;
	size_t length;
	bool given, websocket;

	if (head_read(&h, text) || body_length(&h, &given, &length))
		return -EBADMSG;
	via = head_field(&h, "Via", 0);
	if (!via || !via_transport(&transport, via->value) ||
	    h.body.p - text.p < 4 || memcmp(h.body.p - 4, "\r\n\r\n", 4) != 0)
		return -EBADMSG;
	websocket = head_is(transport, "WS") || head_is(transport, "WSS");
	said_note(w, &h, transport, websocket);
	if (websocket) {
		put_until(dst, text, transport.p);
		buf_str(dst, "TCP");
		text.n -= (size_t)(transport.p + transport.n - text.p);
		text.p = transport.p + transport.n;
	}
	put_until(dst, text, h.body.p - 2);
	if (!given)
		buf_printf(dst, "Content-Length: %zu\r\n", length);
	buf_str(dst, "\r\n");
	buf_put(dst, h.body.p, length);
	return dst->bad ? -ENOMEM : 0;
}

/* -- out ------------------------------------------------------------------- */

int websocket_message_length(size_t *n, struct bytes stream)
{
	const uint8_t *end;
	struct head h;
	uint64_t body = 0;

	*n = 0;
	if (stream.n >= 2 && memcmp(stream.p, "\r\n", 2) == 0) {
		*n = 2;
		return 0;
	}
	end = stream.n ? memmem(stream.p, stream.n, "\r\n\r\n", 4) : NULL;
	if (!end)
		return stream.n > WEBSOCKET_MESSAGE_MAX ? -EBADMSG : 0;
	end += 4;
	if (head_read(&h, bytes_of(stream.p, (size_t)(end - stream.p))))
		return -EBADMSG;
	if (head_count(&h, "Content-Length") &&
	    !head_number(head_field(&h, "Content-Length", 0)->value,
			 WEBSOCKET_MESSAGE_MAX, &body))
		return -EBADMSG;
	if (body <= stream.n - (size_t)(end - stream.p))
		*n = (size_t)(end - stream.p) + (size_t)body;
	return 0;
}

/* A parameter of the Via that libre wrote, with another value. */
static void param_put(struct buf *dst, struct bytes param,
		      const struct websocket_way *w)
{
	static const char received[] = ";received=", rport[] = ";rport=";
	char text[64] = "";

	if (param.n > sizeof(received) &&
	    memcmp(param.p, received, sizeof(received) - 1) == 0) {
		(void)re_snprintf(text, sizeof(text), "%s%j", received,
				  &w->real);
		buf_str(dst, text);
	} else if (param.n > sizeof(rport) &&
		   memcmp(param.p, rport, sizeof(rport) - 1) == 0) {
		buf_printf(dst, "%s%u", rport, sa_port(&w->real));
	} else {
		buf_put(dst, param.p, param.n);
	}
}

/* What stands behind the transport: of an answer the peer's own, but for what
 * libre took for its address. */
static void rest_of_answer(struct buf *dst, struct bytes rest,
			   const struct websocket_way *w)
{
	while (rest.n) {
		const uint8_t *next = memchr(rest.p + 1, ';', rest.n - 1);
		size_t n = next ? (size_t)(next - rest.p) : rest.n;

		param_put(dst, bytes_of(rest.p, n), w);
		rest = bytes_of(rest.p + n, rest.n - n);
	}
}

/* Of a request of ours: our address towards libre becomes that towards the
 * phone. */
static void rest_of_request(struct buf *dst, struct bytes rest,
			    const struct websocket_way *w)
{
	const uint8_t *params = memchr(rest.p, ';', rest.n);
	char text[64] = "";

	(void)re_snprintf(text, sizeof(text), " %J", &w->ours);
	buf_str(dst, text);
	if (params)
		put_from(dst, rest, params);
}

int websocket_message_out(struct buf *dst, const struct websocket_way *w,
			  struct bytes text)
{
	const struct head_field *via;
	struct bytes transport, rest;
	struct head h;

	if (head_read(&h, text))
		return -EBADMSG;
	via = head_field(&h, "Via", 0);
	if (!via || !via_transport(&transport, via->value))
		return -EBADMSG;
	put_until(dst, text, transport.p);
	rest.p = transport.p + transport.n;
	rest.n = via->value.n - (size_t)(rest.p - via->value.p);
	if (h.request) {
		buf_str(dst, w->secure ? "WSS" : "WS");
		rest_of_request(dst, rest, w);
	} else {
		if (*w->said)
			buf_str(dst, w->said);
		else
			buf_put(dst, transport.p, transport.n);
		rest_of_answer(dst, rest, w);
	}
	put_from(dst, text, rest.p + rest.n);
	return dst->bad ? -ENOMEM : 0;
}

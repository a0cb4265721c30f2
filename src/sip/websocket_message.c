#include "sip/websocket_message.h"

#include <errno.h>
#include <string.h>

#include "sip/head.h"
#include "sip/websocket.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Transport and host of the first Via: "SIP / 2.0 / WS host" has blanks
 * anywhere. */
static bool via_sender(struct bytes *sender, struct bytes via)
{
	struct rd r;
	size_t slashes = 0, n = 0;

	rd_init(&r, via.p, via.n);
	while (slashes < 2 && r.n)
		slashes += rd_u8(&r) == '/';
	while (r.n && is_blank(*r.p))
		rd_skip(&r, 1);
	while (n < r.n && r.p[n] != ';')
		n++;
	*sender = head_trim(rd_bytes(&r, n));
	for (size_t i = 0; i < sender->n; i++)
		if (sender->p[i] < ' ' || sender->p[i] == ',')
			return false;
	return sender->n && memchr(sender->p, ' ', sender->n);
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

/* libre would take the name for an address to connect to, should the
 * connection be gone when it answers: anybody's choice inside the machine. */
static int sender_in(struct buf *dst, struct websocket_way *w, bool request,
		     struct bytes sender)
{
	const uint8_t *blank = memchr(sender.p, ' ', sender.n);
	char text[64] = "";

	if (!request) { /* it is ours */
		buf_str(dst, "TCP");
		put_from(dst, sender, blank);
		return 0;
	}
	if (sender.n >= sizeof(w->said))
		return -EBADMSG;
	memcpy(w->said, sender.p, sender.n);
	w->said[sender.n] = '\0';
	(void)re_snprintf(text, sizeof(text), "TCP %J", &w->inner);
	buf_str(dst, text);
	return 0;
}

int websocket_message_in(struct buf *dst, struct websocket_way *w,
			 struct bytes text)
{
	const struct head_field *via;
	struct bytes sender;
	struct head h;
	size_t length;
	bool given;

	if (head_read(&h, text) || body_length(&h, &given, &length))
		return -EBADMSG;
	via = head_field(&h, "Via", 0);
	if (!via || !via_sender(&sender, via->value) || h.body.p - text.p < 4 ||
	    memcmp(h.body.p - 4, "\r\n\r\n", 4) != 0)
		return -EBADMSG;
	put_until(dst, text, sender.p);
	if (sender_in(dst, w, h.request, sender))
		return -EBADMSG;
	text.n -= (size_t)(sender.p + sender.n - text.p);
	text.p = sender.p + sender.n;
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

static bool param_is(struct bytes param, const char *name)
{
	size_t n = strlen(name);

	return param.n >= n && memcmp(param.p, name, n) == 0;
}

/* Of an answer: what libre took for the phone's address is put right. */
static void params_out(struct buf *dst, struct bytes rest,
		       const struct websocket_way *w)
{
	char received[80] = "";

	while (rest.n) {
		const uint8_t *next = memchr(rest.p + 1, ';', rest.n - 1);
		struct bytes param = bytes_of(
			rest.p, next ? (size_t)(next - rest.p) : rest.n);

		if (param_is(param, ";rport="))
			buf_printf(dst, ";rport=%u", sa_port(&w->real));
		else if (!param_is(param, ";received="))
			buf_put(dst, param.p, param.n);
		rest = bytes_of(param.p + param.n, rest.n - param.n);
	}
	/* RFC 3261 18.2.1 */
	(void)re_snprintf(received, sizeof(received), ";received=%j", &w->real);
	buf_str(dst, received);
}

int websocket_message_out(struct buf *dst, const struct websocket_way *w,
			  struct bytes text)
{
	const struct head_field *via;
	struct bytes sender, rest;
	char own[64] = "";
	struct head h;

	if (head_read(&h, text))
		return -EBADMSG;
	via = head_field(&h, "Via", 0);
	if (!via || !via_sender(&sender, via->value))
		return -EBADMSG;
	put_until(dst, text, sender.p);
	rest.p = sender.p + sender.n;
	rest.n = via->value.n - (size_t)(rest.p - via->value.p);
	if (h.request) {
		(void)re_snprintf(own, sizeof(own), "%s %J",
				  w->secure ? "WSS" : "WS", &w->ours);
		buf_str(dst, own);
		buf_put(dst, rest.p, rest.n);
	} else {
		buf_str(dst, w->said);
		params_out(dst, rest, w);
	}
	put_from(dst, text, rest.p + rest.n);
	return dst->bad ? -ENOMEM : 0;
}

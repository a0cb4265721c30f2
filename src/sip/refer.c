#include "sip/refer.h"

#include <errno.h>
#include <string.h>

#include "base/plant.h"
#include "sip/address.h"
#include "sip/head.h"

static struct bytes bytes_of_pl(const struct pl *pl)
{
	return bytes_of(pl->p, pl->l);
}

/* Up to the next separator, which is taken off, too. */
static struct bytes part_next(struct bytes *rest, char separator)
{
	const uint8_t *end =
		rest->n ? memchr(rest->p, separator, rest->n) : NULL;
	struct bytes part = *rest;

	if (!end) {
		rest->n = 0;
		return part;
	}
	part.n = (size_t)(end - rest->p);
	*rest = bytes_of(end + 1, rest->n - part.n - 1);
	return part;
}

/* A text that fits and may stand in a header of ours. */
static bool text_take(char *dst, size_t room, struct bytes text)
{
	if (text.n >= room ||
	    memchr(text.p ? text.p : (const uint8_t *)"", 0, text.n))
		return false;
	if (text.n)
		memcpy(dst, text.p, text.n);
	dst[text.n] = '\0';
	return address_header_safe(dst);
}

/* Percent escapes of a URI's header undone (RFC 3261 19.1.4). */
static bool unescape(char *dst, size_t room, struct bytes text)
{
	struct buf plain;
	bool good = true;

	buf_init(&plain);
	for (size_t i = 0; good && i < text.n; i++) {
		int high, low;

		if (text.p[i] != '%') {
			buf_u8(&plain, text.p[i]);
			continue;
		}
		high = text.n - i > 2 ? hex_digit(text.p[i + 1]) : -1;
		low = text.n - i > 2 ? hex_digit(text.p[i + 2]) : -1;
		good = high >= 0 && low >= 0;
		if (good)
			buf_u8(&plain, (uint8_t)(high << 4 | low));
		i += 2;
	}
	good = good && !plain.bad && text_take(dst, room, buf_bytes(&plain));
	buf_clear(&plain);
	return good;
}

/* "call-id;to-tag=..;from-tag=.."; RFC 3891 6.1: both tags, once each. */
static int replaces_parse(struct sip_replaces *r, struct bytes value)
{
	unsigned to = 0, from = 0;

	*r = (struct sip_replaces){0};
	r->call_id = head_trim(part_next(&value, ';'));
	while (value.n) {
		struct bytes text = part_next(&value, ';');
		struct bytes name = head_trim(part_next(&text, '='));

		text = head_trim(text);
		if (head_is(name, "to-tag")) {
			r->to_tag = text;
			to++;
		} else if (head_is(name, "from-tag")) {
			r->from_tag = text;
			from++;
		} else if (head_is(name, "early-only")) {
			r->early_only = true;
		}
	}
	PLANT_OVERFLOW(r->early_only && from == 2 && to == 1, r->call_id.p,
		       r->call_id.n);
	return r->call_id.n && to == 1 && from == 1 && r->to_tag.n &&
			       r->from_tag.n
		       ? 0
		       : -EBADMSG;
}

int replaces_read(struct sip_replaces *r, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REPLACES);

	if (!hdr)
		return -ENOENT;
	/* RFC 3891 3: "if more than one Replaces header field is present in an
	 * INVITE ... the UAS MUST reject the request with a 400". */
	if (sip_msg_hdr_count(msg, SIP_HDR_REPLACES) != 1)
		return -EBADMSG;
	return replaces_parse(r, bytes_of_pl(&hdr->val));
}

/* The headers that the new INVITE is asked to have: of these, Replaces. */
static int headers_read(struct sip_refer *r, struct bytes headers)
{
	struct sip_replaces replaces;

	while (headers.n) {
		struct bytes value = part_next(&headers, '&');
		struct bytes name = part_next(&value, '=');

		if (!head_is(name, "Replaces"))
			continue;
		if (*r->replaces ||
		    !unescape(r->replaces, sizeof(r->replaces), value) ||
		    replaces_parse(&replaces, bytes_str(r->replaces)))
			return 400;
	}
	return 0;
}

/* "sip:user@host;param;method=INVITE": the parameter "method" is not the
 * Request-URI's (RFC 3261 19.1.1). */
static int target_read(struct sip_refer *r, struct bytes uri)
{
	struct bytes base = part_next(&uri, ';');
	struct buf text;
	int code = 0;

	buf_init(&text);
	buf_put(&text, base.p, base.n);
	while (uri.n) {
		struct bytes param = part_next(&uri, ';'), value = param;
		struct bytes name = part_next(&value, '=');

		if (!head_is(name, "method")) {
			buf_u8(&text, ';');
			buf_put(&text, param.p, param.n);
		} else if (!head_is(value, "INVITE")) {
			code = 603;
		}
	}
	if (!code &&
	    (text.bad ||
	     !text_take(r->target, sizeof(r->target), buf_bytes(&text)) ||
	     strpbrk(r->target, " <>\"")))
		code = 400;
	buf_clear(&text);
	return code;
}

int refer_read(struct sip_refer *r, const struct sip_msg *msg)
{
	const struct sip_hdr *to = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
	const struct sip_hdr *by = sip_msg_hdr(msg, SIP_HDR_REFERRED_BY);
	const struct sip_hdr *sub = sip_msg_hdr(msg, SIP_HDR_REFER_SUB);
	struct sip_addr addr;
	struct bytes uri;
	int code;

	*r = (struct sip_refer){0};
	/* RFC 3515 2.4.2: with "zero (or more than one) Refer-To header field
	 * values" it is answered with a 400. */
	if (!to || sip_msg_hdr_count(msg, SIP_HDR_REFER_TO) != 1 ||
	    !address_valid(bytes_of_pl(&to->val)))
		return 400;
	/* Of other schemes libre reads none. */
	if (sip_addr_decode(&addr, &to->val) ||
	    (pl_strcasecmp(&addr.uri.scheme, "sip") &&
	     pl_strcasecmp(&addr.uri.scheme, "sips")))
		return 416;
	if (!pl_isset(&addr.uri.host))
		return 400;
	uri = bytes_of_pl(&addr.auri);
	if (addr.uri.headers.l) {
		uri.n = (size_t)(addr.uri.headers.p - addr.auri.p);
		code = headers_read(r, bytes_of(addr.uri.headers.p + 1,
						addr.uri.headers.l - 1));
		if (code)
			return code;
	}
	code = target_read(r, uri);
	if (code)
		return code;
	if (by && !text_take(r->referred_by, sizeof(r->referred_by),
			     bytes_of_pl(&by->val)))
		*r->referred_by = '\0';
	r->quiet = sub && !pl_strcasecmp(&sub->val, "false");
	return 0;
}

bool refer_event_read(const struct sip_msg *msg, uint32_t *id, bool *with_id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_EVENT);
	struct bytes rest;
	uint64_t n;

	*with_id = false;
	if (!hdr)
		return false;
	rest = bytes_of_pl(&hdr->val);
	if (!head_is(head_trim(part_next(&rest, ';')), "refer"))
		return false;
	while (rest.n) {
		struct bytes value = part_next(&rest, ';');

		if (!head_is(head_trim(part_next(&value, '=')), "id"))
			continue;
		if (!head_number(head_trim(value), UINT32_MAX, &n))
			return false;
		*id = (uint32_t)n;
		*with_id = true;
	}
	return true;
}

#include "sip/sanity.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sip/address.h"

/* RFC 3261 8.1.1.5: a sequence number is less than 2**31. */
#define CSEQ_MAX 0x7fffffffULL
/* RFC 3261 20.22 */
#define MAX_FORWARDS_MAX 255

static const char *const supported_methods[] = {
	"INVITE",
	"ACK",
	"CANCEL",
	"BYE",
	"OPTIONS",
	"INFO",
	"UPDATE",
	"PRACK",
	"REGISTER",
	/* Within a dialog, where a trunk allows them. */
	"REFER",
	"SUBSCRIBE",
};
/* Known to us, never allowed: 405, not 501 (RFC 3261 21.4.6, 21.5.2). */
static const char *const known_methods[] = {
	"NOTIFY",
	"PUBLISH",
	"MESSAGE",
};

static bool listed(struct bytes b, const char *const *list, size_t n)
{
	/* RFC 3261 7.1: methods are case-sensitive. */
	for (size_t i = 0; i < n; i++)
		if (bytes_equal(b, bytes_str(list[i])))
			return true;
	return false;
}

static bool refuse(struct sanity *v, unsigned code, const char *reason,
		   const char *kind)
{
	v->verdict = SANITY_REFUSE;
	v->code = code;
	v->reason = reason;
	v->kind = kind;
	return false;
}

static bool drop(struct sanity *v, const char *kind)
{
	v->verdict = SANITY_DROP;
	v->kind = kind;
	return false;
}

static struct pl pl_of(struct bytes b)
{
	struct pl pl = {.p = (const char *)b.p, .l = b.n};

	return pl;
}

static struct bytes field_value(const struct head *h, const char *name)
{
	const struct head_field *f = head_field(h, name, 0);

	return f ? f->value : bytes_of(NULL, 0);
}

static struct bytes via_top(const struct head *h)
{
	struct bytes value = field_value(h, "Via");

	return address_next(&value);
}

/* -- single fields: true when in order ------------------------------------- */

static bool cseq_check(const struct head *h, bool *number_bad)
{
	struct bytes value = field_value(h, "CSeq"), number = value, method;
	uint64_t n;

	for (size_t i = 0; i < value.n; i++) {
		if (!strchr(" \t\r\n", value.p[i]) || !value.p[i])
			continue;
		number.n = i;
		break;
	}
	*number_bad = !head_number(number, CSEQ_MAX, &n);
	method = head_trim(bytes_of(value.p + number.n, value.n - number.n));
	return !*number_bad && head_is_token(method) &&
	       (!h->request || bytes_equal(method, h->method));
}

/* Valid by the grammar, and by the decoder that comes after us. */
static bool party_check(const struct head *h, const char *name)
{
	struct bytes value = field_value(h, name);
	struct pl pl = pl_of(value);
	struct sip_addr addr;

	return address_valid(value) && !sip_addr_decode(&addr, &pl);
}

static bool contacts_check(const struct head *h)
{
	const struct head_field *f;

	for (size_t i = 0; (f = head_field(h, "Contact", i)); i++) {
		struct bytes rest = f->value;

		if (head_is(rest, "*"))
			continue;
		do {
			struct bytes one = address_next(&rest);

			if (!address_valid(one))
				return false;
		} while (rest.n);
	}
	return true;
}

static bool via_branch(struct bytes via, struct pl *branch)
{
	struct pl params = pl_of(via);

	return !msg_param_decode(&params, "branch", branch);
}

/* All of them, with parameters that are some. */
static bool vias_check(const struct head *h)
{
	const struct head_field *f;

	for (size_t i = 0; (f = head_field(h, "Via", i)); i++) {
		struct bytes rest = f->value;

		do {
			struct bytes one = address_next(&rest);
			const uint8_t *semicolon =
				one.n ? memchr(one.p, ';', one.n) : NULL;
			size_t at =
				semicolon ? (size_t)(semicolon - one.p) : one.n;

			if (!at || !address_params_valid(
					   bytes_of(one.p + at, one.n - at)))
				return false;
		} while (rest.n);
	}
	return true;
}

static bool via_check(const struct head *h)
{
	struct bytes top = via_top(h);
	struct pl pl = pl_of(top);
	struct sip_via via = {.tp = SIP_TRANSP_NONE};

	if (!top.n)
		return false;
	/* Only the missing branch may be the fault. */
	if (sip_via_decode(&via, &pl) && !pl_isset(&via.val))
		return false;
	return via.tp != SIP_TRANSP_NONE && vias_check(h);
}

static bool length_check(const struct head *h, struct sanity *v)
{
	struct bytes value = field_value(h, "Content-Length");
	uint64_t n;

	if (!head_count(h, "Content-Length"))
		return true;
	if (head_count(h, "Content-Length") > 1)
		return refuse(v, 400, "Multiple Content-Length",
			      "several lengths");
	if (!head_number(value, UINT32_MAX, &n))
		return refuse(v, 400, "Bad Content-Length", "bad length");
	if (n > SANITY_MESSAGE_MAX)
		return refuse(v, 413, "Request Entity Too Large",
			      "body too large");
	if (n > h->body.n)
		return refuse(v, 400, "Content-Length Too Large",
			      "length beyond the message");
	return true;
}

static bool forwards_check(const struct head *h, struct sanity *v)
{
	struct bytes value = field_value(h, "Max-Forwards");
	uint64_t n;

	if (!head_count(h, "Max-Forwards"))
		return true;
	if (head_count(h, "Max-Forwards") > 1 ||
	    !head_number(value, MAX_FORWARDS_MAX, &n))
		return refuse(v, 400, "Bad Max-Forwards", "bad hop count");
	/* RFC 4475 3.3.11: zero stops a proxy. "An endpoint should process the
	 * request as if the Max-Forwards field value were still positive." */
	return true;
}

static bool method_known(const struct head *h)
{
	return listed(h->method, supported_methods,
		      ARRAY_SIZE(supported_methods)) ||
	       listed(h->method, known_methods, ARRAY_SIZE(known_methods));
}

/* -- requests -------------------------------------------------------------- */

/* RFC 3261 8.1.1: these six make a request, each exactly once but for Via. */
static bool mandatory_check(const struct head *h, struct sanity *v)
{
	static const struct {
		const char *name, *missing, *several;
	} fields[] = {
		{"Call-ID", "Missing Call-ID", "Multiple Call-ID"},
		{"From", "Missing From", "Multiple From"},
		{"To", "Missing To", "Multiple To"},
		{"CSeq", "Missing CSeq", "Multiple CSeq"},
	};

	if (!head_count(h, "Via"))
		return drop(v, "no Via");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t n = head_count(h, fields[i].name);

		if (n == 0 || !field_value(h, fields[i].name).n)
			return refuse(v, 400, fields[i].missing,
				      "missing header");
		if (n > 1)
			return refuse(v, 400, fields[i].several,
				      "repeated header");
	}
	return true;
}

static bool syntax_check(const struct head *h, struct sanity *v)
{
	struct bytes type = field_value(h, "Content-Type");
	struct pl pl = pl_of(type);
	struct msg_ctype ctype;
	struct pl branch;
	bool number_bad;

	if (!via_check(h))
		return refuse(v, 400, "Bad Via", "bad Via");
	/* RFC 4475 3.2.1: the mark of RFC 3261 and no identifier. Taken as
	 * one, different requests would be the same transaction. */
	if (via_branch(via_top(h), &branch) &&
	    !pl_strcasecmp(&branch, "z9hG4bK"))
		return refuse(v, 400, "Bad Via Branch", "bad Via");
	if (!cseq_check(h, &number_bad) && number_bad)
		return refuse(v, 400, "Bad CSeq", "bad CSeq");
	/* RFC 4475 3.1.2.18: of a method nobody knows, 501 says more. */
	if (!cseq_check(h, &number_bad) && method_known(h))
		return refuse(v, 400, "CSeq Method Mismatch",
			      "CSeq of another method");
	if (!party_check(h, "From"))
		return refuse(v, 400, "Bad From", "bad From");
	if (!party_check(h, "To"))
		return refuse(v, 400, "Bad To", "bad To");
	if (!contacts_check(h))
		return refuse(v, 400, "Bad Contact", "bad Contact");
	if (type.p && msg_ctype_decode(&ctype, &pl))
		return refuse(v, 400, "Bad Content-Type", "bad Content-Type");
	return length_check(h, v) && forwards_check(h, v);
}

static bool uri_check(const struct head *h, struct sanity *v)
{
	const uint8_t *colon = memchr(h->uri.p, ':', h->uri.n);
	struct pl pl = pl_of(h->uri);
	const uint8_t *at = memchr(h->uri.p, '@', h->uri.n);
	struct bytes scheme, behind;
	struct uri uri;

	/* RFC 3261 19.1.1: no headers here; a user may have a "?". */
	behind = at ? bytes_of(at, (size_t)(h->uri.p + h->uri.n - at)) : h->uri;
	if (h->spaced || memchr(h->uri.p, '<', h->uri.n) ||
	    memchr(h->uri.p, '"', h->uri.n) || !colon)
		return refuse(v, 400, "Bad Request-URI", "bad Request-URI");
	scheme = bytes_of(h->uri.p, (size_t)(colon - h->uri.p));
	/* RFC 3966: a number to call. */
	if (!head_is(scheme, "sip") && !head_is(scheme, "sips") &&
	    !(head_is(scheme, "tel") && head_is(h->method, "INVITE")))
		return refuse(v, 416, "Unsupported URI Scheme",
			      "unsupported URI scheme");
	if (memchr(behind.p, '?', behind.n) || uri_decode(&uri, &pl) ||
	    !pl_isset(&uri.host))
		return refuse(v, 400, "Bad Request-URI", "bad Request-URI");
	return true;
}

static bool method_check(const struct head *h, struct sanity *v)
{
	if (listed(h->method, supported_methods, ARRAY_SIZE(supported_methods)))
		return true;
	snprintf(v->extra, sizeof(v->extra), "Allow: %s\r\n", SANITY_ALLOW);
	if (method_known(h))
		return refuse(v, 405, "Method Not Allowed", "method refused");
	return refuse(v, 501, "Not Implemented", "unknown method");
}

static bool is_supported(struct bytes option)
{
	struct bytes rest =
		bytes_str(SANITY_SUPPORTED ", " SANITY_SUPPORTED_TRANSFER);

	while (rest.n) {
		struct bytes one = address_next(&rest);

		if (one.n == option.n &&
		    strncasecmp((const char *)one.p, (const char *)option.p,
				one.n) == 0)
			return true;
	}
	return false;
}

static void unsupported_write(struct buf *names, struct bytes list)
{
	while (list.n) {
		struct bytes one = address_next(&list);

		if (!one.n || is_supported(one))
			continue;
		if (names->n)
			buf_str(names, ", ");
		head_value(names, one);
	}
}

/* RFC 3261 8.2.2.3: options we do not know are named in Unsupported. */
static bool require_check(const struct head *h, struct sanity *v)
{
	const struct head_field *f;
	struct buf names;
	bool all;

	if (head_is(h->method, "ACK") || head_is(h->method, "CANCEL"))
		return true;
	buf_init(&names);
	for (size_t i = 0; (f = head_field(h, "Require", i)); i++)
		unsupported_write(&names, f->value);
	all = !names.n;
	if (!all)
		snprintf(v->extra, sizeof(v->extra), "Unsupported: %.200s\r\n",
			 buf_cstr(&names));
	buf_clear(&names);
	return all || refuse(v, 420, "Bad Extension", "unsupported extension");
}

static void request_check(struct sanity *v, const struct head *h)
{
	struct pl branch;

	if (!mandatory_check(h, v))
		return;
	if (!bytes_equal(h->version, bytes_str("SIP/2.0"))) {
		(void)refuse(v, 505, "Version Not Supported",
			     "unsupported version");
		return;
	}
	if (!syntax_check(h, v) || !uri_check(h, v) || !method_check(h, v) ||
	    !require_check(h, v))
		return;
	v->verdict =
		via_branch(via_top(h), &branch) ? SANITY_PASS : SANITY_BRANCH;
}

static void response_check(struct sanity *v, const struct head *h)
{
	struct sanity unused;
	bool number_bad;
	uint64_t code;

	if (!bytes_equal(h->version, bytes_str("SIP/2.0")))
		(void)drop(v, "response of another version");
	else if (h->code.n != 3 || !head_number(h->code, 699, &code) ||
		 code < 100)
		(void)drop(v, "response with a bad code");
	else if (!mandatory_check(h, &unused) || !via_check(h))
		(void)drop(v, "response without its headers");
	else if (!cseq_check(h, &number_bad) || !party_check(h, "From") ||
		 !party_check(h, "To") || !contacts_check(h))
		(void)drop(v, "response with a bad header");
	else if (!length_check(h, &unused))
		(void)drop(v, "response with a bad length");
	else
		v->verdict = SANITY_PASS;
}

static bool is_keepalive(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n' && text.p[i] != 0)
			return false;
	return true;
}

void sanity_check(struct sanity *v, struct head *h, struct bytes text)
{
	int err;

	*v = (struct sanity){.verdict = SANITY_PASS};
	if (is_keepalive(text)) {
		*h = (struct head){0};
		v->verdict = SANITY_IGNORE;
		return;
	}
	err = head_read(h, text);
	if (err == -E2BIG || text.n > SANITY_MESSAGE_MAX) {
		if (h->request)
			(void)refuse(v, 513, "Message Too Large",
				     "message too large");
		else
			(void)drop(v, "message too large");
		return;
	}
	if (err && h->request && h->fields_n)
		(void)refuse(v, 400, "Bad Request", "malformed head");
	else if (err)
		(void)drop(v, "not SIP");
	else if (h->request)
		request_check(v, h);
	else
		response_check(v, h);
}

/* -- our own answer -------------------------------------------------------- */

static void via_write(struct buf *out, const struct head *h,
		      const struct sa *source)
{
	const struct head_field *f;
	char host[64] = "";

	(void)re_snprintf(host, sizeof(host), "%j", source);
	for (size_t i = 0; (f = head_field(h, "Via", i)); i++) {
		struct bytes rest = f->value, top;

		buf_str(out, "Via: ");
		if (i == 0) {
			top = address_next(&rest);
			head_value(out, top);
			rest = head_trim(rest);
			/* RFC 3261 18.2.1 */
			buf_printf(out, ";received=%s", host);
			if (rest.n)
				buf_str(out, ", ");
		}
		head_value(out, rest);
		buf_str(out, "\r\n");
	}
}

int sanity_answer(struct buf *out, const struct head *h, const struct sanity *v,
		  const struct sa *source, const char *software, uint64_t tag)
{
	static const char *const echoed[] = {"From", "To", "Call-ID", "CSeq"};

	if (!h->request || head_is(h->method, "ACK") || !via_top(h).n)
		return -EINVAL;
	buf_printf(out, "SIP/2.0 %u %s\r\n", v->code, v->reason);
	via_write(out, h, source);
	for (size_t i = 0; i < ARRAY_SIZE(echoed); i++) {
		struct bytes value = field_value(h, echoed[i]);
		struct pl pl = pl_of(value), found;

		if (!value.n)
			continue;
		buf_printf(out, "%s: ", echoed[i]);
		head_value(out, value);
		if (i == 1 && msg_param_decode(&pl, "tag", &found))
			buf_printf(out, ";tag=%016" PRIx64, tag);
		buf_str(out, "\r\n");
	}
	if (software)
		buf_printf(out, "Server: %s\r\n", software);
	buf_printf(out, "%sContent-Length: 0\r\n\r\n", v->extra);
	return out->bad ? -ENOMEM : 0;
}

/* -- branchless requests --------------------------------------------------- */

static uint64_t hash_more(uint64_t hash, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		hash = (hash ^ b.p[i]) * 0x100000001b3ULL; /* FNV-1a */
	return (hash ^ 0xff) * 0x100000001b3ULL;
}

void sanity_branch(struct buf *out, const struct head *h, struct bytes text)
{
	struct bytes top = via_top(h), cseq = field_value(h, "CSeq");
	uint64_t hash = 0xcbf29ce484222325ULL;
	struct pl from = pl_of(field_value(h, "From")), tag;
	size_t at = (size_t)(top.p + top.n - text.p), digits = 0;

	while (digits < cseq.n && cseq.p[digits] >= '0' &&
	       cseq.p[digits] <= '9')
		digits++;
	/* RFC 3261 17.2.3: Request-URI, From tag, Call-ID, CSeq number and top
	 * Via; neither method nor To tag, so that ACK and CANCEL match. */
	hash = hash_more(hash, h->uri);
	if (!msg_param_decode(&from, "tag", &tag))
		hash = hash_more(hash, bytes_of(tag.p, tag.l));
	hash = hash_more(hash, field_value(h, "Call-ID"));
	hash = hash_more(hash, bytes_of(cseq.p, digits));
	hash = hash_more(hash, top);
	buf_put(out, text.p, at);
	buf_printf(out, ";branch=z9hG4bK-2543-%016" PRIx64, hash);
	buf_put(out, text.p + at, text.n - at);
}

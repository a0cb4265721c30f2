/* Who calls, beside From: P-Asserted-Identity (RFC 3325), Diversion (RFC 5806),
 * History-Info (RFC 7044), Privacy (RFC 3323). */
#include "sip/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sip/address.h"

/* "tel:+999-123;phone-context=..." is decoded with the number as its host. */
char *session_user_copy(const struct uri *uri)
{
	const struct pl *user = &uri->user;
	char text[256], *to = text;

	if (pl_strcasecmp(&uri->scheme, "tel") == 0)
		user = &uri->host;
	address_read_user(text, sizeof(text), bytes_of(user->p, user->l));
	if (user == &uri->user)
		return strdup(text);
	/* RFC 3966 3: visual separators mean nothing. */
	for (const char *from = text; *from && *from != ';'; from++)
		if (!strchr("-.()", *from))
			*to++ = *from;
	*to = '\0';
	return strdup(text);
}

char *session_name_copy(const struct pl *name)
{
	struct buf text;
	char *copy;

	buf_init(&text);
	for (size_t i = 0; i < name->l; i++) {
		if (name->p[i] == '\\' && i + 1 < name->l)
			i++;
		else if (name->p[i] == '"')
			continue;
		if ((uint8_t)name->p[i] >= ' ' && name->p[i] != 0x7f)
			buf_u8(&text, (uint8_t)name->p[i]);
	}
	while (text.n && text.p[text.n - 1] == ' ')
		text.n--;
	copy = strdup(buf_cstr(&text));
	buf_clear(&text);
	return copy;
}

/* The first address of a list in one header's value. */
static bool first_address(struct sip_addr *addr, const struct sip_hdr *hdr)
{
	struct bytes rest, one;
	struct pl pl;

	if (!hdr)
		return false;
	rest = bytes_of(hdr->val.p, hdr->val.l);
	one = address_next(&rest);
	pl.p = (const char *)one.p;
	pl.l = one.n;
	return one.n && !sip_addr_decode(addr, &pl);
}

static int asserted_read(struct sip_session *s, const struct sip_msg *msg)
{
	static const struct pl none = {"", 0};
	struct sip_addr addr;

	if (!first_address(&addr,
			   sip_msg_hdr(msg, SIP_HDR_P_ASSERTED_IDENTITY)))
		return 0;
	s->asserted_user = session_user_copy(&addr.uri);
	s->asserted_name =
		session_name_copy(addr.dname.p ? &addr.dname : &none);
	return s->asserted_user && s->asserted_name ? 0 : -ENOMEM;
}

/* RFC 5806 4: the last diversion stands on top. In History-Info the entry
 * before the last is the one that diverted (RFC 7044 5). */
static int diversion_read(struct sip_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, "Diversion");
	struct pl reason = {"", 0};
	struct sip_addr addr;

	if (first_address(&addr, hdr)) {
		(void)msg_param_decode(&addr.params, "reason", &reason);
	} else {
		if (sip_msg_hdr_count(msg, SIP_HDR_HISTORY_INFO) < 2 ||
		    !first_address(&addr,
				   sip_msg_hdr(msg, SIP_HDR_HISTORY_INFO)))
			return 0;
	}
	s->diverted_user = session_user_copy(&addr.uri);
	s->diverted_reason = session_name_copy(&reason);
	return s->diverted_user && s->diverted_reason ? 0 : -ENOMEM;
}

/* RFC 3323 4.2: values are separated by semicolons. RFC 3325 9.3: "id". */
static bool privacy_read(const struct sip_msg *msg)
{
	static const char *const words[] = {"id", "user", "header"};
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_PRIVACY);
	struct bytes value, word;
	const uint8_t *end;

	if (pl_strcasecmp(&msg->from.uri.host, "anonymous.invalid") == 0)
		return true;
	if (!hdr)
		return false;
	value = bytes_of(hdr->val.p, hdr->val.l);
	while (value.n) {
		end = memchr(value.p, ';', value.n);
		word = bytes_of(value.p,
				end ? (size_t)(end - value.p) : value.n);
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (head_is(head_trim(word), words[i]))
				return true;
		value = end ? bytes_of(end + 1, value.n - word.n - 1)
			    : bytes_of(NULL, 0);
	}
	return false;
}

int session_identity_read(struct sip_session *s, const struct sip_msg *msg)
{
	int err = asserted_read(s, msg);

	s->private = privacy_read(msg);
	return err ? err : diversion_read(s, msg);
}

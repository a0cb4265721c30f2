/* [trunk NAME] (behaviour 3.4 to 3.9). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/network.h"
#include "media/codec.h"
#include "route/caller.h"
#include "settings_internal.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* -- what every kind has ------------------------------------------------------
 */

static bool session_known(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->sessions_n; i++)
		if (strcmp(s->sessions[i], name) == 0)
			return true;
	return false;
}

static int read_codecs(struct manager_trunk *t, struct config_section *x,
		       struct config_error *err)
{
	const char *list = config_value(x, "codecs", 0);
	char item[16];

	if (!list || !*list)
		list = "opus,alaw,mulaw";
	while (settings_next_item(&list, item, sizeof(item))) {
		if (!media_codec_by_setting(item))
			return config_fail(x, "codecs", 0, err,
					   "codec %s is not in this build",
					   item);
		if (t->codecs_n < sizeof(t->codecs) / sizeof(*t->codecs))
			memcpy(t->codecs[t->codecs_n++], item, sizeof(item));
	}
	if (!t->codecs_n)
		return config_fail(x, "codecs", 0, err, "no codec given");
	return 0;
}

static int read_rules(struct manager_trunk *t, struct config_section *x,
		      struct config_error *err)
{
	char preset[16] = "";
	const char *why;
	int fail = config_text(x, "preset", preset, sizeof(preset), err);

	snprintf(t->caller_phone, sizeof(t->caller_phone), "%s",
		 ROUTE_CALLER_PHONE_DEFAULT);
	snprintf(t->caller_name, sizeof(t->caller_name), "%s",
		 ROUTE_CALLER_NAME_DEFAULT);
	if (!fail && strcmp(preset, "tg2sip") == 0)
		snprintf(t->caller_phone, sizeof(t->caller_phone), "%s",
			 ROUTE_CALLER_PHONE_TG2SIP);
	else if (!fail && *preset)
		fail = config_fail(x, "preset", 0, err,
				   "the only preset is tg2sip");
	if (!fail)
		fail = config_text(x, "caller_phone", t->caller_phone,
				   sizeof(t->caller_phone), err);
	if (!fail && route_caller_check(t->caller_phone, &why))
		fail = config_fail(x, "caller_phone", 0, err, "%s", why);
	if (!fail)
		fail = config_text(x, "caller_name", t->caller_name,
				   sizeof(t->caller_name), err);
	if (!fail && route_caller_check(t->caller_name, &why))
		fail = config_fail(x, "caller_name", 0, err, "%s", why);
	return fail;
}

static int read_session(const struct settings *s, struct manager_trunk *t,
			struct config_section *x, struct config_error *err)
{
	int fail = settings_require_text(x, "session", err);

	if (!fail)
		fail = config_text(x, "session", t->session, sizeof(t->session),
				   err);
	if (!fail && !session_known(s, t->session))
		fail = config_fail(x, "session", 0, err,
				   "there is no [session %s]", t->session);
	return fail;
}

static int read_priority(struct manager_trunk *t, struct config_section *x,
			 struct config_error *err)
{
	uint64_t priority = 0;
	int fail = config_uint(x, "priority", 0, 1000, &priority, err);

	t->priority = (unsigned)priority;
	return fail;
}

/* -- what some kinds have -----------------------------------------------------
 */

static int read_credentials(struct manager_trunk *t, struct config_section *x,
			    struct config_error *err)
{
	int fail = settings_require_text(x, "login", err);

	if (!fail)
		fail = settings_require_text(x, "password", err);
	if (!fail)
		fail = config_text(x, "login", t->login, sizeof(t->login), err);
	if (!fail)
		fail = config_text(x, "password", t->password,
				   sizeof(t->password), err);
	return fail;
}

static int read_transport(struct manager_trunk *t, struct config_section *x,
			  struct config_error *err)
{
	int fail;

	snprintf(t->transport, sizeof(t->transport), "udp");
	fail = config_text(x, "transport", t->transport, sizeof(t->transport),
			   err);
	if (!fail && strcmp(t->transport, "udp") != 0 &&
	    strcmp(t->transport, "tcp") != 0)
		fail = config_fail(x, "transport", 0, err,
				   "transport is udp or tcp");
	return fail;
}

/* Goes into a Request-URI as it stands. */
static int read_number(struct manager_trunk *t, struct config_section *x,
		       struct config_error *err)
{
	int fail = settings_require_text(x, "number", err);

	if (!fail)
		fail = config_text(x, "number", t->number, sizeof(t->number),
				   err);
	if (!fail &&
	    strspn(t->number, DIGITS LETTERS "+*_.-") != strlen(t->number))
		fail = config_fail(x, "number", 0, err,
				   "number has digits, letters, + * _ . - "
				   "only");
	return fail;
}

/* -- kinds --------------------------------------------------------------------
 */

static int read_trusted(struct manager_trunk *t, struct config_section *x,
			struct config_error *err)
{
	const char *list = config_value(x, "trusted_ips", 0);
	struct network network;
	char item[48];

	while (list && settings_next_item(&list, item, sizeof(item))) {
		if (network_read(&network, item))
			return config_fail(x, "trusted_ips", 0, err,
					   "%s is no address and no network",
					   item);
		if (t->trusted_n == MANAGER_TRUSTED_MAX)
			return config_fail(x, "trusted_ips", 0, err,
					   "more than %d networks",
					   MANAGER_TRUSTED_MAX);
		memcpy(t->trusted[t->trusted_n++], item, sizeof(item));
	}
	return 0;
}

static int read_pbx_to_gateway(const struct settings *s,
			       struct manager_trunk *t,
			       struct config_section *x,
			       struct config_error *err)
{
	int fail = read_credentials(t, x, err);

	if (!fail)
		fail = read_trusted(t, x, err);
	for (size_t i = 0; i < s->trunks_n && !fail; i++)
		if (strcmp(s->trunks[i].kind, t->kind) == 0 &&
		    strcmp(s->trunks[i].login, t->login) == 0)
			fail = config_fail(x, "login", 0, err,
					   "login %s is used twice", t->login);
	return fail;
}

/* "host", "host:port", "[2001:db8::1]:5060". */
static bool is_host_port(const char *text)
{
	const char *bracket = strchr(text, ']');
	const char *colon = strchr(bracket ? bracket : text, ':');
	size_t digits = colon ? strspn(colon + 1, DIGITS) : 1;

	return *text && colon != text && digits && digits <= 5 &&
	       (!colon || !colon[1 + digits]) &&
	       strspn(text, DIGITS LETTERS ".-_:[]") == strlen(text);
}

static int read_host(struct config_section *x, const char *key, char *dst,
		     size_t room, struct config_error *err)
{
	int fail = config_text(x, key, dst, room, err);

	if (!fail && *dst && !is_host_port(dst))
		fail = config_fail(x, key, 0, err, "%s is HOST or HOST:PORT",
				   key);
	return fail;
}

static int read_gateway_to_pbx(struct manager_trunk *t,
			       struct config_section *x,
			       struct config_error *err)
{
	int fail = read_credentials(t, x, err);

	if (!fail)
		fail = settings_require_text(x, "domain", err);
	if (!fail)
		fail = read_host(x, "domain", t->domain, sizeof(t->domain),
				 err);
	if (!fail)
		fail = read_host(x, "proxy", t->proxy, sizeof(t->proxy), err);
	if (!fail)
		fail = read_number(t, x, err);
	if (!fail)
		fail = read_transport(t, x, err);
	return fail;
}

/* Headers that make the message what it is cannot be told apart by. */
static bool header_free(const char *name)
{
	static const char *const taken[] = {"via",
					    "from",
					    "to",
					    "call-id",
					    "cseq",
					    "contact",
					    "route",
					    "record-route",
					    "content-type",
					    "content-length",
					    "max-forwards",
					    "v",
					    "f",
					    "t",
					    "i",
					    "m",
					    "c",
					    "l"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (strcasecmp(taken[i], name) == 0)
			return false;
	return true;
}

/* Behaviour 3.12: "Name: value". */
static int read_field(struct manager_trunk *t, struct config_section *x,
		      struct config_error *err)
{
	char text[200] = "", *colon;
	int fail = config_text(x, "field", text, sizeof(text), err);

	if (fail || !*text)
		return fail;
	colon = strchr(text, ':');
	if (!colon || colon == text ||
	    (size_t)(colon - text) >= sizeof(t->field_name) ||
	    strspn(text, DIGITS LETTERS "-_") != (size_t)(colon - text))
		return config_fail(x, "field", 0, err,
				   "field is NAME: VALUE, as in a SIP header");
	*colon++ = '\0';
	colon += strspn(colon, " \t");
	if (!*colon || strlen(colon) >= sizeof(t->field_value) ||
	    !header_free(text))
		return config_fail(x, "field", 0, err,
				   "field needs a value and a name of its own, "
				   "X-Office for example");
	snprintf(t->field_name, sizeof(t->field_name), "%.*s",
		 (int)sizeof(t->field_name) - 1, text);
	snprintf(t->field_value, sizeof(t->field_value), "%.*s",
		 (int)sizeof(t->field_value) - 1, colon);
	return 0;
}

static int read_address(struct manager_trunk *t, struct config_section *x,
			struct config_error *err)
{
	struct sa sa;
	int fail = settings_require_text(x, "address", err);

	if (!fail)
		fail = config_text(x, "address", t->address, sizeof(t->address),
				   err);
	if (!fail && sa_decode(&sa, t->address, strlen(t->address)) &&
	    sa_set_str(&sa, t->address, 0))
		fail = config_fail(x, "address", 0, err,
				   "address is ADDRESS or ADDRESS:PORT, with a "
				   "literal address");
	if (fail)
		return fail;
	if (!sa_port(&sa))
		sa_set_port(&sa, SIP_PORT);
	(void)re_snprintf(t->address, sizeof(t->address), "%J", &sa);
	return 0;
}

static int read_ip(const struct settings *s, struct manager_trunk *t,
		   struct config_section *x, struct config_error *err)
{
	int fail = read_address(t, x, err);

	if (!fail)
		fail = read_field(t, x, err);
	if (!fail)
		fail = read_number(t, x, err);
	if (!fail)
		fail = read_transport(t, x, err);
	for (size_t i = 0; i < s->trunks_n && !fail; i++) {
		const struct manager_trunk *o = &s->trunks[i];

		if (strcmp(o->kind, t->kind) == 0 &&
		    strcmp(o->address, t->address) == 0 &&
		    strcasecmp(o->field_name, t->field_name) == 0 &&
		    strcmp(o->field_value, t->field_value) == 0)
			fail = config_fail(
				x, "address", 0, err,
				"trunk %s has this address and field "
				"already: give each a field of its "
				"own",
				o->name);
	}
	return fail;
}

static int read_kind(const struct settings *s, struct manager_trunk *t,
		     struct config_section *x, struct config_error *err)
{
	int fail;

	snprintf(t->kind, sizeof(t->kind), "pbx-to-gateway");
	fail = config_text(x, "kind", t->kind, sizeof(t->kind), err);
	if (fail)
		return fail;
	if (strcmp(t->kind, "pbx-to-gateway") == 0)
		return read_pbx_to_gateway(s, t, x, err);
	if (strcmp(t->kind, "gateway-to-pbx") == 0)
		return read_gateway_to_pbx(t, x, err);
	if (strcmp(t->kind, "ip") == 0)
		return read_ip(s, t, x, err);
	return config_fail(x, "kind", 0, err,
			   "kind is pbx-to-gateway, gateway-to-pbx or ip");
}

static int read_trunk(const struct settings *s, struct manager_trunk *t,
		      struct config_section *x, struct config_error *err)
{
	int fail;

	if (!*x->name || strlen(x->name) >= sizeof(t->name))
		return config_fail(x, NULL, 0, err,
				   "a trunk needs a name of at most 63 "
				   "characters");
	memcpy(t->name, x->name, strlen(x->name) + 1);
	fail = read_session(s, t, x, err);
	if (!fail)
		fail = read_kind(s, t, x, err);
	if (!fail)
		fail = read_priority(t, x, err);
	if (!fail)
		fail = read_codecs(t, x, err);
	if (!fail)
		fail = read_rules(t, x, err);
	return fail;
}

int settings_trunks_read(struct settings *s, struct config *c,
			 struct config_error *err)
{
	struct config_section *x;
	size_t n = 0;

	while (config_section(c, "trunk", n))
		n++;
	s->trunks = calloc(n + 1, sizeof(*s->trunks));
	if (!s->trunks)
		return -ENOMEM;
	for (size_t i = 0; (x = config_section(c, "trunk", i)); i++) {
		int fail = read_trunk(s, &s->trunks[s->trunks_n], x, err);

		if (fail)
			return fail;
		s->trunks_n++;
	}
	return 0;
}

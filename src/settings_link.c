#include "settings_link.h"

#include <string.h>

#include "base/re.h"

struct word {
	const char *text;
	int value;
};

static const struct word transports[] = {
	{"intermediate", MTP_TRANSPORT_INTERMEDIATE},
	{"padded", MTP_TRANSPORT_PADDED},
	{"abridged", MTP_TRANSPORT_ABRIDGED},
	{"full", MTP_TRANSPORT_FULL},
	{NULL, 0},
};
static const struct word ips[] = {
	{"4", TG_IP_PREFER_4},
	{"6", TG_IP_PREFER_6},
	{"4-only", TG_IP_ONLY_4},
	{"6-only", TG_IP_ONLY_6},
	{NULL, 0},
};
static const struct word proxies[] = {
	{"none", PROXY_NONE},
	{"socks5", PROXY_SOCKS5},
	{"http", PROXY_HTTP},
	{"mtproto", PROXY_MTPROTO},
	{NULL, 0},
};

static int read_word(int *valuep, const struct word *words,
		     struct config_section *s, const char *key,
		     const char *otherwise, struct config_error *err)
{
	const char *text = config_value(s, key, 0);

	if (!text)
		return 0;
	for (; words->text; words++)
		if (strcmp(words->text, text) == 0) {
			*valuep = words->value;
			return 0;
		}
	return config_fail(s, key, 0, err, "%s", otherwise);
}

static int read_transport(struct tg_link *link, struct config_section *t,
			  struct config_error *err)
{
	int kind = MTP_TRANSPORT_INTERMEDIATE, ip = TG_IP_PREFER_4;
	int fail = read_word(&kind, transports, t, "transport",
			     "transport is intermediate, padded, abridged or "
			     "full",
			     err);

	link->transport = (enum mtp_transport_kind)kind;
	link->obfuscated = kind != MTP_TRANSPORT_FULL;
	if (!fail)
		fail = config_bool(t, "obfuscated", &link->obfuscated, err);
	if (!fail && link->obfuscated && kind == MTP_TRANSPORT_FULL)
		fail = config_fail(t, "obfuscated", 0, err,
				   "the full transport cannot be obfuscated");
	if (!fail)
		fail = read_word(&ip, ips, t, "ip",
				 "ip is 4, 6, 4-only or 6-only", err);
	link->ip = (enum tg_ip)ip;
	return fail;
}

/* Default life of temporary keys, as the apps have it. */
#define TEMPORARY_S 86400
#define TEMPORARY_MIN_S 10

static int read_secrecy(struct tg_link *link, struct config_section *t,
			struct config_error *err)
{
	uint64_t seconds = TEMPORARY_S;
	bool on = false;
	int fail = config_bool(t, "forward_secrecy", &on, err);

	if (!fail)
		fail = config_uint(t, "temporary_key", TEMPORARY_MIN_S,
				   TEMPORARY_S, &seconds, err);
	link->temporary_s = on ? (int32_t)seconds : 0;
	return fail;
}

static int read_server(struct proxy_conf *proxy, struct config_section *s,
		       struct config_error *err)
{
	uint64_t port = 0;
	struct sa sa;
	int fail = config_require(s, "host", err);

	if (!fail)
		fail = config_text(s, "host", proxy->host, sizeof(proxy->host),
				   err);
	if (!fail && sa_set_str(&sa, proxy->host, 1))
		fail = config_fail(s, "host", 0, err,
				   "host is a literal address");
	if (!fail)
		fail = config_require(s, "port", err);
	if (!fail)
		fail = config_uint(s, "port", 1, UINT16_MAX, &port, err);
	proxy->port = (uint16_t)port;
	return fail;
}

static int read_credentials(struct proxy_conf *proxy, struct config_section *s,
			    struct config_error *err)
{
	int fail = config_text(s, "username", proxy->username,
			       sizeof(proxy->username), err);

	if (!fail)
		fail = config_text(s, "password", proxy->password,
				   sizeof(proxy->password), err);
	if (fail || !proxy->username[0])
		return fail || !proxy->password[0]
			       ? fail
			       : config_fail(s, "password", 0, err,
					     "a password needs a username");
	/* RFC 7617 2: "a user-id containing a colon character is invalid" */
	if (proxy->type == PROXY_HTTP && strchr(proxy->username, ':'))
		return config_fail(s, "username", 0, err,
				   "a username for HTTP has no colon");
	/* RFC 1929: PLEN is 1 to 255 */
	if (proxy->type == PROXY_SOCKS5 && !proxy->password[0])
		return config_fail(s, "username", 0, err,
				   "a username for SOCKS5 needs a password");
	return 0;
}

static int read_secret(struct proxy_conf *proxy, struct config_section *s,
		       struct config_error *err)
{
	const char *text = config_value(s, "secret", 0), *why = NULL;

	if (!text)
		return config_require(s, "secret", err);
	if (proxy_secret_read(proxy, text, &why))
		return config_fail(s, "secret", 0, err, "%s", why);
	return 0;
}

static int read_proxy(struct proxy_conf *proxy, struct config_section *s,
		      struct config_error *err)
{
	bool http_only = false;
	int type = PROXY_NONE;
	int fail;

	if (!s)
		return 0;
	fail = config_require(s, "type", err);
	if (!fail)
		fail = read_word(&type, proxies, s, "type",
				 "type is socks5, http, mtproto or none", err);
	proxy->type = (enum proxy_type)type;
	if (fail || type == PROXY_NONE)
		return fail;
	fail = read_server(proxy, s, err);
	if (!fail)
		fail = type == PROXY_MTPROTO ? read_secret(proxy, s, err)
					     : read_credentials(proxy, s, err);
	if (!fail)
		fail = config_bool(s, "http_only", &http_only, err);
	if (!fail && http_only)
		fail = config_fail(s, "http_only", 0, err,
				   "a proxy without CONNECT cannot carry "
				   "MTProto; use another one");
	return fail;
}

int settings_read_link(struct tg_link *link, struct config *c,
		       struct config_error *err)
{
	int fail = read_transport(link, config_section(c, "telegram", 0), err);

	if (!fail)
		fail = read_secrecy(link, config_section(c, "telegram", 0),
				    err);
	if (!fail)
		fail = read_proxy(&link->proxy, config_section(c, "proxy", 0),
				  err);
	return fail;
}

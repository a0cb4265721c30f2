#include "import_tg2sip.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/re.h"

#define VALUE_MAX 256
#define KEYS_MAX 64

struct import {
	struct buf *notices;
	const char *file_name;
	bool wrong;
	char values[KEYS_MAX]
		   [VALUE_MAX]; /* by row of the table; "" not given */
	unsigned lines[KEYS_MAX];
};

/* What settings.ini may have. away: why it is not carried over; NULL: it is. */
static const struct {
	const char *section, *key, *away;
} keys[] = {
	{"logging", "core", NULL},
	{"logging", "tgvoip", "there is one level for all: log"},
	{"logging", "pjsip", "there is one level for all: log"},
	{"logging", "tdlib", "there is one level for all: log"},
	{"logging", "sip_messages", "the log names calls, not messages"},
	{"logging", "console_min_level", "there is one level for all: log"},
	{"logging", "file_min_level", "the log goes to the journal"},
	{"sip", "public_address", NULL},
	{"sip", "port", NULL},
	{"sip", "callback_uri", NULL},
	{"sip", "raw_pcm", NULL},
	{"sip", "thread_count", NULL},
	{"sip", "stun_server", "give the address by public_address"},
	{"sip", "port_range", "SIP has one port"},
	{"sip", "id_uri", "From names the caller at our own address"},
	{"telegram", "api_id", NULL},
	{"telegram", "api_hash", NULL},
	{"telegram", "system_language_code", "the apps see our own name"},
	{"telegram", "device_model", "the apps see our own name"},
	{"telegram", "system_version", "the apps see our own name"},
	{"telegram", "application_version", "the apps see our own name"},
	{"telegram", "database_folder",
	 "its log-in cannot be taken over: gramline login tg2sip"},
	{"telegram", "udp_p2p", "the account's privacy decides: p2p"},
	{"telegram", "udp_reflector", "reflectors are used when needed"},
	{"telegram", "enable_aec", "telephones do that themselves"},
	{"telegram", "enable_ns", "telephones do that themselves"},
	{"telegram", "enable_agc", "telephones do that themselves"},
	{"telegram", "use_proxy", NULL},
	{"telegram", "proxy_address", NULL},
	{"telegram", "proxy_port", NULL},
	{"telegram", "proxy_username", NULL},
	{"telegram", "proxy_password", NULL},
	{"telegram", "use_voip_proxy", "voice goes by UDP, without a proxy"},
	{"telegram", "voip_proxy_address", "voice goes without a proxy"},
	{"telegram", "voip_proxy_port", "voice goes without a proxy"},
	{"telegram", "voip_proxy_username", "voice goes without a proxy"},
	{"telegram", "voip_proxy_password", "voice goes without a proxy"},
	{"other", "extra_wait_time", "the gateway waits as long as it is told"},
	{"other", "peer_flood_time", "an hour, then longer; see show sessions"},
};

#define KEYS (sizeof(keys) / sizeof(*keys))
_Static_assert(KEYS <= KEYS_MAX, "room for their values");

static void notice(struct import *im, unsigned line, const char *key,
		   const char *why)
{
	buf_printf(im->notices, "%s:%u: %s: %s\n", im->file_name, line, key,
		   why);
}

static void refuse(struct import *im, unsigned line, const char *key,
		   const char *why)
{
	notice(im, line, key, why);
	im->wrong = true;
}

/* -- reading ------------------------------------------------------------------
 */

/* Without blanks around and a comment behind: ";" begins one at the line's
 * beginning and behind a blank. */
static void line_clean(char *dst, size_t room, const char *from, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n && used + 1 < room; i++) {
		bool begins = i == 0 || isspace((unsigned char)from[i - 1]);

		if ((from[i] == ';' && begins) || (from[i] == '#' && i == 0))
			break;
		if (used || !isspace((unsigned char)from[i]))
			dst[used++] = from[i];
	}
	while (used && isspace((unsigned char)dst[used - 1]))
		used--;
	dst[used] = '\0';
}

static size_t key_find(const char *section, const char *key)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcasecmp(keys[i].section, section) == 0 &&
		    strcasecmp(keys[i].key, key) == 0)
			return i;
	return KEYS;
}

static void setting_take(struct import *im, const char *section, char *text,
			 unsigned line)
{
	char *value = strchr(text, '='), *end;
	size_t i;

	if (!value) {
		refuse(im, line, text, "no KEY=VALUE");
		return;
	}
	end = value;
	*value++ = '\0';
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*value))
		value++;
	i = key_find(section, text);
	if (i == KEYS)
		refuse(im, line, text, "not a setting of tg2sip");
	else if (*value && keys[i].away)
		notice(im, line, text, keys[i].away);
	else if (strlen(value) >= VALUE_MAX)
		refuse(im, line, text, "too long");
	if (i < KEYS && strlen(value) < VALUE_MAX) {
		memcpy(im->values[i], value, strlen(value) + 1);
		im->lines[i] = line;
	}
}

static void text_read(struct import *im, const char *text)
{
	char section[32] = "", line[1024];

	for (unsigned number = 1; *text; number++) {
		size_t n = strcspn(text, "\n"), used;

		line_clean(line, sizeof(line), text, n);
		text += n + (text[n] == '\n');
		used = strlen(line);
		if (!used)
			continue;
		if (*line == '[' && line[used - 1] == ']')
			snprintf(section, sizeof(section), "%.*s",
				 (int)used - 2, line + 1);
		else
			setting_take(im, section, line, number);
	}
}

static const char *value_of(const struct import *im, const char *section,
			    const char *key)
{
	return im->values[key_find(section, key)];
}

static unsigned line_of(const struct import *im, const char *section,
			const char *key)
{
	return im->lines[key_find(section, key)];
}

static bool is_true(const char *value, bool otherwise)
{
	static const char *const words[] = {"true", "yes", "on", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(words[i], value) == 0)
			return true;
	return !*value && otherwise;
}

/* -- writing ------------------------------------------------------------------
 */

static void put(struct buf *conf, const char *key, const char *value)
{
	if (*value)
		buf_printf(conf, "%s = %s\n", key, value);
}

static void put_general(const struct import *im, struct buf *conf)
{
	static const char *const levels[] = {"debug", "debug", "info", "warn",
					     "error", "error", "error"};
	const char *core = value_of(im, "logging", "core");

	buf_str(conf, "[gramline]\n");
	if (*core >= '0' && *core <= '6' && !core[1])
		put(conf, "log", levels[*core - '0']);
}

static void put_telegram(struct import *im, struct buf *conf)
{
	const char *id = value_of(im, "telegram", "api_id");
	const char *hash = value_of(im, "telegram", "api_hash");

	if (!*id || !*hash)
		refuse(im, line_of(im, "telegram", *id ? "api_hash" : "api_id"),
		       *id ? "api_hash" : "api_id", "missing");
	buf_str(conf, "\n[telegram]\n");
	put(conf, "api_id", id);
	put(conf, "api_hash", hash);
	if (!is_true(value_of(im, "telegram", "use_proxy"), false))
		return;
	buf_str(conf, "\n[proxy]\ntype = socks5\n");
	put(conf, "host", value_of(im, "telegram", "proxy_address"));
	put(conf, "port", value_of(im, "telegram", "proxy_port"));
	put(conf, "username", value_of(im, "telegram", "proxy_username"));
	put(conf, "password", value_of(im, "telegram", "proxy_password"));
}

static void put_sip(const struct import *im, struct buf *conf)
{
	const char *port = value_of(im, "sip", "port");

	buf_str(conf, "\n[sip]\n");
	buf_printf(conf, "listen = 0.0.0.0:%s\n", *port ? port : "5060");
	put(conf, "public_address", value_of(im, "sip", "public_address"));
	put(conf, "media_threads", value_of(im, "sip", "thread_count"));
}

/* "sip:100@192.0.2.1:5062;transport=tcp" is where calls from Telegram go: the
 * PBX, which calls us from there as well. */
static void put_trunk(struct import *im, struct buf *conf)
{
	const char *text = value_of(im, "sip", "callback_uri");
	unsigned line = line_of(im, "sip", "callback_uri");
	struct pl pl, transport;
	struct uri uri;
	struct sa sa;

	pl_set_str(&pl, text);
	if (!*text || uri_decode(&uri, &pl) || !pl_isset(&uri.user)) {
		refuse(im, line, "callback_uri",
		       *text ? "sip:NUMBER@ADDRESS is expected"
			     : "missing: it tells where the PBX is");
		return;
	}
	if (!pl_strcasecmp(&uri.host, "localhost"))
		pl_set_str(&uri.host, "127.0.0.1");
	if (sa_set(&sa, &uri.host, uri.port ? uri.port : 5060)) {
		refuse(im, line, "callback_uri",
		       "a trunk of kind ip needs a literal address of the PBX "
		       "in the place of its name");
		return;
	}
	buf_str(conf, "\n[trunk tg2sip]\nkind = ip\nsession = tg2sip\n"
		      "preset = tg2sip\n");
	buf_printf(conf, "address = %s%.*s%s:%u\n",
		   sa_af(&sa) == AF_INET6 ? "[" : "", (int)uri.host.l,
		   uri.host.p, sa_af(&sa) == AF_INET6 ? "]" : "", sa_port(&sa));
	buf_printf(conf, "number = %.*s\n", (int)uri.user.l, uri.user.p);
	if (!msg_param_decode(&uri.params, "transport", &transport) &&
	    pl_strcasecmp(&transport, "udp") != 0)
		buf_printf(conf, "transport = %.*s\n", (int)transport.l,
			   transport.p);
	/* tg2sip speaks L16 at 48 kHz, or Opus. */
	put(conf, "codecs",
	    is_true(value_of(im, "sip", "raw_pcm"), true) ? "slin,opus"
							  : "opus,slin");
}

int import_tg2sip(struct buf *conf, struct buf *notices, const char *file_name,
		  const char *text)
{
	struct import im = {.notices = notices, .file_name = file_name};

	text_read(&im, text);
	buf_printf(conf, "# From tg2sip's %s.\n", file_name);
	put_general(&im, conf);
	put_telegram(&im, conf);
	put_sip(&im, conf);
	buf_str(conf, "\n# Log it in: gramline login tg2sip\n"
		      "[session tg2sip]\n");
	put_trunk(&im, conf);
	bytes_wipe(im.values, sizeof(im.values));
	if (conf->bad || notices->bad)
		return -ENOMEM;
	return im.wrong ? -EINVAL : 0;
}

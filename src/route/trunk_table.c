/* The settings of a trunk, one row each. The order is that of a listing. */
#include <string.h>

#include "route/caller.h"
#include "route/dial_rules.h"
#include "route/trunk.h"
#include "route/trunk_value.h"

#define TO_GATEWAY (1u << TRUNK_PBX_TO_GATEWAY)
#define TO_PBX (1u << TRUNK_GATEWAY_TO_PBX)
#define IP (1u << TRUNK_IP)
#define ALL (TO_GATEWAY | TO_PBX | IP)

#define TEXT(field, reader)                                                    \
	.type = TRUNK_TEXT, .offset = offsetof(struct trunk, field),           \
	.room = sizeof(((struct trunk *)0)->field), .read = (reader)
#define WORD(field, list)                                                      \
	.type = TRUNK_WORD, .offset = offsetof(struct trunk, field),           \
	.words = (list)
#define NUMBER(field, from, to)                                                \
	.type = TRUNK_NUMBER, .offset = offsetof(struct trunk, field),         \
	.least = (from), .most = (to)
#define YES_NO(field)                                                          \
	.type = TRUNK_YES_NO, .offset = offsetof(struct trunk, field)

/* By their enums. */
static const char *const kinds[] = {"pbx-to-gateway", "gateway-to-pbx", "ip",
				    NULL};
static const char *const transports[] = {"udp", "tcp", "tls", NULL};
static const char *const srtps[] = {"off", "optional", "required", NULL};
static const char *const keyings[] = {"sdes", "dtls", NULL};
static const char *const captures[] = {"off", "headers", "full", NULL};
static const char *const presets[] = {"", "tg2sip", NULL};
static const char *const rel100s[] = {"off", "supported", "required", NULL};
static const char *const identities[] = {"off", "send", "trust", "both", NULL};

static const struct trunk_setting table[] = {
	{"kind", ALL, 0, "pbx-to-gateway", NULL,
	 "who registers: pbx-to-gateway, gateway-to-pbx, or nobody: ip",
	 WORD(kind, kinds)},
	{"session", ALL, ALL, "", NULL, "the Telegram account it uses",
	 TEXT(session, trunk_value_text)},
	{"enabled", ALL, 0, "yes", NULL, "no: switched off", YES_NO(enabled)},
	{"priority", ALL, 0, "0", NULL,
	 "calls from Telegram: the lowest number rings first",
	 NUMBER(priority, 0, 1000)},
	{"worker", ALL, 0, "", NULL, "the Worker that serves it; none: any",
	 TEXT(worker, trunk_value_text)},
	{"login", TO_GATEWAY | TO_PBX, TO_GATEWAY | TO_PBX, "", NULL,
	 "of the account: ours at the PBX, or the PBX's with us",
	 TEXT(login, trunk_value_login)},
	{"password", TO_GATEWAY | TO_PBX, TO_GATEWAY | TO_PBX, "", NULL,
	 "of that account", .secret = true, TEXT(password, trunk_value_text)},
	{"trusted_ips", TO_GATEWAY, 0, "", NULL,
	 "addresses and networks the PBX may come from; none: all",
	 TEXT(trusted_ips, trunk_value_networks)},
	{"domain", TO_PBX, TO_PBX, "", NULL,
	 "HOST or HOST:PORT: the registrar, and what stands behind @",
	 TEXT(domain, trunk_value_host)},
	{"proxy", TO_PBX, 0, "", NULL,
	 "HOST or HOST:PORT: where requests go when not to domain",
	 TEXT(proxy, trunk_value_host)},
	{"address", IP, IP, "", NULL,
	 "ADDRESS or ADDRESS:PORT of the PBX, literal",
	 TEXT(address, trunk_value_address)},
	{"field", IP, 0, "", NULL,
	 "NAME: VALUE, a header that tells trunks of one address apart",
	 TEXT(field, trunk_value_field)},
	{"number", TO_PBX | IP, TO_PBX | IP, "", NULL,
	 "called at the PBX by Telegram users",
	 TEXT(number, trunk_value_number)},
	{"transport", TO_PBX | IP, 0, "udp", NULL, "udp, tcp or tls",
	 WORD(transport, transports)},
	{"tls_verify", TO_PBX | IP, 0, "yes", NULL,
	 "no: any certificate of the PBX will do", YES_NO(tls_verify)},
	{"bindings", TO_GATEWAY, 0, "1", NULL,
	 "contacts that may be registered, all are called; 1: the newest",
	 NUMBER(bindings, 1, 8)},
	{"keepalive", ALL, 0, "0", NULL,
	 "seconds between OPTIONS, to know whether the PBX is there; 0: none",
	 NUMBER(keepalive, 0, 3600)},
	{"session_timer", ALL, 0, "0", NULL,
	 "seconds after which a call must be refreshed; 0: if the PBX asks",
	 NUMBER(session_timer, 0, 86400)},
	{"rel100", ALL, 0, "supported", NULL,
	 "acknowledged ringing: off, supported or required",
	 WORD(rel100, rel100s)},
	{"identity", ALL, 0, "off", NULL,
	 "P-Asserted-Identity: off, send, trust or both",
	 WORD(identity, identities)},
	{"privacy", ALL, 0, "no", NULL,
	 "yes: From does not say who calls from Telegram", YES_NO(privacy)},
	{"srtp", ALL, 0, "off", NULL,
	 "encrypted media: off, optional, required", WORD(srtp, srtps)},
	{"srtp_keying", ALL, 0, "sdes", NULL,
	 "how its keys are agreed: sdes (in TLS only) or dtls",
	 WORD(srtp_keying, keyings)},
	{"codecs", ALL, 0, "opus,alaw,mulaw", NULL, "by preference",
	 TEXT(codecs, trunk_value_codecs)},
	{"dtmf", ALL, 0, "rfc2833,info", NULL,
	 "how digits go and come, by preference: rfc2833, info, inband",
	 TEXT(dtmf, trunk_value_dtmf)},
	{"preset", ALL, 0, "", NULL, "tg2sip: its dial plans work unchanged",
	 WORD(preset, presets)},
	{"caller_phone", ALL, 0, ROUTE_CALLER_PHONE_DEFAULT,
	 ROUTE_CALLER_PHONE_TG2SIP,
	 "rules: From user of a Telegram caller, and dialled numbers backwards",
	 TEXT(caller_phone, trunk_value_caller_phone)},
	{"caller_name", ALL, 0, ROUTE_CALLER_NAME_DEFAULT, NULL,
	 "rules: display name of a Telegram caller",
	 TEXT(caller_name, trunk_value_rules)},
	{"dial_rules", ALL, 0, DIAL_RULES_DEFAULT, NULL,
	 "rules: what number a message names for the next call; =: as it is",
	 TEXT(dial_rules, trunk_value_dial_rules)},
	{"capture", ALL, 0, "off", NULL,
	 "each call to a file: off, headers (without speech), full",
	 WORD(capture, captures)},
	{"refer", ALL, 0, "no", NULL,
	 "yes: the PBX may transfer calls by REFER and Replaces",
	 YES_NO(refer)},
	{"owner", ALL, 0, "", NULL, "whose it is; nobody's: no question",
	 TEXT(owner, trunk_value_text)},
	{"lines", ALL, 0, "0", NULL, "calls at once; 0: no limit",
	 NUMBER(lines, 0, 10000)},
	{"max_calls", ALL, 0, "0", NULL,
	 "calls at once that the gateway takes; 0: no limit",
	 NUMBER(max_calls, 0, 10000)},
	{"subscription", ALL, 0, "", NULL,
	 "the subscription that pays for it; none: no question",
	 TEXT(subscription, trunk_value_text)},
};

#define ROWS (sizeof(table) / sizeof(*table))
_Static_assert(ROWS <= 64, "one bit each in struct trunk, given");

const struct trunk_setting *trunk_setting(size_t i)
{
	return i < ROWS ? &table[i] : NULL;
}

const struct trunk_setting *trunk_setting_find(const char *key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(table[i].key, key) == 0)
			return &table[i];
	return NULL;
}

const char *trunk_kind_name(enum trunk_kind kind)
{
	return kinds[kind];
}

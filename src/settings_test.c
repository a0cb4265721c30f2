#include "settings.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/folder.h"

static char path[64];
static struct config_error error;

static struct settings *read_text(const char *text)
{
	struct settings *s = NULL;
	FILE *f = fopen(path, "w");

	error.text[0] = '\0';
	if (!f)
		return NULL;
	fputs(text, f);
	fclose(f);
	return settings_read(&s, path, &error) ? NULL : s;
}

#define PROXY(type) "[proxy]\ntype = " type "\nhost = ::1\nport = 1080\n"
#define TELEGRAM "[telegram]\napi_id = 1\napi_hash = h\n"
#define SESSION "[session a]\n"
#define TRUNK "[trunk t]\nsession = a\nlogin = l\npassword = p\n"
#define OUT TRUNK "kind = gateway-to-pbx\ndomain = pbx.example\nnumber = 7\n"
#define IP(name) "[trunk " name "]\nkind = ip\nsession = a\nnumber = 7\n"

static void test_settings_have_defaults(void)
{
	struct settings *s = read_text(TELEGRAM);

	CHECK(s);
	CHECK_INT(s->log, LOG_LEVEL_INFO);
	CHECK_STR(s->store, "/var/lib/gramline/gramline.db");
	CHECK_STR(s->records, "/var/lib/gramline/calls.jsonl");
	CHECK_STR(s->control, "/run/gramline/control.sock");
	CHECK_STR(s->key_file, "");
	CHECK_INT(s->dcs_n, 11);
	CHECK_INT(s->dcs[0].id, 2);
	CHECK(!s->dcs[0].test);
	CHECK(s->link.obfuscated);
	CHECK_INT(s->link.transport, MTP_TRANSPORT_INTERMEDIATE);
	CHECK_INT(s->link.ip, TG_IP_PREFER_4);
	CHECK_INT(s->link.proxy.type, PROXY_NONE);
	CHECK_INT(s->link.temporary_s, 0);
	CHECK_INT(s->versions_n, 5);
	CHECK_STR(s->version_list[0], "13.0.0");
	CHECK_STR(s->version_list[4], "7.0.0");
	CHECK(!s->version_list[5]);
	CHECK_STR(s->worker.versions[4], "7.0.0");
	CHECK_INT(s->worker.listen_n, 1);
	CHECK_INT(sa_port(&s->worker.listen[0]), 5060);
	CHECK_INT(s->worker.rtp_first, 16384);
	CHECK_INT(s->worker.rtp_last, 32768);
	CHECK(s->worker.tcp);
	CHECK_INT(s->worker.device_timeout_ms, 15000);
	CHECK(!s->worker.public_address);
	CHECK(!s->worker.log_digits);
	CHECK_INT(s->sessions_n, 0);
	CHECK_INT(s->trunks_n, 0);
	settings_free(&s);
	CHECK(!s);
	settings_free(&s);
}

static void test_settings_read_what_is_given(void)
{
	struct settings *s = read_text(
		"[gramline]\ndata = /d\nrecords =\ncontrol = /c\n"
		"key_file = /k\nlog = debug\n"
		"[telegram]\napi_id = 2147483647\napi_hash = h\ntest = yes\n"
		"transport = abridged\nobfuscated = no\n"
		"dc = 2 192.0.2.1:443\ndc = 1 [2001:db8::1]:80\n"
		"versions = 9.0.0, 7.0.0\nmedia_address = 192.0.2.2\n"
		"[sip]\nlisten = 127.0.0.1:5070\nlisten = [::1]:5071\n"
		"rtp = 20000-20001\ntcp = no\nrealm = r\n"
		"public_address = 192.0.2.3\nmedia_threads = 3\n"
		"device_timeout = 7\nlog_digits = on\n"
		"[session a]\nphone = +99966000001\n[session b c]\n"
		"[trunk t]\nsession = b c\nlogin = l\npassword = p\n"
		"codecs = mulaw,opus\npreset = tg2sip\n"
		"[trunk u]\nsession = a\nlogin = m\npassword = \" q \"\n"
		"caller_phone = {userid}\ncaller_name = {name}\n"
		"priority = 3\ntrusted_ips = 192.0.2.0/24 2001:db8::/32\n"
		"[trunk v]\nkind = gateway-to-pbx\nsession = a\nlogin = l\n"
		"password = p\ndomain = pbx.example:5080\n"
		"proxy = [2001:db8::5]:5060\nnumber = +49*7\n"
		"transport = tcp\n"
		"[trunk w]\nkind = ip\nsession = a\naddress = 192.0.2.9\n"
		"field = X-Office:  east 1\nnumber = 700\n");
	struct trunk *t;

	if (!s)
		printf("# %s\n", error.text);
	CHECK(s);
	CHECK_INT(s->log, LOG_LEVEL_DEBUG);
	CHECK_STR(s->store, "/d/gramline.db");
	CHECK_STR(s->records, "");
	CHECK_STR(s->key_file, "/k");
	CHECK_INT(s->api_id, 2147483647);
	CHECK_INT(s->dcs_n, 2);
	CHECK_STR(s->dcs[1].host, "2001:db8::1");
	CHECK_INT(s->dcs[1].port, 80);
	CHECK(s->dcs[1].test);
	CHECK_INT(s->versions_n, 2);
	CHECK_STR(s->version_list[1], "7.0.0");
	CHECK_INT(s->worker.listen_n, 2);
	CHECK_INT(sa_port(&s->worker.listen[1]), 5071);
	CHECK_STR(s->worker.public_address, "192.0.2.3");
	CHECK_STR(s->worker.telegram_bind, "192.0.2.2");
	CHECK_INT(s->worker.media_threads, 3);
	CHECK_INT(s->worker.device_timeout_ms, 7000);
	CHECK(s->worker.log_digits);
	CHECK_INT(s->sessions_n, 2);
	CHECK_STR(s->session_list[1], "b c");
	CHECK_STR(s->phones[0], "+99966000001");
	CHECK_INT(s->uses[0].features, 0);
	CHECK_INT(s->uses[0].new_peers_per_day, 200);
	CHECK_INT(s->uses[0].lookups_per_day, 300);
	CHECK(!s->uses[0].import_contacts);
	CHECK_INT(s->trunks_n, 4);
	t = &s->trunks[0];
	CHECK_STR(t->session, "b c");
	CHECK_STR(t->codecs, "mulaw,opus");
	CHECK(strstr(t->caller_phone, "tg#{username}"));
	t = &s->trunks[1];
	CHECK_STR(t->password, " q ");
	CHECK_STR(t->caller_phone, "{userid}");
	CHECK_STR(t->caller_name, "{name}");
	CHECK_STR(t->codecs, "opus,alaw,mulaw");
	CHECK_INT(t->priority, 3);
	CHECK_STR(t->trusted_ips, "192.0.2.0/24,2001:db8::/32");
	t = &s->trunks[2];
	CHECK_INT(t->kind, TRUNK_GATEWAY_TO_PBX);
	CHECK_STR(t->domain, "pbx.example:5080");
	CHECK_STR(t->proxy, "[2001:db8::5]:5060");
	CHECK_STR(t->number, "+49*7");
	CHECK_INT(t->transport, TRUNK_TCP);
	t = &s->trunks[3];
	CHECK_STR(t->address, "192.0.2.9:5060");
	CHECK_STR(t->field, "X-Office: east 1");
	CHECK_INT(t->transport, TRUNK_UDP);
	settings_free(&s);
}

static void test_settings_read_a_proxy(void)
{
	struct settings *s = read_text(
		TELEGRAM
		"transport = full\nip = 6-only\nforward_secrecy = yes\n" PROXY(
			"socks5") "username = u\npassword = \" p w "
				  "\"\nhttp_only = no\n");

	if (!s)
		printf("# %s\n", error.text);
	CHECK(s);
	CHECK_INT(s->link.transport, MTP_TRANSPORT_FULL);
	CHECK(!s->link.obfuscated);
	CHECK_INT(s->link.ip, TG_IP_ONLY_6);
	CHECK_INT(s->link.temporary_s, 86400);
	CHECK_INT(s->link.proxy.type, PROXY_SOCKS5);
	CHECK_STR(s->link.proxy.host, "::1");
	CHECK_INT(s->link.proxy.port, 1080);
	CHECK_STR(s->link.proxy.username, "u");
	CHECK_STR(s->link.proxy.password, " p w ");
	settings_free(&s);
	s = read_text(TELEGRAM "transport = padded\n" PROXY(
		"mtproto") "secret = dd000102030405060708090a0b0c0d0e0f\n");
	CHECK(s);
	CHECK_INT(s->link.transport, MTP_TRANSPORT_PADDED);
	CHECK(s->link.proxy.padded);
	CHECK_INT(s->link.proxy.secret[15], 15);
	settings_free(&s);
	s = read_text(TELEGRAM "[proxy]\ntype = none\n");
	CHECK(s);
	CHECK_INT(s->link.proxy.type, PROXY_NONE);
	settings_free(&s);
}

static void test_settings_of_a_session_s_use(void)
{
	struct settings *s = read_text(
		TELEGRAM "[session a]\nfeatures = calls, keypad\n"
			 "new_peers_per_day = 0\nlookups_per_day = 7\n"
			 "import_contacts = yes\n");

	CHECK(s);
	CHECK_INT(s->uses[0].features, TG_FEATURE_CALLS | TG_FEATURE_KEYPAD);
	CHECK_INT(s->uses[0].new_peers_per_day, 0);
	CHECK_INT(s->uses[0].lookups_per_day, 7);
	CHECK(s->uses[0].import_contacts);
	settings_free(&s);
}

static const struct {
	const char *text;
	unsigned line;    /* 0: the file as a whole */
	const char *says; /* part of the reason */
} bad[] = {
	{"", 0, "[telegram] is missing"},
	{"[telegram]\n", 1, "api_id"},
	{TELEGRAM "[session a]\nfeatures = calls,video\n", 5,
	 "a feature is calls"},
	{TELEGRAM "[session a]\nfeatures = calls,\n", 5, "a feature is"},
	{"[telegram]\napi_id = 1\n", 1, "api_hash"},
	{"[telegram]\napi_id = 0\napi_hash = h\n", 2, "api_id"},
	{"[telegram]\napi_id = 2147483648\napi_hash = h\n", 2, "api_id"},
	{"[telegram]\napi_id = x\napi_hash = h\n", 2, "api_id"},
	{"[telegram]\napi_id = 1\napi_id = 2\napi_hash = h\n", 3, "api_id"},
	{TELEGRAM "transport = udp\n", 4, "transport"},
	{TELEGRAM "obfuscated = perhaps\n", 4, "obfuscated"},
	{TELEGRAM "transport = full\nobfuscated = yes\n", 5, "obfuscated"},
	{TELEGRAM "ip = 5\n", 4, "ip is"},
	{TELEGRAM "forward_secrecy = 1\n", 4, "forward_secrecy"},
	{TELEGRAM "temporary_key = 9\n", 4, "temporary_key"},
	{TELEGRAM PROXY("socks5") "[proxy]\n", 8, "repeated"},
	{TELEGRAM "[proxy]\nhost = ::1\nport = 1\n", 4, "type"},
	{TELEGRAM "[proxy]\ntype = socks4\n", 5, "type is"},
	{TELEGRAM "[proxy]\ntype = http\nport = 1\n", 4, "host"},
	{TELEGRAM "[proxy]\ntype = http\nhost = x\n", 6, "host is"},
	{TELEGRAM "[proxy]\ntype = http\nhost = ::1\n", 4, "port"},
	{TELEGRAM PROXY("http") "port = 2\n", 8, "port"},
	{TELEGRAM PROXY("http") "http_only = yes\n", 8, "CONNECT"},
	{TELEGRAM PROXY("http") "password = p\n", 8, "needs a username"},
	{TELEGRAM PROXY("http") "username = a:b\n", 8, "no colon"},
	{TELEGRAM PROXY("socks5") "username = a\n", 8, "needs a password"},
	{TELEGRAM PROXY("socks5") "secret = a\n", 8, "secret"},
	{TELEGRAM PROXY("mtproto"), 4, "secret"},
	{TELEGRAM PROXY("mtproto") "secret = 00\n", 8, "16 bytes"},
	{TELEGRAM PROXY("mtproto") "secret = "
				   "ee000102030405060708090a0b0c0d0e0f61\n",
	 8, "not supported"},
	{TELEGRAM "dc = 2 example.net:443\n", 4, "dc"},
	{TELEGRAM "dc = 192.0.2.1:443\n", 4, "dc"},
	{TELEGRAM "dc = 2 192.0.2.1\n", 4, "dc"},
	{TELEGRAM "dc = 0 192.0.2.1:443\n", 4, "dc"},
	{TELEGRAM "dc = 2 192.0.2.1:443\ndc = 1001 192.0.2.1:443\n", 5, "dc"},
	{TELEGRAM "rsa_key = /nowhere/key.pem\n", 4, "rsa_key"},
	{TELEGRAM "versions = 13.0.0,2.7.7\n", 4, "versions"},
	{TELEGRAM "versions = ,\n", 4, "versions"},
	{TELEGRAM "media_address = localhost\n", 4, "media_address"},
	{TELEGRAM "colour = red\n", 4, "unknown key 'colour'"},
	{TELEGRAM "[gramline]\nlog = loud\n", 5, "log"},
	{TELEGRAM "[sip]\nlisten = sip.example.net:5060\n", 5, "listen"},
	{TELEGRAM "[sip]\nlisten = 0.0.0.0:5060\nlisten = x\n", 6, "listen"},
	{TELEGRAM "[sip]\ntls = pbx.example:5061\n", 5, "tls"},
	{TELEGRAM "[sip]\nws = pbx.example:8088\n", 5, "ws"},
	{TELEGRAM "[sip]\nwss = nowhere\n", 5, "wss"},
	{TELEGRAM "[sip]\nprivate_key = a.pem\n", 5, "private_key"},
	{TELEGRAM "[sip]\nrtp = 20000\n", 5, "rtp"},
	{TELEGRAM "[sip]\nrtp = 20001-20000\n", 5, "rtp"},
	{TELEGRAM "[sip]\nrtp = 1000-2000\n", 5, "rtp"},
	{TELEGRAM "[sip]\nrtp = 20000-70000\n", 5, "rtp"},
	{TELEGRAM "[sip]\nrtp = 20000-20100x\n", 5, "rtp"},
	{TELEGRAM "[sip]\nmedia_threads = 33\n", 5, "media_threads"},
	{TELEGRAM "[sip]\ndevice_timeout = 0\n", 5, "device_timeout"},
	{TELEGRAM "[sip]\npublic_address = nat\n", 5, "public_address"},
	{TELEGRAM "[sip]\n[sip]\n", 5, "repeated section [sip]"},
	{TELEGRAM "[phone]\n", 4, "unknown section [phone]"},
	{TELEGRAM "[session]\nphone = 1\n", 4, "session needs a name"},
	{TELEGRAM SESSION SESSION, 5, "stands in line 4 too"},
	{TELEGRAM SESSION TRUNK TRUNK, 9, "stands in line 5 too"},
	{TELEGRAM SESSION "[trunk]\nlogin = l\n", 5, "trunk needs a name"},
	{TELEGRAM SESSION "[trunk t]\nlogin = l\npassword = p\n", 5, "session"},
	{TELEGRAM SESSION "[trunk t]\nsession = a\npassword = p\n", 5, "login"},
	{TELEGRAM SESSION "[trunk t]\nsession = a\nlogin = l\n", 5, "password"},
	{TELEGRAM TRUNK, 5, "there is no [session a]"},
	{TELEGRAM SESSION TRUNK "kind = trusted\n", 9, "kind"},
	{TELEGRAM SESSION TRUNK "priority = -1\n", 9, "priority"},
	{TELEGRAM SESSION TRUNK "trusted_ips = 192.0.2.0/24, pbx\n", 9,
	 "pbx is no address and no network"},
	{TELEGRAM SESSION TRUNK "number = 700\n", 9,
	 "number: a trunk of kind pbx-to-gateway has no"},
	{TELEGRAM SESSION TRUNK "kind = gateway-to-pbx\n", 5, "domain"},
	{TELEGRAM SESSION OUT "trusted_ips = 192.0.2.1\n", 12,
	 "trusted_ips: a trunk of kind gateway-to-pbx has no"},
	{TELEGRAM SESSION OUT "proxy = sip:pbx.example\n", 12, "proxy"},
	{TELEGRAM SESSION OUT "transport = sctp\n", 12, "transport"},
	{TELEGRAM SESSION "[trunk t]\nkind = ip\nsession = a\n", 5, "address"},
	{TELEGRAM SESSION IP("t") "address = pbx.example\n", 9,
	 "literal address"},
	{TELEGRAM SESSION IP("t") "address = 192.0.2.1\nfield = X\n", 10,
	 "NAME: VALUE"},
	{TELEGRAM SESSION IP("t") "address = 192.0.2.1\nfield = Via: x\n", 10,
	 "field: the header Via means"},
	{TELEGRAM SESSION IP("t") "address = 192.0.2.1\n" IP(
		 "u") "address = 192.0.2.1:5060\n",
	 14, "trunk t has this address"},
	{TELEGRAM SESSION TRUNK "codecs = opus,g729\n", 9, "g729"},
	{TELEGRAM SESSION TRUNK "preset = none\n", 9, "preset"},
	{TELEGRAM SESSION TRUNK "caller_phone = {phone\n", 9, "caller_phone"},
	{TELEGRAM SESSION TRUNK "caller_name = {hat}\n", 9, "caller_name"},
	{TELEGRAM SESSION TRUNK
	 "[trunk u]\nsession = a\nlogin = l\npassword = q\n",
	 11, "login: trunk t has this login"},
	{TELEGRAM SESSION "phone = 1234567890123456789012345678901234\n", 5,
	 "phone"},
	{TELEGRAM SESSION "phone = \xe4\n", 5, "not UTF-8"},
};

static void test_settings_errors_name_file_line_and_key(void)
{
	char place[sizeof(path) + 16];
	int wrong = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct settings *s = read_text(bad[i].text);

		if (bad[i].line)
			snprintf(place, sizeof(place), "%s:%u: ", path,
				 bad[i].line);
		else
			snprintf(place, sizeof(place), "%s: ", path);
		if (s || strncmp(error.text, place, strlen(place)) != 0 ||
		    !strstr(error.text, bad[i].says)) {
			printf("# row %zu: \"%s\"\n", i, error.text);
			wrong++;
		}
		settings_free(&s);
	}
	CHECK_INT(wrong, 0);
}

/* A message may be shown to anybody who runs `gramline check`. */
static void test_settings_errors_never_quote_a_password(void)
{
	CHECK(!read_text(TELEGRAM SESSION "[trunk t]\nsession = a\nlogin = l\n"
					  "password = \"s3cret\n"));
	CHECK(!strstr(error.text, "s3cret"));
	CHECK(!read_text(TELEGRAM SESSION "[trunk t]\nsession = a\nlogin = l\n"
					  "password = s3cret\n"
					  "password = s3cret\n"));
	CHECK(!strstr(error.text, "s3cret"));
	CHECK(!read_text("[telegram]\napi_id = 1\napi_hash = s3cret\n"
			 "api_hash = s3cret\n"));
	CHECK(!strstr(error.text, "s3cret"));
}

static void test_settings_of_no_file_say_so(void)
{
	struct settings *s = NULL;

	CHECK_INT(settings_read(&s, "/nowhere/gramline.conf", &error), -ENOENT);
	CHECK(!s);
	CHECK(strstr(error.text, "/nowhere/gramline.conf"));
}

int main(void)
{
	if (!folder_make("settings"))
		return 1;
	folder_file(path, "gramline.conf");
	RUN(test_settings_have_defaults);
	RUN(test_settings_of_a_session_s_use);
	RUN(test_settings_read_what_is_given);
	RUN(test_settings_read_a_proxy);
	RUN(test_settings_errors_name_file_line_and_key);
	RUN(test_settings_errors_never_quote_a_password);
	RUN(test_settings_of_no_file_say_so);
	return check_done();
}

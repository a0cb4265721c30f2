#include "route/trunk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/caller.h"
#include "route/trunk_json.h"
#include "tests/check.h"

static struct trunk_fault fault;

static void put(struct trunk *t, const char *key, const char *value)
{
	if (trunk_set(t, key, value, &fault)) {
		printf("Bail out! %s = %s: %s\n", key, value, fault.why);
		exit(1);
	}
}

static struct trunk make(const char *kind)
{
	static const char *const given[][3] = {
		{"pbx-to-gateway", "login", "100"},
		{"pbx-to-gateway", "password", "p"},
		{"gateway-to-pbx", "login", "100"},
		{"gateway-to-pbx", "password", "p"},
		{"gateway-to-pbx", "domain", "pbx.example"},
		{"gateway-to-pbx", "number", "700"},
		{"ip", "address", "192.0.2.1"},
		{"ip", "number", "700"},
	};
	struct trunk t;

	(void)trunk_init(&t, "t", &fault);
	put(&t, "kind", kind);
	put(&t, "session", "a");
	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
		if (strcmp(given[i][0], kind) == 0)
			put(&t, given[i][1], given[i][2]);
	return t;
}

static const char *got(const struct trunk *t, const char *key)
{
	static char text[1024];

	return trunk_get(t, key, text, sizeof(text)) ? "(none)" : text;
}

static bool only_common(const char *name)
{
	return strcmp(name, "g729") != 0;
}

static void test_trunk_has_defaults_for_all(void)
{
	const struct trunk_setting *row;
	struct trunk t;

	CHECK_INT(trunk_init(&t, "Office 1", &fault), 0);
	for (size_t i = 0; (row = trunk_setting(i)); i++) {
		CHECK_STR(got(&t, row->key), row->otherwise);
		CHECK(!trunk_is_given(&t, row->key));
		CHECK(row->kinds && !(row->required & ~row->kinds));
		CHECK(*row->help && trunk_setting_find(row->key) == row);
	}
	CHECK(t.enabled);
	CHECK_STR(t.codecs, "opus,alaw,mulaw");
	CHECK_INT(t.kind, TRUNK_PBX_TO_GATEWAY);
}

static void test_trunk_names_are_words(void)
{
	static const char *const bad[] = {"",    " t",  "t ",  "a/b",
					  "a'b", "a=b", "a\nb"};
	char longest[65] = "";
	struct trunk t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(trunk_init(&t, bad[i], &fault), -EINVAL);
	CHECK_INT(trunk_init(&t, "B\xc3\xbcro-1_x.y z", &fault), 0);
	memset(longest, 'a', 63);
	CHECK_INT(trunk_init(&t, longest, &fault), 0);
	longest[63] = 'a';
	CHECK_INT(trunk_init(&t, longest, &fault), -EINVAL);
}

static const struct {
	const char *key, *value;
	const char *kept; /* NULL: refused */
	const char *says; /* then */
} values[] = {
	{"kind", "ip", "ip", NULL},
	{"kind", "IP", "ip", NULL},
	{"kind", "trusted", NULL, "pbx-to-gateway, gateway-to-pbx, ip"},
	{"priority", "0", "0", NULL},
	{"priority", "1000", "1000", NULL},
	{"priority", "1001", NULL, "0 to 1000"},
	{"priority", "-1", NULL, "0 to 1000"},
	{"priority", "7x", NULL, "0 to 1000"},
	{"priority", "99999999999999999999", NULL, "0 to 1000"},
	{"enabled", "no", "no", NULL},
	{"enabled", "off", "no", NULL},
	{"enabled", "TRUE", "yes", NULL},
	{"enabled", "maybe", NULL, "yes or no"},
	{"codecs", "Alaw, OPUS", "alaw,opus", NULL},
	{"codecs", "opus alaw mulaw g722 gsm ilbc speex amr g729 slin",
	 "opus,alaw,mulaw,g722,gsm,ilbc,speex,amr,g729,slin", NULL},
	{"codecs", "alaw,mp3", NULL, "no codec mp3"},
	{"codecs", "alaw,opus,alaw", NULL, "alaw is given twice"},
	{"codecs", " , ", NULL, "no codec given"},
	{"dtmf", "INFO, rfc2833", "info,rfc2833", NULL},
	{"dtmf", "rfc2833 info inband", "rfc2833,info,inband", NULL},
	{"dtmf", "rfc4733", NULL, "no method rfc4733"},
	{"dtmf", "info,info", NULL, "info is given twice"},
	{"trusted_ips", "192.0.2.0/24 2001:db8::/32,198.51.100.7",
	 "192.0.2.0/24,2001:db8::/32,198.51.100.7", NULL},
	{"trusted_ips", "192.0.2.1/24", NULL, "192.0.2.1/24 is no"},
	{"trusted_ips", "pbx.example", NULL, "pbx.example is no"},
	{"trusted_ips",
	 "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.6,10.0.0.7,"
	 "10.0.0.8,10.0.0.9,10.0.1.0,10.0.1.1,10.0.1.2,10.0.1.3,10.0.1.4,"
	 "10.0.1.5,10.0.1.6,10.0.1.7",
	 NULL, "more than 16"},
	{"domain", "pbx.example:5080", "pbx.example:5080", NULL},
	{"domain", "[2001:db8::5]:5060", "[2001:db8::5]:5060", NULL},
	{"domain", "sip:pbx.example", NULL, "HOST"},
	{"domain", "pbx.example:", NULL, "HOST"},
	{"domain", ":5060", NULL, "HOST"},
	{"domain", "pbx example", NULL, "HOST"},
	{"address", "192.0.2.9", "192.0.2.9:5060", NULL},
	{"address", "192.0.2.9:5062", "192.0.2.9:5062", NULL},
	{"address", "2001:db8::1", "[2001:db8::1]:5060", NULL},
	{"address", "[2001:db8::1]:5070", "[2001:db8::1]:5070", NULL},
	{"address", "pbx.example", NULL, "literal"},
	{"number", "+49*7", "+49*7", NULL},
	{"number", "7 00", NULL, "digits"},
	{"number", "7@x", NULL, "digits"},
	{"transport", "TCP", "tcp", NULL},
	{"transport", "sctp", NULL, "udp, tcp"},
	{"login", "a b", NULL, "no blanks"},
	{"login", "user@pbx.example", "user@pbx.example", NULL},
	{"password", " q ", " q ", NULL},
	{"password", "a\nb", NULL, "control"},
	{"password", "\xff", NULL, "UTF-8"},
	{"preset", "tg2sip", "tg2sip", NULL},
	{"preset", "asterisk", NULL, "it is one of tg2sip"},
	{"caller_phone", "+{phone}\n0{userid}", "+{phone}\n0{userid}", NULL},
	{"caller_phone", "{phone", NULL, "brace"},
	{"caller_phone", "{name}", NULL, "a name is no phone"},
	{"caller_name", "{hat}", NULL, "unknown"},
	{"dial_rules", "`[^+*#\\w]= ^8=7`", "`[^+*#\\w]= ^8=7`", NULL},
	{"dial_rules", "=", "=", NULL},
	{"dial_rules", "^8=7 (", NULL, "position 7: missing closing"},
	/* Behaviour 3.12. */
	{"field", "X-Office:5", "X-Office: 5", NULL},
	{"field", "x-office :  east: 1 ", "x-office: east: 1", NULL},
	{"field", "X-Office", NULL, "NAME: VALUE"},
	{"field", "X-Office:", NULL, "a value of"},
	{"field", "X-Office:  ", NULL, "a value of"},
	{"field", ":5", NULL, "NAME: VALUE"},
	{"field", "X Office:5", NULL, "NAME: VALUE"},
	{"field", "X-Office: a\r\nVia: b", NULL, "control"},
};

static void test_trunk_reads_and_writes_each_value(void)
{
	int wrong = 0;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct trunk t;
		int err;

		CHECK_INT(trunk_init(&t, "t", &fault), 0);
		err = trunk_set(&t, values[i].key, values[i].value, &fault);
		if (values[i].kept
			    ? err ||
				      strcmp(got(&t, values[i].key),
					     values[i].kept) != 0 ||
				      !trunk_is_given(&t, values[i].key)
			    : err != -EINVAL || !fault.key ||
				      strcmp(fault.key, values[i].key) != 0 ||
				      !strstr(fault.why, values[i].says) ||
				      trunk_is_given(&t, values[i].key)) {
			printf("# %s = %s: %d %s\n", values[i].key,
			       values[i].value, err, fault.why);
			wrong++;
		}
	}
	CHECK_INT(wrong, 0);
}

/* Behaviour 3.12: "Refuse names that the stack owns". */
static void test_trunk_field_takes_no_header_of_sip(void)
{
	static const char *const ours[] = {"Via",
					   "v",
					   "FROM",
					   "f",
					   "to",
					   "T",
					   "Call-ID",
					   "i",
					   "CSeq",
					   "Contact",
					   "m",
					   "Content-Type",
					   "content-length",
					   "c",
					   "l",
					   "e",
					   "Content-Anything",
					   "Max-Forwards",
					   "Route",
					   "Record-Route",
					   "Authorization",
					   "Proxy-Authorization",
					   "proxy-require",
					   "WWW-Authenticate"};
	static const char *const free[] = {"X-Via",   "Vi",     "Via2",
					   "Subject", "Routes", "Account",
					   "X-Proxy-"};
	struct trunk t = make("ip");
	char text[64], name[64], value[128];

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		snprintf(text, sizeof(text), "%s: x", ours[i]);
		CHECK_INT(trunk_set(&t, "field", text, &fault), -EINVAL);
	}
	CHECK(!trunk_field(&t, name, value));
	for (size_t i = 0; i < sizeof(free) / sizeof(*free); i++) {
		snprintf(text, sizeof(text), "%s:x: y", free[i]);
		CHECK_INT(trunk_set(&t, "field", text, &fault), 0);
		CHECK(trunk_field(&t, name, value));
		CHECK_STR(name, free[i]);
		CHECK_STR(value, "x: y");
	}
}

static void test_trunk_bad_value_leaves_the_old_one(void)
{
	struct trunk t = make("ip"), before;

	CHECK_INT(trunk_set(&t, "codecs", "alaw", &fault), 0);
	before = t;
	CHECK_INT(trunk_set(&t, "codecs", "opus,mp3", &fault), -EINVAL);
	CHECK_INT(trunk_set(&t, "colour", "red", &fault), -ENOENT);
	CHECK(strstr(fault.why, "colour"));
	CHECK(memcmp(&t, &before, sizeof(t)) == 0);
	CHECK_INT(trunk_get(&t, "colour", fault.why, 1), -ENOENT);
	CHECK_INT(trunk_get(&t, "codecs", fault.why, 4), -ENOSPC);
}

static void test_trunk_empty_value_is_the_default_again(void)
{
	struct trunk t = make("ip");

	CHECK_INT(trunk_set(&t, "codecs", "alaw", &fault), 0);
	CHECK_INT(trunk_set(&t, "codecs", "", &fault), 0);
	CHECK_STR(t.codecs, "opus,alaw,mulaw");
	CHECK(!trunk_is_given(&t, "codecs"));
}

static void test_trunk_preset_changes_defaults_only(void)
{
	struct trunk t = make("ip");

	CHECK_INT(trunk_set(&t, "preset", "tg2sip", &fault), 0);
	CHECK_STR(t.caller_phone, ROUTE_CALLER_PHONE_TG2SIP);
	CHECK(!trunk_is_given(&t, "caller_phone"));
	CHECK_INT(trunk_set(&t, "caller_phone", "{userid}", &fault), 0);
	CHECK_INT(trunk_set(&t, "preset", "", &fault), 0);
	CHECK_STR(t.caller_phone, "{userid}");
	CHECK_INT(trunk_set(&t, "caller_phone", "", &fault), 0);
	CHECK_STR(t.caller_phone, ROUTE_CALLER_PHONE_DEFAULT);
}

static void test_trunk_check_knows_what_a_kind_needs(void)
{
	static const char *const needs[][2] = {
		{"pbx-to-gateway", "session"},
		{"pbx-to-gateway", "login"},
		{"pbx-to-gateway", "password"},
		{"gateway-to-pbx", "login"},
		{"gateway-to-pbx", "password"},
		{"gateway-to-pbx", "domain"},
		{"gateway-to-pbx", "number"},
		{"ip", "address"},
		{"ip", "number"},
		{"ip", "session"},
	};
	static const char *const has_not[][3] = {
		{"pbx-to-gateway", "number", "7"},
		{"pbx-to-gateway", "domain", "x"},
		{"pbx-to-gateway", "transport", "udp"},
		{"gateway-to-pbx", "trusted_ips", "192.0.2.1"},
		{"gateway-to-pbx", "field", "X: y"},
		{"ip", "login", "x"},
		{"ip", "proxy", "x"},
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		struct trunk t = make(needs[i][0]);

		CHECK_INT(trunk_check(&t, NULL, &fault), 0);
		CHECK_INT(trunk_set(&t, needs[i][1], "", &fault), 0);
		CHECK_INT(trunk_check(&t, NULL, &fault), -EINVAL);
		CHECK_STR(fault.key, needs[i][1]);
	}
	for (size_t i = 0; i < sizeof(has_not) / sizeof(*has_not); i++) {
		struct trunk t = make(has_not[i][0]);

		CHECK_INT(trunk_set(&t, has_not[i][1], has_not[i][2], &fault),
			  0);
		CHECK_INT(trunk_check(&t, NULL, &fault), -EINVAL);
		CHECK_STR(fault.key, has_not[i][1]);
		CHECK(strstr(fault.why, has_not[i][0]));
	}
}

static void test_trunk_check_names_a_codec_not_built(void)
{
	struct trunk t = make("ip");

	CHECK_INT(trunk_set(&t, "codecs", "alaw,g729", &fault), 0);
	CHECK_INT(trunk_check(&t, NULL, &fault), 0);
	CHECK_INT(trunk_check(&t, only_common, &fault), -EINVAL);
	CHECK_STR(fault.key, "codecs");
	CHECK(strstr(fault.why, "g729"));
	CHECK_INT(trunk_set(&t, "codecs", "alaw", &fault), 0);
	CHECK_INT(trunk_check(&t, only_common, &fault), 0);
}

static int clash_with(const char *kind, const char *key, const char *value)
{
	struct trunk a = make(kind), b = make(kind);

	put(&a, key, value);
	return trunk_clash(&a, &b, &fault);
}

static void test_trunk_clash_is_what_cannot_be_told_apart(void)
{
	struct trunk a = make("pbx-to-gateway"), b = make("gateway-to-pbx");

	CHECK_INT(clash_with("pbx-to-gateway", "password", "q"), -EEXIST);
	CHECK_STR(fault.key, "login");
	CHECK_INT(clash_with("pbx-to-gateway", "login", "101"), 0);
	CHECK_INT(trunk_clash(&a, &b, &fault), 0);
	CHECK_INT(clash_with("ip", "number", "8"), -EEXIST);
	CHECK_STR(fault.key, "address");
	CHECK_INT(clash_with("ip", "address", "192.0.2.1:5061"), 0);
	CHECK_INT(clash_with("ip", "field", "X-Office: 5"), 0);
	CHECK_INT(clash_with("ip", "worker", "w1"), -EEXIST);
	CHECK_INT(clash_with("gateway-to-pbx", "number", "8"), 0);
	a = make("ip");
	b = make("ip");
	CHECK_INT(trunk_set(&a, "field", "X-Office: 5", &fault), 0);
	CHECK_INT(trunk_set(&b, "field", "x-office:5", &fault), 0);
	CHECK_INT(trunk_clash(&a, &b, &fault), -EEXIST);
	CHECK_INT(trunk_set(&b, "field", "X-Office: five", &fault), 0);
	CHECK_INT(trunk_clash(&a, &b, &fault), 0);
	CHECK_INT(trunk_set(&b, "field", "X-Office: 5", &fault), 0);
	CHECK_INT(trunk_set(&a, "worker", "w1", &fault), 0);
	CHECK_INT(trunk_set(&b, "worker", "w2", &fault), 0);
	CHECK_INT(trunk_clash(&a, &b, &fault), 0);
}

static void test_trunk_survives_json(void)
{
	struct trunk a = make("pbx-to-gateway"), b;
	json_t *all, *plain, *secrets;

	CHECK_INT(trunk_set(&a, "caller_phone", "a{phone}\nb", &fault), 0);
	CHECK_INT(trunk_set(&a, "enabled", "no", &fault), 0);
	all = trunk_json(&a, TRUNK_JSON_ALL);
	plain = trunk_json(&a, TRUNK_JSON_PLAIN);
	secrets = trunk_json(&a, TRUNK_JSON_SECRETS);
	CHECK(!json_object_get(plain, "password"));
	CHECK(!json_object_get(plain, "codecs"));
	CHECK_INT(json_object_size(secrets), 1);
	CHECK_INT(json_object_size(all), json_object_size(plain) + 1);
	CHECK_INT(trunk_init(&b, "t", &fault), 0);
	CHECK_INT(trunk_json_read(&b, plain, &fault), 0);
	CHECK_STR(b.password, "");
	CHECK_INT(trunk_json_read(&b, secrets, &fault), 0);
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	json_decref(all);
	json_decref(plain);
	json_decref(secrets);
}

static void test_trunk_json_of_another_version_is_read_as_far_as_known(void)
{
	json_t *o = json_pack("{ss ss ss si ss}", "colour", "red", "login", "7",
			      "codecs", "mp3", "priority", 3, "session", "a");
	struct trunk t;

	CHECK_INT(trunk_init(&t, "t", &fault), 0);
	CHECK_INT(trunk_json_read(&t, o, &fault), -ENOENT);
	CHECK(strstr(fault.why, "colour"));
	CHECK_STR(t.login, "7");
	CHECK_STR(t.session, "a");
	CHECK_INT(t.priority, 0);
	CHECK_STR(t.codecs, "opus,alaw,mulaw");
	json_decref(o);
}

int main(void)
{
	RUN(test_trunk_has_defaults_for_all);
	RUN(test_trunk_names_are_words);
	RUN(test_trunk_reads_and_writes_each_value);
	RUN(test_trunk_field_takes_no_header_of_sip);
	RUN(test_trunk_bad_value_leaves_the_old_one);
	RUN(test_trunk_empty_value_is_the_default_again);
	RUN(test_trunk_preset_changes_defaults_only);
	RUN(test_trunk_check_knows_what_a_kind_needs);
	RUN(test_trunk_check_names_a_codec_not_built);
	RUN(test_trunk_clash_is_what_cannot_be_told_apart);
	RUN(test_trunk_survives_json);
	RUN(test_trunk_json_of_another_version_is_read_as_far_as_known);
	return check_done();
}

#include "sim/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int sim_config_wrong(char why[256], const char *where, const char *what)
{
	snprintf(why, 256, "%s: %s", where, what);
	return -EINVAL;
}

/* Every key of o must be in the NULL-terminated list. */
static int sim_config_keys(const json_t *o, const char *const *names,
			   const char *where, char why[256])
{
	/* jansson's iterator only reads, but has no const form. */
	json_t *iterable = (json_t *)(uintptr_t)o;
	const char *key;
	json_t *value;

	json_object_foreach(iterable, key, value)
	{
		const char *const *n = names;

		while (*n && strcmp(*n, key))
			n++;
		if (!*n) {
			snprintf(why, 256, "%s: unknown key \"%s\"", where,
				 key);
			return -EINVAL;
		}
	}
	return 0;
}

static void sim_config_text(char *dst, size_t n, const json_t *o,
			    const char *key)
{
	snprintf(dst, n, "%s", sim_json_text(o, key, ""));
}

static bool sim_config_flag(const json_t *o, const char *key, bool otherwise)
{
	const json_t *j = json_object_get(o, key);

	return json_is_boolean(j) ? json_is_true(j) : otherwise;
}

int sim_connection_parse(struct sim_connection *c, const json_t *o,
			 char why[256])
{
	static const char *const names[] = {
		"type",     "ip",   "ipv6", "port", "username",
		"password", "turn", "stun", "tcp",  NULL};
	const char *type = sim_json_text(o, "type", "webrtc");
	json_int_t port = sim_json_int(o, "port", 0);

	memset(c, 0, sizeof(*c));
	if (!json_is_object(o))
		return sim_config_wrong(why, "connections", "not an object");
	if (sim_config_keys(o, names, "connections", why))
		return -EINVAL;
	if (port < 1 || port > 65535)
		return sim_config_wrong(why, "connections", "port 1..65535");
	c->port = (uint16_t)port;
	c->reflector = !strcmp(type, "reflector");
	if (!c->reflector && strcmp(type, "webrtc"))
		return sim_config_wrong(why, "connections",
					"type is webrtc or reflector");
	sim_config_text(c->ip, sizeof(c->ip), o, "ip");
	sim_config_text(c->ipv6, sizeof(c->ipv6), o, "ipv6");
	sim_config_text(c->username, sizeof(c->username), o, "username");
	sim_config_text(c->password, sizeof(c->password), o, "password");
	c->tcp = sim_config_flag(o, "tcp", false);
	c->turn = sim_config_flag(o, "turn", false);
	c->stun = sim_config_flag(o, "stun", !c->turn);
	if (!c->ip[0] && !c->ipv6[0])
		return sim_config_wrong(why, "connections", "ip is missing");
	return 0;
}

int sim_policy_parse(enum sim_policy *pp, const char *text)
{
	static const char *const names[] = {"highest", "lowest", "caller",
					    "callee"};

	for (int i = 0; text && i < 4; i++)
		if (!strcmp(text, names[i])) {
			*pp = (enum sim_policy)i;
			return 0;
		}
	return -EINVAL;
}

static int sim_config_dc(struct sim_dc_config *d, const json_t *o,
			 char why[256])
{
	static const char *const names[] = {
		"id",  "host",           "port",   "media_only", "tcpo_only",
		"cdn", "this_port_only", "secret", NULL};
	const char *secret = sim_json_text(o, "secret", "");
	json_int_t id = sim_json_int(o, "id", 0);
	json_int_t port = sim_json_int(o, "port", 0);

	if (sim_config_keys(o, names, "dcs", why))
		return -EINVAL;
	if (id < 1 || id > 5 || port < 0 || port > 65535)
		return sim_config_wrong(why, "dcs", "id 1..5, port 0..65535");
	d->id = (int16_t)id;
	d->port = (uint16_t)port;
	snprintf(d->host, sizeof(d->host), "%s",
		 sim_json_text(o, "host", "127.0.0.1"));
	d->media_only = json_is_true(json_object_get(o, "media_only"));
	d->tcpo_only = json_is_true(json_object_get(o, "tcpo_only"));
	d->cdn = json_is_true(json_object_get(o, "cdn"));
	d->this_port_only = json_is_true(json_object_get(o, "this_port_only"));
	d->secret_n = strlen(secret) / 2;
	if (d->secret_n &&
	    ((d->secret_n != 16 && d->secret_n != 17) ||
	     hex_decode(d->secret, d->secret_n, secret, strlen(secret))))
		return sim_config_wrong(why, "dcs", "secret: 32 or 34 digits");
	return 0;
}

static int sim_config_dcs(struct sim_config *c, char why[256])
{
	const json_t *list = json_object_get(c->root, "dcs");
	json_t *o;
	size_t i;

	if (json_array_size(list) < 1 || json_array_size(list) > SIM_DCS)
		return sim_config_wrong(why, "dcs", "one to eight entries");
	json_array_foreach(list, i, o)
	{
		if (sim_config_dc(&c->dcs[i], o, why))
			return -EINVAL;
		c->dc_count++;
	}
	return 0;
}

static int sim_config_connections(struct sim_config *c, const json_t *call,
				  char why[256])
{
	const json_t *list = json_object_get(call, "connections");
	json_t *o;
	size_t i;

	if (json_array_size(list) > SIM_CONNECTIONS)
		return sim_config_wrong(why, "connections", "too many");
	json_array_foreach(list, i, o)
	{
		if (sim_connection_parse(&c->connections[i], o, why))
			return -EINVAL;
		c->connection_count++;
	}
	return 0;
}

static int32_t sim_config_ms(const json_t *o, const char *key, int32_t other)
{
	return (int32_t)sim_json_int(o, key, other);
}

static int sim_config_call(struct sim_config *c, char why[256])
{
	static const char *const names[] = {"receive_timeout_ms",
					    "ring_timeout_ms",
					    "connect_timeout_ms",
					    "packet_timeout_ms",
					    "receive_limit_ms",
					    "ring_limit_ms",
					    "exchange_limit_ms",
					    "p2p",
					    "messages",
					    "ask_after",
					    "policy",
					    "versions",
					    "connections",
					    "custom_parameters",
					    "config",
					    NULL};
	const json_t *o = json_object_get(c->root, "call");
	const json_t *versions = json_object_get(o, "versions");
	const json_t *custom = json_object_get(o, "custom_parameters");
	const json_t *tuning = json_object_get(o, "config");

	if (sim_config_keys(o, names, "call", why))
		return -EINVAL;
	c->receive_timeout_ms = sim_config_ms(o, "receive_timeout_ms", 20000);
	c->ring_timeout_ms = sim_config_ms(o, "ring_timeout_ms", 90000);
	c->connect_timeout_ms = sim_config_ms(o, "connect_timeout_ms", 30000);
	c->packet_timeout_ms = sim_config_ms(o, "packet_timeout_ms", 10000);
	c->receive_limit_ms = sim_config_ms(o, "receive_limit_ms",
					    c->receive_timeout_ms + 5000);
	c->ring_limit_ms =
		sim_config_ms(o, "ring_limit_ms", c->ring_timeout_ms + 5000);
	c->exchange_limit_ms = sim_config_ms(o, "exchange_limit_ms", 25000);
	c->p2p = sim_config_flag(o, "p2p", true);
	c->call_messages = sim_config_flag(o, "messages", true);
	c->ask_after = sim_config_flag(o, "ask_after", false);
	if (sim_policy_parse(&c->policy, sim_json_text(o, "policy", "highest")))
		return sim_config_wrong(why, "call.policy",
					"highest, lowest, caller or callee");
	if (versions && sim_versions_parse(&c->versions, versions))
		return sim_config_wrong(why, "call.versions",
					"a list of version strings");
	if (custom)
		c->custom_parameters = json_dumps(custom, JSON_COMPACT);
	c->call_config =
		tuning ? json_dumps(tuning, JSON_COMPACT) : strdup("{}");
	return sim_config_connections(c, o, why);
}

static int sim_config_fill(struct sim_config *c, char why[256])
{
	static const char *const names[] = {
		"dcs",         "layer_min", "layer_max", "call",
		"api",         "accounts",  "endpoint",  "code_lifetime_s",
		"flood_codes", "faults",    NULL};

	if (!json_is_object(c->root))
		return sim_config_wrong(why, "configuration",
					"not a JSON object");
	if (sim_config_keys(c->root, names, "configuration", why))
		return -EINVAL;
	c->layer_min = (int32_t)sim_json_int(c->root, "layer_min", 100);
	c->layer_max = (int32_t)sim_json_int(c->root, "layer_max", 1000);
	c->code_lifetime_s = (int)sim_json_int(c->root, "code_lifetime_s", 300);
	c->flood_codes = (int)sim_json_int(c->root, "flood_codes", 0);
	c->api = json_object_get(c->root, "api");
	c->accounts = json_object_get(c->root, "accounts");
	c->endpoint = json_object_get(c->root, "endpoint");
	c->faults = json_object_get(c->root, "faults");
	if (!json_is_array(c->accounts))
		return sim_config_wrong(why, "accounts", "a list is needed");
	if (sim_config_dcs(c, why))
		return -EINVAL;
	return sim_config_call(c, why);
}

static const char *const sim_versions_default[] = {"13.0.0", "12.0.0", "9.0.0",
						   "8.0.0", "7.0.0"};

static int sim_config_take(struct sim_config *c, json_t *root,
			   const json_error_t *je, char why[256])
{
	int err;

	memset(c, 0, sizeof(*c));
	if (!root) {
		snprintf(why, 256, "line %d: %s", je->line, je->text);
		return -EINVAL;
	}
	c->root = root;
	for (int i = 0; i < 5; i++)
		strcpy(c->versions.v[c->versions.n++], sim_versions_default[i]);
	err = sim_config_fill(c, why);
	if (err)
		sim_config_clear(c);
	return err;
}

int sim_config_parse(struct sim_config *c, const char *text, char why[256])
{
	json_error_t je;

	return sim_config_take(c, json_loads(text, JSON_REJECT_DUPLICATES, &je),
			       &je, why);
}

int sim_config_read(struct sim_config *c, const char *path, char why[256])
{
	json_error_t je;

	return sim_config_take(
		c, json_load_file(path, JSON_REJECT_DUPLICATES, &je), &je, why);
}

void sim_config_clear(struct sim_config *c)
{
	json_decref(c->root);
	free(c->custom_parameters);
	free(c->call_config);
	memset(c, 0, sizeof(*c));
}

#include "sim/endpoint_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char usage[] =
	"usage: gramline-endpoint --version V --outgoing|--incoming --key HEX\n"
	"           [--p2p 0|1] [--rtc-server JSON]... [--in WAV] [--out WAV]\n"
	"           [--seconds N] [--ptime 10|20|40|60|120] [--pre-encoded]\n"
	"           [--bind ADDRESS] [--parameters JSON]\n"
	"       gramline-endpoint --list-versions\n";

enum option_code {
	OPTION_VERSION = 256,
	OPTION_LIST,
	OPTION_OUTGOING,
	OPTION_INCOMING,
	OPTION_KEY,
	OPTION_P2P,
	OPTION_SERVER,
	OPTION_IN,
	OPTION_OUT,
	OPTION_SECONDS,
	OPTION_PTIME,
	OPTION_PRE_ENCODED,
	OPTION_BIND,
	OPTION_PARAMETERS,
};

static const struct option options[] = {
	{"version", required_argument, NULL, OPTION_VERSION},
	{"list-versions", no_argument, NULL, OPTION_LIST},
	{"outgoing", no_argument, NULL, OPTION_OUTGOING},
	{"incoming", no_argument, NULL, OPTION_INCOMING},
	{"key", required_argument, NULL, OPTION_KEY},
	{"p2p", required_argument, NULL, OPTION_P2P},
	{"rtc-server", required_argument, NULL, OPTION_SERVER},
	{"in", required_argument, NULL, OPTION_IN},
	{"out", required_argument, NULL, OPTION_OUT},
	{"seconds", required_argument, NULL, OPTION_SECONDS},
	{"ptime", required_argument, NULL, OPTION_PTIME},
	{"pre-encoded", no_argument, NULL, OPTION_PRE_ENCODED},
	{"bind", required_argument, NULL, OPTION_BIND},
	{"parameters", required_argument, NULL, OPTION_PARAMETERS},
	{NULL, 0, NULL, 0},
};

static int key_read(struct endpoint_options *o, const char *hex)
{
	o->has_key = true;
	return hex_decode(o->key, sizeof(o->key), hex, strlen(hex)) < 0
		       ? -EINVAL
		       : 0;
}

/* {"id":1,"host":"10.0.0.1","port":3478,"username":"u","password":"p",
 *  "isTurn":true} or with "peerTag" */
static int server_read(struct endpoint_options *o, const char *text)
{
	struct tgcall_server *s = &o->servers[o->servers_n];
	const char *host = NULL, *username = "", *password = "", *tag = "";
	int id = 0, port = 0, turn = 0, tcp = 0;
	json_t *root = json_loads(text, 0, NULL);
	int e = -EINVAL;

	if (!root || o->servers_n == ENDPOINT_SERVERS_MAX ||
	    json_unpack(root, "{s:s,s:i,s?i,s?s,s?s,s?b,s?b,s?s}", "host",
			&host, "port", &port, "id", &id, "username", &username,
			"password", &password, "isTurn", &turn, "isTcp", &tcp,
			"peerTag", &tag) < 0)
		goto out;
	snprintf(s->host, sizeof(s->host), "%s", host);
	snprintf(s->username, sizeof(s->username), "%s", username);
	snprintf(s->password, sizeof(s->password), "%s", password);
	s->id = id;
	s->port = (uint16_t)port;
	s->turn = turn;
	s->tcp = tcp;
	s->reflector = *tag != '\0';
	if (s->reflector &&
	    hex_decode(s->peer_tag, sizeof(s->peer_tag), tag, strlen(tag)) < 0)
		goto out;
	o->servers_n++;
	e = 0;
out:
	json_decref(root);
	return e;
}

static int option_take(struct endpoint_options *o, int code)
{
	switch (code) {
	case OPTION_VERSION:
		o->version = optarg;
		return 0;
	case OPTION_LIST:
		o->list_versions = true;
		return 0;
	case OPTION_OUTGOING:
		o->outgoing = true;
		return 0;
	case OPTION_INCOMING:
		o->incoming = true;
		return 0;
	case OPTION_KEY:
		return key_read(o, optarg);
	case OPTION_P2P:
		o->p2p = strcmp(optarg, "0") != 0;
		return 0;
	case OPTION_SERVER:
		return server_read(o, optarg);
	case OPTION_IN:
		o->in = optarg;
		return 0;
	case OPTION_OUT:
		o->out = optarg;
		return 0;
	case OPTION_SECONDS:
		o->seconds = (unsigned)strtoul(optarg, NULL, 10);
		return 0;
	case OPTION_PTIME:
		o->ptime_ms = (unsigned)strtoul(optarg, NULL, 10);
		return o->ptime_ms == 10 || o->ptime_ms == 20 ||
				       o->ptime_ms == 40 || o->ptime_ms == 60 ||
				       o->ptime_ms == 120
			       ? 0
			       : -EINVAL;
	case OPTION_PRE_ENCODED:
		o->pre_encoded = true;
		return 0;
	case OPTION_BIND:
		o->bind = optarg;
		return 0;
	case OPTION_PARAMETERS:
		o->parameters = optarg;
		return 0;
	default:
		return -EINVAL;
	}
}

int endpoint_options_read(struct endpoint_options *o, int argc, char **argv)
{
	int code, index = 0;

	*o = (struct endpoint_options){.p2p = true, .ptime_ms = 60};
	while ((code = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option_take(o, code) < 0) {
			if (code >= OPTION_VERSION)
				fprintf(stderr, "--%s: bad value\n",
					options[index].name);
			fputs(usage, stderr);
			return -EINVAL;
		}
	}
	if (o->list_versions)
		return 0;
	if (optind != argc || !o->version || !o->has_key ||
	    o->outgoing == o->incoming) {
		fputs(usage, stderr);
		return -EINVAL;
	}
	return 0;
}

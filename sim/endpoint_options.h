/* The command line of gramline-endpoint. */
#ifndef SIM_ENDPOINT_OPTIONS_H
#define SIM_ENDPOINT_OPTIONS_H

#include <stdbool.h>

#include "tgcall/tgcall.h"

#define ENDPOINT_SERVERS_MAX 16

struct endpoint_options {
	const char *version, *in, *out, *bind, *parameters;
	bool list_versions, outgoing, incoming, p2p, pre_encoded;
	bool has_key;
	uint8_t key[256];
	unsigned seconds, ptime_ms;
	struct tgcall_server servers[ENDPOINT_SERVERS_MAX];
	size_t servers_n;
};

/* -EINVAL after a line on stderr that says what is wrong. */
int endpoint_options_read(struct endpoint_options *o, int argc, char **argv);

#endif

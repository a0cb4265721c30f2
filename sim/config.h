/* The simulator's configuration: one JSON file, described in
 * docs/simulator.md. Values; constant after loading. */
#ifndef SIM_CONFIG_H
#define SIM_CONFIG_H

#include <jansson.h>

#include "sim/account.h"

#define SIM_DCS 8
#define SIM_CONNECTIONS 16

enum sim_policy {
	SIM_POLICY_HIGHEST, /* highest common version */
	SIM_POLICY_LOWEST,
	SIM_POLICY_CALLER, /* the caller's first that the callee has */
	SIM_POLICY_CALLEE,
};

/* One entry of phoneCall.connections. */
struct sim_connection {
	bool reflector, tcp, turn, stun;
	char ip[64], ipv6[64];
	uint16_t port;
	char username[128], password[128];
};

/* One address of a data centre; several may have the same id. */
struct sim_dc_config {
	int16_t id;
	char host[64];
	uint16_t port; /* 0: any, then kept over restarts */
	/* told in its dcOption */
	bool media_only, tcpo_only, cdn, this_port_only;
	uint8_t secret[17]; /* and wanted there: 16 bytes, or dd and 16 */
	size_t secret_n;    /* 0: none */
};

struct sim_config {
	json_t *root; /* the whole file; strings below may point into it */
	struct sim_dc_config dcs[SIM_DCS];
	int dc_count;
	int32_t layer_min, layer_max;
	/* Timers told to clients in help.getConfig. */
	int32_t receive_timeout_ms, ring_timeout_ms, connect_timeout_ms,
		packet_timeout_ms;
	/* When the data centre itself gives up; 0: as above and 5 s. */
	int32_t receive_limit_ms, ring_limit_ms, exchange_limit_ms;
	bool p2p;
	bool call_messages; /* a service message in the chat after each call */
	bool ask_after;     /* for a rating and the debug log of each call */
	enum sim_policy policy;
	struct sim_versions versions; /* of simulated users without a list */
	struct sim_connection connections[SIM_CONNECTIONS];
	int connection_count;
	char *custom_parameters; /* JSON text or NULL; owned */
	char *call_config;       /* answer of phone.getCallConfig; owned */
	const json_t *api;       /* [{"id":..,"hash":..}] or NULL: any */
	const json_t *accounts;  /* array, checked by sim_world_new */
	const json_t *endpoint;  /* default command line, array of strings */
	const json_t *faults;    /* array of orders (sim/order.h) */
	int code_lifetime_s;
	int flood_codes; /* sendCode per number before FLOOD_WAIT */
};

/* Errors: -EINVAL, and `why` says where and what is wrong. */
int sim_config_read(struct sim_config *c, const char *path, char why[256]);
int sim_config_parse(struct sim_config *c, const char *text, char why[256]);
void sim_config_clear(struct sim_config *c);
/* One entry of "connections"; also for the control interface. */
int sim_connection_parse(struct sim_connection *c, const json_t *o,
			 char why[256]);
int sim_policy_parse(enum sim_policy *pp, const char *text);

#endif

/* The Manager role (design 2, behaviour 2.2). One control loop. */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include "bus/bus.h"
#include "store/store.h"

struct manager;

#define MANAGER_TRUSTED_MAX 16

/* A trunk as configured (behaviour 3.4). */
struct manager_trunk {
	char name[64];
	/* "pbx-to-gateway": the PBX registers with us; "gateway-to-pbx": we
	 * register with it; "ip": nobody registers. */
	char kind[16];
	unsigned priority; /* calls from Telegram: 0 is tried first */
	char transport[8]; /* "udp", "tcp"; not of pbx-to-gateway */
	char trusted[MANAGER_TRUSTED_MAX][48]; /* pbx-to-gateway; none: all */
	size_t trusted_n;
	char domain[128], proxy[128];          /* gateway-to-pbx */
	char address[80];                      /* ip: "192.0.2.1:5060" */
	char field_name[64], field_value[128]; /* ip, may be "" */
	char number[128]; /* called at the PBX; not of pbx-to-gateway */
	char login[64];
	char password[128];
	char session[64];
	char codecs[8][16]; /* settings, by preference */
	size_t codecs_n;
	char caller_phone[256]; /* rules, behaviour 3.5 */
	char caller_name[256];
};

struct manager_conf {
	struct bus *bus; /* borrowed for life, like all below */
	struct store *store;
	const char *records; /* JSON lines are appended here; NULL: none */
	const char *storage; /* id of the Storage that holds the sessions */
	const struct manager_trunk *trunks; /* copied */
	size_t trunks_n;
};

/* Calls that an earlier process left open are closed: their records are
 * written, both far ends are told. Errors: -ENOMEM, errno of the records
 * file. */
int manager_new(struct manager **mp, const struct manager_conf *conf);
void manager_free(struct manager **mp);

#endif

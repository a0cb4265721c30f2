#include "tgcall/parameters.h"

#include <jansson.h>

/* Timers beyond these would lose the call, or flood its peer. */
#define TIMER_MS_MIN 50
#define TIMER_MS_MAX 10000

static usec_t timer_get(const json_t *root, const char *key)
{
	const json_t *v = json_object_get(root, key);
	json_int_t ms = json_integer_value(v);

	if (!json_is_integer(v) || ms < TIMER_MS_MIN || ms > TIMER_MS_MAX)
		return 0;
	return (usec_t)ms * USEC_MS;
}

static bool flag_get(const json_t *root, const char *key)
{
	return json_is_true(json_object_get(root, key));
}

void tgcall_parameters_read(struct tgcall_parameters *p, const char *json)
{
	json_t *root = json ? json_loads(json, 0, NULL) : NULL;
	usec_t cookie = timer_get(root, "network_sctp_t1_cookie_ms");

	*p = (struct tgcall_parameters){
		.nosctp = flag_get(root, "network_signaling_nosctp"),
		.kcp = flag_get(root, "network_kcp_experiment"),
		.mtproto = flag_get(root, "network_use_mtproto"),
		.standalone = flag_get(root, "network_standalone_reflectors"),
		.sctp_first = timer_get(root, "network_sctp_t1_init_ms"),
		.sctp_cap = timer_get(root, "network_sctp_max_backoff_ms"),
	};
	if (cookie && (!p->sctp_first || cookie < p->sctp_first))
		p->sctp_first = cookie;
	json_decref(root);
}

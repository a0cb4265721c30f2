/* What the server may ask of both sides of a call (telegram-wire E.10), as far
 * as it has to be honoured. A value. */
#ifndef TGCALL_PARAMETERS_H
#define TGCALL_PARAMETERS_H

#include "base/bytes.h"
#include "base/clock.h"

struct tgcall_parameters {
	bool nosctp;  /* network_signaling_nosctp */
	bool kcp;     /* network_kcp_experiment: SCTP framing in any version */
	bool mtproto; /* network_use_mtproto: no DTLS, no SRTP */
	/* network_standalone_reflectors: reflectors' ports are fixed, and
	 * their candidates not signalled */
	bool standalone;
	/* network_sctp_t1_init_ms, _t1_cookie_ms (one timer here: the smaller)
	 * and _max_backoff_ms; 0: as always */
	usec_t sctp_first, sctp_cap;
};

/* NULL or not a JSON object: as if there were none. */
void tgcall_parameters_read(struct tgcall_parameters *p, const char *json);

#endif

/* INFO of ours: a digit (RFC 6086 without a package, as the field has it). */
#include "sip/session_priv.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"

static void told(struct session_request *r, int err, const struct sip_msg *msg)
{
	struct sip_session *s = r->session;

	if (s->handlers.dtmf_sent)
		s->handlers.dtmf_sent(err ? 0 : msg->scode, s->arg);
}

int sip_session_dtmf(struct sip_session *s, char digit, unsigned duration_ms)
{
	char body[48];
	int n = snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n",
			 digit, duration_ms);
	int err;

	if (s->state != SESSION_CONFIRMED)
		return -ENOTCONN;
	if (s->peer_no_info)
		return -ENOTSUP;
	err = session_request_send(NULL, s, NULL, "INFO", bytes_of(NULL, 0),
				   bytes_of(body, (size_t)n), told);
	bytes_wipe(body, sizeof(body));
	return err;
}

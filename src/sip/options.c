/* OPTIONS outside a dialog: PBXs qualify trunks with it (behaviour Q-22). */
#include "sip/stack_priv.h"

void options_request(struct sip_stack *s, const struct sip_msg *msg)
{
	(void)sip_replyf(s->sip, msg, 200, "OK",
			 "Allow: %s\r\nAccept: application/sdp\r\n"
			 "Accept-Encoding: identity\r\n"
			 "Supported: " SANITY_SUPPORTED "\r\n"
			 "Content-Length: 0\r\n\r\n",
			 SANITY_ALLOW);
}

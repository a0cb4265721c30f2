/* Reason of CANCEL and BYE (RFC 3326). Text out. */
#ifndef SIP_REASON_H
#define SIP_REASON_H

#include "base/bytes.h"

/* Value of the header: the SIP code with a text and what it is in Q.850 (RFC
 * 3398 8.2.6.1), for exchanges behind the PBX. */
void sip_reason_write(struct buf *dst, int code, const char *text);
/* "Another one took the call" (RFC 3326 3.1). */
#define SIP_REASON_ELSEWHERE "SIP;cause=200;text=\"Call completed elsewhere\""

#endif

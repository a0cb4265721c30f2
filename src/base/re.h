/* libre's headers. They and jansson's name two enumerators alike; libre's get
 * out of the way, as nothing here uses libre's JSON; likewise its RTP header
 * for that of media/rtp.h. */
#ifndef BASE_RE_H
#define BASE_RE_H

#define JSON_STRING RE_JSON_STRING
#define JSON_NULL RE_JSON_NULL
#define rtp_header re_rtp_header
#include <re.h>
#undef JSON_STRING
#undef JSON_NULL
#undef rtp_header

#endif

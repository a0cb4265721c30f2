/* libre's headers. They and jansson's name two enumerators alike; libre's get
 * out of the way, as nothing here uses libre's JSON. */
#ifndef BASE_RE_H
#define BASE_RE_H

#define JSON_STRING RE_JSON_STRING
#define JSON_NULL RE_JSON_NULL
#include <re.h>
#undef JSON_STRING
#undef JSON_NULL

#endif

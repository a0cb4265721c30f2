/* Compression of gzip_packed: reads gzip and bare zlib streams (TDLib sends
 * the latter), writes gzip. */
#ifndef MTPROTO_GZIP_H
#define MTPROTO_GZIP_H

#include "base/bytes.h"

/* "Cap the inflated size" (A.6). */
#define MTP_INFLATED_MAX ((size_t)8 << 20)

/* Appends to out. -EBADMSG: not one whole stream; -EMSGSIZE: more than
 * MTP_INFLATED_MAX; -ENOMEM. */
int mtp_gzip_unpack(struct buf *out, struct bytes in);
/* Appends the whole gzip_packed object holding `object`. -ENOSPC: it would
 * not be smaller than the object; out is then as it was. -ENOMEM. */
int mtp_gzip_pack(struct buf *out, struct bytes object);

#endif

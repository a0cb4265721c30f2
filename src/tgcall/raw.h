/* Raw framing (E.4 V1, and V3's user messages): BE32 counter || text, where
 * the text is JSON or JSON in gzip. Any thread. */
#ifndef TGCALL_RAW_H
#define TGCALL_RAW_H

#include "base/bytes.h"

#define RAW_TEXT_MAX (2u * 1024 * 1024) /* E.4: cap of inflation */
#define RAW_COUNTER_MASK 0x3fffffffu    /* two bits belong to V2 */

/* All append. -ENOMEM, -EIO (zlib). */
int raw_put(struct buf *plain, uint32_t counter, struct bytes json, bool gzip);
int raw_gzip(struct buf *dst, struct bytes text);
/* -EBADMSG: broken or larger than n_max; dst is then unchanged. */
int raw_gunzip(struct buf *dst, struct bytes packed, size_t n_max);
/* 1f 8b */
bool raw_is_gzip(struct bytes text);

#endif

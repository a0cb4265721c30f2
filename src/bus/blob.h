/* Bytes in messages: base64. */
#ifndef BUS_BLOB_H
#define BUS_BLOB_H

#include <jansson.h>

#include "base/bytes.h"

json_t *blob_json(struct bytes data); /* NULL: no memory */
/* Appends the field's bytes. -EBADMSG: missing or not base64; -ENOMEM. */
int blob_read(struct buf *data, json_t *o, const char *key);

#endif

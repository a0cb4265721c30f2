/* The data centres' addresses as text, for the store: what Telegram last told
 * is known at the next start. One line each: id, host, port, letters (t test,
 * o obfuscated only, f fixed, p this port only, - none), secret in hexadecimal
 * or -. */
#ifndef STORAGE_ADDRESSES_H
#define STORAGE_ADDRESSES_H

#include "base/bytes.h"
#include "telegram/link.h"

void addresses_write(struct buf *text, const struct tg_dc *dcs, size_t n);
/* At most max; lines that cannot be read are left out. */
size_t addresses_read(struct tg_dc *dcs, size_t max, const char *text);

#endif

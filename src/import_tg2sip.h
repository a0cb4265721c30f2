/* tg2sip's settings.ini as a configuration of ours (design 6). */
#ifndef IMPORT_TG2SIP_H
#define IMPORT_TG2SIP_H

#include "base/bytes.h"

/* Appends the configuration to conf and, a line each, what it does not carry
 * over to notices ("FILE:LINE: KEY: why"). -EINVAL: something in it is no
 * setting of tg2sip, or not readable; the notices say which. -ENOMEM. */
int import_tg2sip(struct buf *conf, struct buf *notices, const char *file_name,
		  const char *text);

#endif

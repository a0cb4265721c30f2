/* What a Worker needs for the media of a call that both sides agreed on: key,
 * emoji, version and servers (telegram-wire D.9, E.8). */
#ifndef STORAGE_CALL_MEDIA_H
#define STORAGE_CALL_MEDIA_H

#include <jansson.h>

#include "telegram/phone.h"

/* The event "active" of bus/worker_storage.h, without its call. */
json_t *call_media_event(const struct tg_call_media *m);

#endif

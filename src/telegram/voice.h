/* Voice messages (telegram-wire C.4): the picture of their loudness, packed in
 * 5 bits a sample, low bits first; and how long an Opus file in Ogg lasts.
 * Values; any thread. */
#ifndef TELEGRAM_VOICE_H
#define TELEGRAM_VOICE_H

#include "base/bytes.h"

#define VOICE_LEVELS_MAX 256

/* levels: 0..31 each, higher ones count as 31. */
void voice_waveform_pack(struct buf *out, const uint8_t *levels, size_t n);
/* Returns how many; whatever does not fit into room is left out. */
size_t voice_waveform_unpack(uint8_t *levels, size_t room, struct bytes packed);

/* head: the file's first 4 KiB or more, tail: its last VOICE_TAIL bytes; of a
 * shorter file the whole, each. Seconds, rounded up, at least 1. -EBADMSG: not
 * Opus in Ogg. */
#define VOICE_TAIL 65536
int voice_ogg_duration(int *seconds, struct bytes head, struct bytes tail);

#endif

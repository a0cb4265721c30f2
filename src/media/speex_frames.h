/* Where the frames of a Speex payload begin and end (RFC 5574 3.3, and the
 * Speex manual, "Narrowband/Wideband CELP"): libspeex tells only by decoding.
 */
#ifndef MEDIA_SPEEX_FRAMES_H
#define MEDIA_SPEEX_FRAMES_H

#include "base/bytes.h"

/* How many frames of 20 ms; -EBADMSG: none, too many, or a frame that is not
 * whole. */
int speex_frames_count(struct bytes payload);

#endif

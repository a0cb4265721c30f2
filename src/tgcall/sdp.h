/* Session descriptions of 10.0.0 and 11.0.0 (telegram-wire E.13; RFC 8866,
 * 8829, 8843): what a call needs of them. Values; any thread.
 *
 * Everything runs over one transport (BUNDLE): it is taken from the first
 * section that is not refused.
 */
#ifndef TGCALL_SDP_H
#define TGCALL_SDP_H

#include "base/bytes.h"
#include "tgcall/signaling.h"

#define SDP_TEXT_MAX (64u * 1024)
#define SDP_SECTIONS_MAX 16
#define SDP_CANDIDATES_MAX 32

enum sdp_kind { SDP_OTHER, SDP_AUDIO, SDP_DATA };

struct sdp_section { /* m= */
	enum sdp_kind kind;
	char media[16], proto[32], format[32]; /* format: the first one */
	char mid[32];
	bool refused; /* port 0 */
	bool sends, receives;
	bool has_opus;                 /* then channel says how */
	struct tgcall_channel channel; /* ssrc 0: none given */
};

struct sdp {
	uint64_t id, version; /* o= */
	bool has_transport;
	struct tgcall_transport transport;
	size_t sections_n;
	struct sdp_section sections[SDP_SECTIONS_MAX];
	size_t candidates_n;
	struct bytes candidates[SDP_CANDIDATES_MAX]; /* point into the text */
};

/* -EBADMSG: no description, too large, or broken where it is used. Unknown
 * lines are passed over. */
int sdp_read(struct sdp *s, struct bytes text);
/* Appends. The SSRC of a section that sends is what its channel says; refused
 * ones are written with port 0 and kept out of the bundle. -ENOMEM. */
int sdp_put(struct buf *b, const struct sdp *s);

#endif

#include "telegram/voice.h"

#include <errno.h>
#include <string.h>

#define LEVEL_BITS 5
#define LEVEL_MAX 31
#define PAGE_HEAD 27
#define RATE 48000

/* -- the waveform ---------------------------------------------------------- */

void voice_waveform_pack(struct buf *out, const uint8_t *levels, size_t n)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t level = levels[i] < LEVEL_MAX ? levels[i] : LEVEL_MAX;

		bits |= (uint32_t)level << have;
		have += LEVEL_BITS;
		if (have < 8)
			continue;
		buf_u8(out, (uint8_t)bits);
		bits >>= 8;
		have -= 8;
	}
	if (have)
		buf_u8(out, (uint8_t)bits);
}

size_t voice_waveform_unpack(uint8_t *levels, size_t room, struct bytes packed)
{
	size_t n = packed.n * 8 / LEVEL_BITS;

	n = n < room ? n : room;
	for (size_t i = 0; i < n; i++) {
		size_t at = i * LEVEL_BITS / 8;
		unsigned two = packed.p[at];

		if (at + 1 < packed.n)
			two |= (unsigned)packed.p[at + 1] << 8;
		levels[i] = two >> (i * LEVEL_BITS % 8) & LEVEL_MAX;
	}
	return n;
}

/* -- Ogg (RFC 3533) with Opus (RFC 7845) ----------------------------------- */

/* The first packet is the only one of the first page: "OpusHead". */
static int head_read(uint16_t *skip, struct bytes head)
{
	struct rd r;
	uint8_t segments;

	rd_init(&r, head.p, head.n);
	if (!bytes_equal(rd_bytes(&r, 4), bytes_str("OggS")))
		return -EBADMSG;
	rd_skip(&r, PAGE_HEAD - 5);
	segments = rd_u8(&r);
	rd_skip(&r, segments);
	if (!bytes_equal(rd_bytes(&r, 8), bytes_str("OpusHead")))
		return -EBADMSG;
	rd_skip(&r, 2);
	*skip = rd_le16(&r);
	return r.bad ? -EBADMSG : 0;
}

/* The position told by the last page that ends a packet. */
static int tail_read(uint64_t *position, struct bytes tail)
{
	for (size_t at = tail.n; at-- > 0;) {
		uint64_t here;

		if (tail.n - at < PAGE_HEAD ||
		    memcmp(tail.p + at, "OggS", 4) != 0 || tail.p[at + 4])
			continue;
		here = le64_load(tail.p + at + 6);
		if (here == UINT64_MAX)
			continue;
		*position = here;
		return 0;
	}
	return -EBADMSG;
}

int voice_ogg_duration(int *seconds, struct bytes head, struct bytes tail)
{
	uint64_t position, whole;
	uint16_t skip;
	int err = head_read(&skip, head);

	if (!err)
		err = tail_read(&position, tail);
	if (err)
		return err;
	position = position > skip ? position - skip : 0;
	whole = position / RATE + (position % RATE != 0);
	if (whole > INT32_MAX)
		return -EBADMSG;
	*seconds = whole ? (int)whole : 1;
	return 0;
}

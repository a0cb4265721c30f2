#include "media/amr_payload.h"

#include <errno.h>
#include <string.h>

#include "base/plant.h"

/* RFC 4867 table 1 and 3.6: a SID has 39 bits. */
static const uint8_t speech_bits[] = {95,  103, 118, 134, 148,
				      159, 204, 244, 39};

size_t amr_frame_bits(unsigned type)
{
	return type < sizeof(speech_bits) ? speech_bits[type] : 0;
}

/* -- bits ------------------------------------------------------------------ */

struct bits {
	const uint8_t *p;
	size_t n, at; /* in bits */
	bool bad;
};

static unsigned bits_take(struct bits *b, unsigned n)
{
	unsigned v = 0;

	if (b->n - b->at < n) {
		b->bad = true;
		b->at = b->n;
		return 0;
	}
	for (unsigned i = 0; i < n; i++, b->at++)
		v = v << 1 | (b->p[b->at / 8] >> (7 - b->at % 8) & 1);
	return v;
}

static void bits_copy(struct bits *b, uint8_t *dst, size_t n)
{
	for (; n >= 8; n -= 8)
		*dst++ = (uint8_t)bits_take(b, 8);
	if (n)
		*dst = (uint8_t)(bits_take(b, (unsigned)n) << (8 - n));
}

static void bits_align(struct bits *b)
{
	b->at = (b->at + 7) / 8 * 8;
}

static void bits_put(uint8_t *dst, size_t *at, unsigned v, unsigned n)
{
	for (unsigned i = n; i--; ++*at)
		dst[*at / 8] |= (uint8_t)((v >> i & 1) << (7 - *at % 8));
}

/* -- reading ----------------------------------------------------------------
 */

/* RFC 4867 4.3.2, 4.4.2: F, FT, Q and, when aligned, two bits of padding. */
static int contents_read(struct amr_payload *p, struct bits *b, bool aligned)
{
	bool follows = true;

	while (follows) {
		struct amr_frame *f = &p->frames[p->n];

		if (p->n == AMR_FRAMES_MAX)
			return -EBADMSG;
		follows = bits_take(b, 1);
		f->type = (uint8_t)bits_take(b, 4);
		f->good = bits_take(b, 1);
		if (aligned)
			(void)bits_take(b, 2);
		/* 4.3.2: "a FT value in the range 9-14 ... the whole packet
		 * SHOULD be discarded" */
		if (b->bad || (f->type > AMR_SID && f->type != AMR_NO_DATA))
			return -EBADMSG;
		p->n++;
	}
	return 0;
}

int amr_payload_read(struct amr_payload *p, struct bytes payload, bool aligned)
{
	struct bits b = {.p = payload.p, .n = payload.n * 8};

	memset(p, 0, sizeof(*p));
	p->request = (uint8_t)bits_take(&b, 4);
	if (aligned)
		(void)bits_take(&b, 4);
	/* 4.3.1: other values are for other codecs, and ignored */
	if (p->request > AMR_SPEECH_LAST)
		p->request = AMR_REQUEST_NONE;
	if (contents_read(p, &b, aligned))
		return -EBADMSG;
	PLANT_OVERFLOW(p->n == 3 && p->frames[2].type == AMR_SID && !aligned,
		       payload.p, payload.n);
	for (size_t i = 0; i < p->n; i++) {
		struct amr_frame *f = &p->frames[i];

		bits_copy(&b, f->bits, amr_frame_bits(f->type));
		if (aligned)
			bits_align(&b);
	}
	/* 4.3.3: what is shorter than its table of contents is discarded; a
	 * longer one holds padding that nobody announced. */
	if (b.bad || b.n - b.at >= 8)
		return -EBADMSG;
	return 0;
}

/* -- writing ----------------------------------------------------------------
 */

static size_t bits_of_all(const struct amr_payload *p, bool aligned)
{
	size_t n = aligned ? 8 + 8 * p->n : 4 + 6 * p->n;

	for (size_t i = 0; i < p->n; i++) {
		n += amr_frame_bits(p->frames[i].type);
		if (aligned)
			n = (n + 7) / 8 * 8;
	}
	return n;
}

static void frame_write(uint8_t *dst, size_t *at, const struct amr_frame *f,
			bool aligned)
{
	size_t bits = amr_frame_bits(f->type), i;

	for (i = 0; i + 8 <= bits; i += 8)
		bits_put(dst, at, f->bits[i / 8], 8);
	if (bits % 8)
		bits_put(dst, at, f->bits[i / 8] >> (8 - bits % 8),
			 (unsigned)(bits % 8));
	if (aligned)
		*at = (*at + 7) / 8 * 8;
}

int amr_payload_write(uint8_t *dst, size_t room, const struct amr_payload *p,
		      bool aligned)
{
	size_t n = (bits_of_all(p, aligned) + 7) / 8, at = 0;

	if (!p->n || p->n > AMR_FRAMES_MAX)
		return -EINVAL;
	if (n > room)
		return -ENOSPC;
	memset(dst, 0, n);
	bits_put(dst, &at, p->request, 4);
	if (aligned)
		at += 4;
	for (size_t i = 0; i < p->n; i++) {
		bits_put(dst, &at, i + 1 < p->n, 1);
		bits_put(dst, &at, p->frames[i].type, 4);
		bits_put(dst, &at, p->frames[i].good, 1);
		if (aligned)
			at += 2;
	}
	for (size_t i = 0; i < p->n; i++)
		frame_write(dst, &at, &p->frames[i], aligned);
	return (int)n;
}

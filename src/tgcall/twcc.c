#include "tgcall/twcc.h"

#include <errno.h>
#include <string.h>

#define RTCP_RTPFB 205
#define FORMAT_TWCC 15
#define HEADER_BYTES 20
#define REFERENCE_US 64000 /* unit of the reference time */
#define DELTA_US 250

enum symbol { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA };

void twcc_receiver_packet(struct twcc_receiver *r, uint16_t seq, usec_t now)
{
	if (!r->started) {
		r->started = true;
		r->base = r->next = seq;
	}
	/* Behind what was told: nobody asks any more. */
	if ((int16_t)(seq - r->base) < 0)
		return;
	if ((uint16_t)(seq - r->base) >= TWCC_WINDOW) {
		/* A jump: what was not told is given up. */
		memset(r->arrival, 0, sizeof(r->arrival));
		r->base = seq;
		r->next = seq;
	}
	r->arrival[seq % TWCC_WINDOW] = now ? now : 1;
	if ((int16_t)(seq - r->next) >= 0)
		r->next = (uint16_t)(seq + 1);
}

/* Reference time and deltas of one feedback while it is built. */
struct feedback {
	uint8_t symbols[TWCC_WINDOW];
	uint8_t deltas[2 * TWCC_WINDOW];
	size_t n, deltas_n;
	int64_t reference; /* in units of 64 ms */
};

/* Two bits a symbol, seven a chunk. */
static uint8_t *chunks_write(uint8_t *p, const struct feedback *f)
{
	for (size_t i = 0; i < f->n; i += 7) {
		unsigned chunk = 0xc000;

		for (size_t k = 0; k < 7 && i + k < f->n; k++)
			chunk |= (unsigned)f->symbols[i + k]
				 << (12 - 2 * (unsigned)k);
		be16_store(p, (uint16_t)chunk);
		p += 2;
	}
	return p;
}

static bool delta_add(struct feedback *f, size_t i, int64_t units)
{
	if (units >= 0 && units <= 255) {
		f->symbols[i] = SMALL_DELTA;
		f->deltas[f->deltas_n++] = (uint8_t)units;
		return true;
	}
	if (units < INT16_MIN || units > INT16_MAX)
		return false;
	f->symbols[i] = LARGE_DELTA;
	be16_store(f->deltas + f->deltas_n, (uint16_t)units);
	f->deltas_n += 2;
	return true;
}

static void feedback_make(struct feedback *f, const struct twcc_receiver *r)
{
	uint16_t total = (uint16_t)(r->next - r->base);
	int64_t last = 0; /* in units of 250 us */
	bool first = true;

	memset(f, 0, sizeof(*f));
	for (f->n = 0; f->n < total; f->n++) {
		usec_t at =
			r->arrival[(uint16_t)(r->base + f->n) % TWCC_WINDOW];
		int64_t units = (int64_t)(at / DELTA_US);

		if (at == 0)
			continue;
		if (first) {
			f->reference = (int64_t)(at / REFERENCE_US);
			last = f->reference * (REFERENCE_US / DELTA_US);
			first = false;
		}
		/* Too far apart for one feedback: the rest comes in the next.
		 */
		if (!delta_add(f, f->n, units - last))
			break;
		last = units;
	}
}

static void told(struct twcc_receiver *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		r->arrival[(uint16_t)(r->base + i) % TWCC_WINDOW] = 0;
	r->base = (uint16_t)(r->base + n);
	r->count++;
}

int twcc_receiver_write(uint8_t *dst, size_t room, struct twcc_receiver *r,
			uint32_t sender_ssrc, uint32_t media_ssrc)
{
	struct feedback f;
	uint8_t *p = dst;
	size_t n, padded;

	if (!r->started || r->base == r->next)
		return 0;
	feedback_make(&f, r);
	n = HEADER_BYTES + 2 * ((f.n + 6) / 7) + f.deltas_n;
	padded = (n + 3) & ~(size_t)3;
	if (padded > room)
		return -ENOSPC;
	memset(dst, 0, padded);
	p[0] = (uint8_t)(0x80 | (padded > n ? 0x20 : 0) | FORMAT_TWCC);
	p[1] = RTCP_RTPFB;
	be16_store(p + 2, (uint16_t)(padded / 4 - 1));
	be32_store(p + 4, sender_ssrc);
	be32_store(p + 8, media_ssrc);
	be16_store(p + 12, r->base);
	be16_store(p + 14, (uint16_t)f.n);
	be32_store(p + 16, (uint32_t)(f.reference & 0xffffff) << 8 | r->count);
	p = chunks_write(p + HEADER_BYTES, &f);
	memcpy(p, f.deltas, f.deltas_n);
	if (padded > n)
		dst[padded - 1] = (uint8_t)(padded - n);
	told(r, f.n);
	return (int)padded;
}

/* -- the peer's reports ---------------------------------------------------- */

static void symbol_count(struct twcc_report *t, unsigned symbol, unsigned n)
{
	if (symbol == NOT_RECEIVED)
		t->lost += n;
	else
		t->received += n;
}

/* One chunk; returns how many of `left` packets it speaks of. */
static unsigned chunk_read(struct twcc_report *t, uint16_t chunk, unsigned left)
{
	unsigned n, bits, per;

	if (!(chunk & 0x8000)) { /* run length */
		n = chunk & 0x1fff;
		n = n < left ? n : left;
		symbol_count(t, chunk >> 13 & 3, n);
		return n;
	}
	bits = chunk & 0x4000 ? 2 : 1;
	per = 14 / bits;
	n = per < left ? per : left;
	for (unsigned i = 0; i < n; i++)
		symbol_count(
			t, chunk >> (14 - bits * (i + 1)) & (bits == 2 ? 3 : 1),
			1);
	return n;
}

static int feedback_read(struct twcc_report *t, struct bytes packet)
{
	struct rd r;
	unsigned left;

	rd_init(&r, packet.p, packet.n);
	rd_skip(&r, 14);
	left = rd_be16(&r);
	rd_skip(&r, 4);
	while (left && !r.bad) {
		unsigned n = chunk_read(t, rd_be16(&r), left);

		if (n == 0)
			return -EBADMSG;
		left -= n;
	}
	return r.bad ? -EBADMSG : 0;
}

int twcc_report_read(struct twcc_report *t, struct bytes rtcp)
{
	struct rd r;

	rd_init(&r, rtcp.p, rtcp.n);
	while (r.n > 0) {
		const uint8_t *start = r.p;
		uint8_t first = rd_u8(&r), type = rd_u8(&r);
		size_t n = 4 * (size_t)rd_be16(&r);

		rd_skip(&r, n);
		if (r.bad || first >> 6 != 2)
			return -EBADMSG;
		if (type == RTCP_RTPFB && (first & 31) == FORMAT_TWCC &&
		    feedback_read(t, bytes_of(start, n + 4)) < 0)
			return -EBADMSG;
	}
	return 0;
}

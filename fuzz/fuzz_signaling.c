/* Fuzz target of call signalling, behind the cipher.
 *
 * First byte: bit 0 we are the caller, bits 1-2 the framing. Then steps: an
 * operation; a packet with its 16-bit length before it, or a text with a
 * newline behind it, so that it may grow.
 * Seeds: fuzz/corpus_tgcall.py.
 */
#include <stdint.h>
#include <string.h>

#include "tgcall/raw.h"
#include "tgcall/signaling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEP_PLAIN, /* a decrypted packet */
	STEP_TEXT,  /* a text from the data channel */
	STEP_GZIP,  /* a text, packed and numbered by the target */
	STEP_TIME,
	STEPS,
};

static void count_up(void *p, size_t n, void *arg)
{
	memset(p, ++*(uint8_t *)arg, n);
}

static void on_blob(struct bytes blob, void *arg)
{
}

static struct bytes body_read(struct rd *r, uint8_t operation)
{
	struct bytes body;
	size_t n = 0;

	if (operation == STEP_PLAIN) {
		n = rd_be16(r);
		return rd_bytes(r, n < r->n ? n : r->n);
	}
	while (n < r->n && r->p[n] != '\n')
		n++;
	body = rd_bytes(r, n);
	rd_skip(r, r->n ? 1 : 0);
	return body;
}

static void gzip_give(struct tgcall_signaling *s, struct bytes text,
		      uint32_t counter, usec_t now)
{
	struct buf b;

	buf_init(&b);
	if (raw_put(&b, counter, text, true) == 0)
		(void)tgcall_signaling_input_plain(s, buf_bytes(&b), now);
	buf_clear(&b);
}

static struct tgcall_signaling *begin(uint8_t how, uint8_t *random)
{
	struct tgcall_signaling_conf conf = {
		.framing = (enum tgcall_framing)((how >> 1 & 3) % 3),
		.outgoing = how & 1,
		.local = {.ufrag = "ufra", .pwd = "0123456789abcdefghijklmn"},
		.random = count_up,
		.random_arg = random,
		.handlers = {.blob = on_blob},
	};
	struct tgcall_signaling *s = NULL;

	if (tgcall_signaling_new(&s, &conf))
		return NULL;
	tgcall_signaling_start(s, 0);
	tgcall_signaling_candidate(s, "candidate:1 1 udp 1 10.0.0.1 9 typ host",
				   0);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tgcall_signaling *s;
	uint32_t counter = 1000;
	uint8_t random = 0;
	usec_t now = 0;
	struct rd r;

	rd_init(&r, data, size);
	s = begin(rd_u8(&r), &random);
	while (s && r.n && !r.bad) {
		uint8_t operation = rd_u8(&r) % STEPS;
		struct bytes body = body_read(&r, operation);

		if (operation == STEP_PLAIN)
			(void)tgcall_signaling_input_plain(s, body, now);
		else if (operation == STEP_TEXT)
			(void)tgcall_signaling_json(s, body, now);
		else if (operation == STEP_GZIP)
			gzip_give(s, body, counter++, now);
		else
			now += body.n * 100 * USEC_MS;
		tgcall_signaling_timeout(s, now);
	}
	tgcall_signaling_free(&s);
	return 0;
}

/* Fuzz target of session descriptions (10.0.0 and 11.0.0), as they come out of
 * their JSON, and of what is answered to them.
 *
 * First byte: bit 0 we are the caller. Then steps: a byte, bit 0 an offer, else
 * an answer; a description, up to a NUL. What we say must be one that we
 * understand. Seeds: fuzz/corpus_sdp.py.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tgcall/sdp_exchange.h"
#include "tgcall/signal_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_random(void *p, size_t n, void *arg)
{
	memset(p, 0x5a, n);
}

static void on_text(struct bytes json, void *arg)
{
	struct signal_message m;
	struct sdp ours;

	if (signal_message_parse(&m, json) || sdp_read(&ours, m.sdp))
		abort();
	signal_message_clear(&m);
}

static void on_transport(const struct tgcall_transport *t, void *arg)
{
	if (!*t->ufrag || !*t->pwd)
		abort();
}

static void on_candidate(struct bytes candidate, void *arg)
{
	char line[SIGNAL_CANDIDATE_BYTES_MAX];

	if (candidate.n <= sizeof(line))
		memcpy(line, candidate.p, candidate.n);
}

static void on_channel(const struct tgcall_channel *c, void *arg)
{
	if (!c->ssrc)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sdp_exchange_conf conf = {
		.ssrc = 912837465,
		.local = {.ufrag = "ufra", .pwd = "0123456789abcdefghijklmn"},
		.random = on_random,
		.text = on_text,
		.transport = on_transport,
		.candidate = on_candidate,
		.send_open = on_channel,
		.recv_open = on_channel,
	};
	struct sdp_exchange x;
	struct rd r;

	rd_init(&r, data, size);
	sdp_exchange_init(&x, &conf);
	if (rd_u8(&r) & 1)
		sdp_exchange_offer(&x);
	while (r.n && !r.bad) {
		bool is_offer = rd_u8(&r) & 1;
		const uint8_t *end = r.n ? memchr(r.p, 0, r.n) : NULL;
		size_t n = end ? (size_t)(end - r.p) : r.n;
		char *text = malloc(n + 1); /* of its own, for the sanitizer */

		if (!text)
			break;
		rd_copy(&r, text, n);
		rd_skip(&r, r.n ? 1 : 0);
		(void)sdp_exchange_input(&x, is_offer, bytes_of(text, n));
		free(text);
	}
	sdp_exchange_clear(&x);
	return 0;
}

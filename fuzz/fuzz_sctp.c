/* Fuzz target of the SCTP association, behind the checksum.
 *
 * First byte: bits 0-1 the state to begin in (closed, COOKIE_WAIT,
 * ESTABLISHED, COOKIE_ECHOED), bit 2: messages of ours wait to be sent. Then
 * steps: an operation, and for the packets a 16-bit length and that many bytes.
 * Random numbers are counted up, so that a kept cookie stays valid.
 * Seeds: fuzz/corpus_tgcall.py.
 */
#include <stdint.h>
#include <string.h>

#include "tgcall/sctp.h"
#include "tgcall/sctp_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BEGIN_CLOSED, BEGIN_WAIT, BEGIN_OPEN, BEGIN_ECHOED };

enum {
	STEP_CHUNKS, /* with the right header */
	STEP_INIT,   /* chunks behind a header without tag */
	STEP_PACKET, /* header included */
	STEP_THEIRS, /* chunks under the tag of the sender */
	STEP_COOKIE, /* echoes the last cookie; chunks behind it */
	STEP_TIME,
	STEP_SEND,
	STEPS,
};

#define PEER_TAG 0x0a0a0a0a
#define PEER_TSN 0x100

static struct fuzz {
	struct sctp *sctp;
	usec_t now;
	uint8_t random;
	uint32_t tag; /* the engine's, as it told */
	uint8_t cookie[256];
	size_t cookie_n;
} fuzz;

static void count_up(void *p, size_t n, void *arg)
{
	memset(p, ++fuzz.random, n);
}

static void on_packet(struct bytes packet, void *arg)
{
	struct sctp_init init;
	struct sctp_chunk c;
	struct buf report;
	struct rd r;

	rd_init(&r, packet.p + SCTP_HEADER_BYTES, packet.n - SCTP_HEADER_BYTES);
	while (sctp_chunk_read(&r, &c)) {
		if (c.type != SCTP_INIT && c.type != SCTP_INIT_ACK)
			continue;
		buf_init(&report);
		if (sctp_init_parse(&init, c.body, &report) == 0) {
			fuzz.tag = init.tag;
			fuzz.cookie_n = init.cookie.n % sizeof(fuzz.cookie);
			if (fuzz.cookie_n)
				memcpy(fuzz.cookie, init.cookie.p,
				       fuzz.cookie_n);
		}
		buf_clear(&report);
	}
}

static void give(uint32_t tag, const struct buf *first, struct bytes rest)
{
	struct buf b;

	buf_init(&b);
	sctp_packet_begin(&b, 5000, tag);
	if (first)
		buf_put(&b, first->p, first->n);
	buf_put(&b, rest.p, rest.n);
	(void)sctp_input_unchecked(fuzz.sctp, buf_bytes(&b), fuzz.now);
	buf_clear(&b);
}

static void init_give(uint8_t type, struct bytes cookie)
{
	const struct sctp_init init = {
		.tag = PEER_TAG,
		.rwnd = 100000,
		.tsn = PEER_TSN,
		.streams_out = 10,
		.streams_in = 10,
		.cookie = cookie,
	};
	struct buf b;

	buf_init(&b);
	sctp_chunk_end(&b, sctp_init_begin(&b, type, &init));
	give(type == SCTP_INIT ? 0 : fuzz.tag, NULL, buf_bytes(&b));
	buf_clear(&b);
}

static void cookie_give(struct bytes rest)
{
	struct buf b;

	buf_init(&b);
	sctp_chunk_put(&b, SCTP_COOKIE_ECHO, 0,
		       bytes_of(fuzz.cookie, fuzz.cookie_n));
	give(fuzz.tag, &b, rest);
	buf_clear(&b);
}

static void begin(uint8_t how)
{
	static const uint8_t text[3000] = {1};
	struct sctp_conf conf = {
		.port = 5000,
		.packet_max = 1191,
		.message_max = 65536,
		.init_first = 400 * USEC_MS,
		.init_cap = 750 * USEC_MS,
		.resend_first = 400 * USEC_MS,
		.resend_cap = 750 * USEC_MS,
		.heartbeat = 30 * USEC_S,
		.random = count_up,
		.handlers = {.packet = on_packet},
	};

	fuzz = (struct fuzz){0};
	if (sctp_new(&fuzz.sctp, &conf))
		return;
	if ((how & 3) == BEGIN_WAIT || (how & 3) == BEGIN_ECHOED)
		sctp_connect(fuzz.sctp, 0);
	if ((how & 3) == BEGIN_ECHOED)
		init_give(SCTP_INIT_ACK, bytes_str("a cookie"));
	if ((how & 3) == BEGIN_OPEN) {
		init_give(SCTP_INIT, bytes_of(NULL, 0));
		cookie_give(bytes_of(NULL, 0));
	}
	for (int i = 0; i < 3 && (how & 4); i++)
		(void)sctp_send(fuzz.sctp, (uint16_t)i, 53,
				bytes_of(text, i == 1 ? 3000 : 30), 0);
}

static void step(uint8_t operation, struct bytes body)
{
	switch (operation % STEPS) {
	case STEP_CHUNKS:
		give(fuzz.tag, NULL, body);
		break;
	case STEP_INIT:
		give(0, NULL, body);
		break;
	case STEP_PACKET:
		(void)sctp_input_unchecked(fuzz.sctp, body, fuzz.now);
		break;
	case STEP_THEIRS:
		give(PEER_TAG, NULL, body);
		break;
	case STEP_COOKIE:
		cookie_give(body);
		break;
	case STEP_TIME:
		fuzz.now += body.n * 10 * USEC_MS;
		sctp_timeout(fuzz.sctp, fuzz.now);
		break;
	case STEP_SEND:
		(void)sctp_send(fuzz.sctp, 0, 53, body, fuzz.now);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r;

	rd_init(&r, data, size);
	begin(rd_u8(&r));
	while (fuzz.sctp && r.n && !r.bad) {
		uint8_t operation = rd_u8(&r);
		size_t n = rd_be16(&r);

		step(operation, rd_bytes(&r, n < r.n ? n : r.n));
	}
	sctp_free(&fuzz.sctp);
	return 0;
}

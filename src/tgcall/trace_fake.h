/* For tests: the recorded exchanges of the apps' own library
 * (tests/data/traces) read, decrypted, and played to one engine of ours. */
#ifndef TGCALL_TRACE_FAKE_H
#define TGCALL_TRACE_FAKE_H

#include "tgcall/crypto.h"
#include "tgcall/raw.h"
#include "tgcall/sctp.h"
#include "tgcall/sctp_packet.h"
#include "tgcall/signaling_pair_fake.h"

#define BLOBS_MAX 64
#define TEXTS_MAX 64

struct text {
	struct buf json;
	uint32_t seq;
};

struct blob {
	int from;
	struct buf bytes;
	struct buf payload; /* SCTP: of its DATA chunk, else the same */
};

static struct blob blobs[BLOBS_MAX];
static size_t blobs_n;
static uint8_t key[256];

/* -- reading ------------------------------------------------------------- */

static inline int key_read(void)
{
	char text[513] = "";
	FILE *f = fopen(TEST_TRACES "/key.hex", "r");

	if (!f || fscanf(f, "%512s", text) != 1)
		abort();
	fclose(f);
	return hex_decode(key, sizeof(key), text, strlen(text));
}

static inline void blobs_clear(void)
{
	for (; blobs_n; blobs_n--) {
		buf_clear(&blobs[blobs_n - 1].bytes);
		buf_clear(&blobs[blobs_n - 1].payload);
	}
}

static inline void payload_find(struct blob *b)
{
	struct sctp_chunk c;
	struct rd r;

	if (!sctp_is_packet(buf_bytes(&b->bytes), 5000)) {
		buf_put(&b->payload, b->bytes.p, b->bytes.n);
		return;
	}
	rd_init(&r, b->bytes.p + 12, b->bytes.n - 12);
	while (sctp_chunk_read(&r, &c))
		if (c.type == SCTP_DATA)
			buf_put(&b->payload, c.body.p + 12, c.body.n - 12);
}

static inline void blobs_read(const char *name)
{
	static char line[16384], hex[16000];
	char path[256];
	double at;
	char from;
	FILE *f;

	snprintf(path, sizeof(path), TEST_TRACES "/%s.blobs", name);
	f = fopen(path, "r");
	if (!f)
		abort();
	while (fgets(line, sizeof(line), f) && blobs_n < BLOBS_MAX) {
		struct blob *b = &blobs[blobs_n];
		size_t n;

		if (sscanf(line, "%lf %c->%*c %15999s", &at, &from, hex) != 3)
			abort();
		n = strlen(hex) / 2;
		b->from = from == 'b';
		buf_init(&b->bytes);
		buf_init(&b->payload);
		buf_fill(&b->bytes, 0, n);
		if (hex_decode(b->bytes.p, n, hex, 2 * n))
			abort();
		payload_find(b);
		blobs_n++;
	}
	fclose(f);
}

/* Appends the JSON texts of a decrypted packet, of any framing. */
static inline size_t texts_of_plain(struct text *texts, struct bytes plain)
{
	size_t n = 0;
	struct rd r;

	rd_init(&r, plain.p, plain.n);
	while (r.n && !r.bad && n < TEXTS_MAX) {
		uint32_t seq = rd_be32(&r);
		struct bytes text = bytes_of(r.p, r.n);

		buf_init(&texts[n].json);
		texts[n].seq = seq;
		if (raw_is_gzip(text)) {
			if (raw_gunzip(&texts[n++].json, text, 1 << 20))
				abort();
			break;
		}
		if (text.n && text.p[0] == '{') {
			buf_put(&texts[n++].json, text.p, text.n);
			break;
		}
		if (rd_u8(&r) != 127)
			continue;
		text = rd_bytes(&r, rd_be32(&r));
		buf_put(&texts[n++].json, text.p, text.n);
	}
	return r.bad ? 0 : n;
}

static inline size_t texts_of_packet(struct text *texts, bool sender_is_caller,
				     struct bytes packet)
{
	struct tgcall_crypto crypto = {.outgoing = !sender_is_caller};
	struct buf plain;
	size_t n = 0;

	memcpy(crypto.key, key, sizeof(key));
	buf_init(&plain);
	if (tgcall_crypto_open(&crypto, &plain, packet) == 0)
		n = texts_of_plain(texts, buf_bytes(&plain));
	buf_clear(&plain);
	return n;
}

static inline void texts_clear(struct text *texts, size_t n)
{
	while (n)
		buf_clear(&texts[--n].json);
}

/* The other side of a call with our engine: it sends what was recorded, and
 * what the test writes, and takes our texts apart. */
struct player {
	struct signaling_pair *pair; /* ours is ends[us] */
	int us;
	struct sctp *sctp; /* when the trace is over SCTP */
	struct tgcall_crypto crypto;
	uint32_t counter;
	struct text ours[TEXTS_MAX];
	size_t ours_n;
};

static inline void ours_note(struct player *pl, struct bytes packet)
{
	struct text texts[TEXTS_MAX];
	size_t n = texts_of_packet(texts, pl->us == 0, packet);

	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t k = 0; k < pl->ours_n; k++)
			known |= pl->ours[k].seq == texts[i].seq;
		if (known || pl->ours_n == TEXTS_MAX)
			buf_clear(&texts[i].json);
		else
			pl->ours[pl->ours_n++] = texts[i];
	}
}

static inline void player_packet(struct bytes packet, void *arg)
{
	struct player *pl = arg;

	carrier_send(&pl->pair->carrier, pl->us, packet);
}

static inline void player_message(uint16_t stream, uint32_t ppid,
				  struct bytes data, void *arg)
{
	ours_note(arg, data);
}

static inline void player_input(int to, struct bytes blob, usec_t now,
				void *arg)
{
	struct player *pl = arg;

	if (to == pl->us)
		(void)tgcall_signaling_input(pl->pair->ends[to].signaling, blob,
					     now);
	else if (pl->sctp)
		(void)sctp_input(pl->sctp, blob, now);
	else
		ours_note(pl, blob);
}

static inline usec_t player_deadline(int end, void *arg)
{
	struct player *pl = arg;

	if (end == pl->us)
		return tgcall_signaling_deadline(pl->pair->ends[end].signaling);
	return pl->sctp ? sctp_deadline(pl->sctp) : USEC_NEVER;
}

static inline void player_timeout(int end, usec_t now, void *arg)
{
	struct player *pl = arg;

	if (end == pl->us)
		tgcall_signaling_timeout(pl->pair->ends[end].signaling, now);
	else
		sctp_timeout(pl->sctp, now);
}

static inline void player_run(struct player *pl)
{
	carrier_run(&pl->pair->carrier, pl->pair->carrier.now + USEC_S);
}

static inline void player_send(struct player *pl, struct bytes payload)
{
	if (pl->sctp)
		sctp_send(pl->sctp, 0, 53, payload, pl->pair->carrier.now);
	else
		carrier_send(&pl->pair->carrier, pl->us, payload);
}

static inline void player_text_send(struct player *pl, struct bytes text)
{
	struct buf plain, packet;

	buf_init(&plain);
	buf_init(&packet);
	if (raw_put(&plain, ++pl->counter, text, pl->sctp != NULL) ||
	    tgcall_crypto_seal(&pl->crypto, &packet, buf_bytes(&plain)))
		abort();
	player_send(pl, buf_bytes(&packet));
	buf_clear(&plain);
	buf_clear(&packet);
}

static inline struct player *player_new(const char *version, int us)
{
	struct player *pl = calloc(1, sizeof(*pl));
	struct tgcall_signaling_conf conf;
	const struct sctp_conf sctp = {
		.port = 5000,
		.packet_max = 1191,
		.message_max = 262144,
		.init_first = USEC_S,
		.init_cap = 60 * USEC_S,
		.resend_first = 500 * USEC_MS,
		.resend_cap = 3 * USEC_S,
		.handlers = {.packet = player_packet,
			     .message = player_message},
		.arg = pl,
	};

	pl->us = us;
	pl->counter = 1000;
	pl->crypto.outgoing = us == 1;
	memcpy(pl->crypto.key, key, sizeof(key));
	pl->pair = pair_new(1);
	pl->pair->carrier.input = player_input;
	pl->pair->carrier.deadline = player_deadline;
	pl->pair->carrier.timeout = player_timeout;
	pl->pair->carrier.arg = pl;
	conf = pair_conf(pl->pair, us, version);
	memcpy(conf.key, key, sizeof(key));
	pair_end_open(pl->pair, &conf);
	if (sctp_is_packet(buf_bytes(&blobs[0].bytes), 5000) &&
	    sctp_new(&pl->sctp, &sctp))
		abort();
	return pl;
}

static inline void player_free(struct player *pl)
{
	texts_clear(pl->ours, pl->ours_n);
	sctp_free(&pl->sctp);
	pair_free(pl->pair);
	free(pl);
}

#endif

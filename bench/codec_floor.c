/* The least that one bridged call can cost: SIP A-law on one side, Telegram's
 * Opus under SRTP on the other, both directions.
 *
 * Measures, in one process and thread, the CPU (user and system) of each part
 * for a second of the call: Opus and A-law coding with the bridge's own rate,
 * bitrate, complexity and packet time; SRTP with libre;
 * the same number and size of datagrams through loopback sockets. The voices
 * are those of the load test. No jitter buffer, no loop, no call. Prints one
 * JSON object; each figure is the median of the rounds.
 *
 * usage: bench-codec-floor [--sip-ptime MS] [--tg-ptime MS] [--peer-ptime MS]
 *        [--peer-rate HZ] [--peer-bitrate N] [--seconds N] [--rounds N]
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/re.h"
#include "media/bridge.h"
#include "media/rtp.h"
#include "tests/load_voice.h"

#define PACKET_MAX 1500
#define ROUNDS_MAX 99
#define SRTP_SUITE SRTP_AES_CM_128_HMAC_SHA1_80
#define SRTP_KEY_BYTES 30
#define SRTP_TAG_BYTES 10
#define SRTP_HEADROOM 36
/* Tones of the voices: as in the calls, every few seconds another. */
#define SIP_HZ 2480
#define TG_HZ 2494
#define STEP_HZ 150

struct packets {
	size_t n;
	struct {
		size_t n;
		uint8_t bytes[PACKET_MAX];
	} * p;
};

struct floor {
	unsigned sip_ptime_ms, tg_ptime_ms, peer_ptime_ms;
	unsigned peer_rate_hz, peer_bitrate, seconds, rounds;
	uint32_t rate_hz; /* the bridge's, between A-law and Opus */

	int16_t *speech; /* at rate_hz */
	size_t speech_n;
	struct packets from_sip, from_tg, to_tg;
	int sockets[2];
	struct sa address; /* of sockets[1] */
};

enum part { PART_ENCODE, PART_DECODE, PART_G711, PART_SRTP, PART_IO, PARTS };

static const char *const part_names[PARTS] = {
	"opus_encode_us", "opus_decode_us", "g711_us", "srtp_us", "io_us",
};

static void die(const char *what)
{
	fprintf(stderr, "bench-codec-floor: %s\n", what);
	exit(1);
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void *must(void *p)
{
	if (!p)
		die("no memory");
	return p;
}

static void packets_init(struct packets *p, const struct floor *f,
			 unsigned ptime_ms)
{
	p->n = f->seconds * 1000 / ptime_ms;
	p->p = must(calloc(p->n, sizeof(*p->p)));
}

static struct media_coder *coder_new(const struct media_codec *codec,
				     uint32_t rate_hz, unsigned bitrate,
				     int expected_loss)
{
	struct media_coder_conf conf = {
		.rate_hz = rate_hz,
		.bitrate = bitrate,
		.complexity = BRIDGE_OPUS_COMPLEXITY,
		.expected_loss = expected_loss,
	};
	struct media_coder *c = NULL;

	if (media_coder_new(&c, codec, &conf))
		die("no coder");
	return c;
}

/* Encodes `speech` at rate_hz into packets. */
static void encode_all(struct packets *out, struct media_coder *c,
		       const int16_t *speech, size_t frame)
{
	for (size_t i = 0; i < out->n; i++) {
		int n = media_encode(c, out->p[i].bytes, PACKET_MAX,
				     speech + i * frame, frame);

		if (n <= 0)
			die("encoding failed");
		out->p[i].n = (size_t)n;
	}
}

/* Several of the voices that the load test's calls carry. */
static int16_t *voices_new(uint32_t rate_hz, size_t n, unsigned hertz)
{
	int16_t *pcm = must(calloc(n, sizeof(*pcm)));
	size_t one = (size_t)rate_hz * LOAD_VOICE_S;

	for (size_t at = 0; at < n; at += one, hertz += STEP_HZ)
		load_voice_fill(pcm + at, n - at < one ? n - at : one, rate_hz,
				hertz);
	return pcm;
}

/* What the Telegram side sends: full band, from its own microphone. */
static void peer_speak(struct floor *f)
{
	size_t n = (size_t)f->peer_rate_hz * f->seconds;
	int16_t *speech = voices_new(f->peer_rate_hz, n, TG_HZ);
	struct media_coder *c = coder_new(&media_codec_opus, f->peer_rate_hz,
					  f->peer_bitrate, 0);

	packets_init(&f->from_tg, f, f->peer_ptime_ms);
	encode_all(&f->from_tg, c, speech,
		   (size_t)f->peer_rate_hz * f->peer_ptime_ms / 1000);
	media_coder_free(&c);
	free(speech);
}

static void sip_speak(struct floor *f)
{
	struct media_coder *c = coder_new(&media_codec_pcma, 8000, 0, 0);

	f->speech_n = (size_t)f->rate_hz * f->seconds;
	f->speech = voices_new(f->rate_hz, f->speech_n, SIP_HZ);
	packets_init(&f->from_sip, f, f->sip_ptime_ms);
	encode_all(&f->from_sip, c, f->speech,
		   (size_t)8000 * f->sip_ptime_ms / 1000);
	media_coder_free(&c);
	packets_init(&f->to_tg, f, f->tg_ptime_ms);
}

/* -- the parts, each for all seconds ------------------------------------ */

static void run_encode(struct floor *f)
{
	struct media_coder *c =
		coder_new(&media_codec_opus, f->rate_hz, BRIDGE_OPUS_BITRATE,
			  BRIDGE_OPUS_LOSS_PERCENT);

	encode_all(&f->to_tg, c, f->speech,
		   (size_t)f->rate_hz * f->tg_ptime_ms / 1000);
	media_coder_free(&c);
}

static void run_decode(struct floor *f)
{
	struct media_coder *c = coder_new(&media_codec_opus, f->rate_hz, 0, 0);
	int16_t pcm[8000 * MEDIA_PACKET_MS_MAX / 1000];

	for (size_t i = 0; i < f->from_tg.n; i++)
		if (media_decode(
			    c, pcm, sizeof(pcm) / sizeof(pcm[0]),
			    bytes_of(f->from_tg.p[i].bytes, f->from_tg.p[i].n),
			    false) <= 0)
			die("decoding failed");
	media_coder_free(&c);
}

static void run_g711(struct floor *f)
{
	struct media_coder *c = coder_new(&media_codec_pcma, 8000, 0, 0);
	size_t frame = (size_t)8000 * f->sip_ptime_ms / 1000;
	int16_t pcm[8000 * MEDIA_PACKET_MS_MAX / 1000];
	uint8_t out[PACKET_MAX];

	for (size_t i = 0; i < f->from_sip.n; i++)
		if (media_decode(c, pcm, frame,
				 bytes_of(f->from_sip.p[i].bytes, frame),
				 false) != (int)frame ||
		    media_encode(c, out, sizeof(out), f->speech + i * frame,
				 frame) != (int)frame)
			die("A-law failed");
	media_coder_free(&c);
}

static struct srtp *srtp_new(void)
{
	static const uint8_t key[SRTP_KEY_BYTES] = {1, 2, 3};
	struct srtp *s = NULL;

	if (srtp_alloc(&s, SRTP_SUITE, key, sizeof(key), 0))
		die("no SRTP");
	return s;
}

/* An RTP packet around payload i, room for the tag behind it. */
static void rtp_fill(struct mbuf *mb, const struct packets *p, size_t i)
{
	struct rtp_header h = {.pt = 111,
			       .seq = (uint16_t)i,
			       .ts = (uint32_t)i * 960,
			       .ssrc = 1,
			       .payload = {p->p[i].bytes, p->p[i].n}};
	int n = rtp_write(mb->buf + SRTP_HEADROOM, PACKET_MAX, &h);

	if (n < 0)
		die("RTP failed");
	mb->pos = SRTP_HEADROOM;
	mb->end = SRTP_HEADROOM + (size_t)n;
}

static double run_srtp_protect(struct floor *f, struct mbuf *mb)
{
	struct srtp *s = srtp_new();
	double start = cpu_us(), took;

	for (size_t i = 0; i < f->to_tg.n; i++) {
		rtp_fill(mb, &f->to_tg, i);
		if (srtp_encrypt(s, mb))
			die("protecting failed");
	}
	took = cpu_us() - start;
	mem_deref(s);
	return took;
}

/* Packets are protected beforehand; copying them in is part of receiving. */
static double run_srtp_unprotect(struct floor *f, struct mbuf *mb)
{
	struct srtp *peer = srtp_new(), *s = srtp_new();
	struct packets wire = {.n = f->from_tg.n};
	double start, took;

	wire.p = must(calloc(wire.n, sizeof(*wire.p)));
	for (size_t i = 0; i < wire.n; i++) {
		rtp_fill(mb, &f->from_tg, i);
		if (srtp_encrypt(peer, mb))
			die("protecting failed");
		wire.p[i].n = mb->end - SRTP_HEADROOM;
		memcpy(wire.p[i].bytes, mb->buf + SRTP_HEADROOM, wire.p[i].n);
	}
	start = cpu_us();
	for (size_t i = 0; i < wire.n; i++) {
		memcpy(mb->buf + SRTP_HEADROOM, wire.p[i].bytes, wire.p[i].n);
		mb->pos = SRTP_HEADROOM;
		mb->end = SRTP_HEADROOM + wire.p[i].n;
		if (srtp_decrypt(s, mb))
			die("unprotecting failed");
	}
	took = cpu_us() - start;
	free(wire.p);
	mem_deref(peer);
	mem_deref(s);
	return took;
}

static double run_srtp(struct floor *f)
{
	struct mbuf *mb = mbuf_alloc(SRTP_HEADROOM + PACKET_MAX + 64);
	double took;

	must(mb);
	took = run_srtp_protect(f, mb) + run_srtp_unprotect(f, mb);
	mem_deref(mb);
	return took;
}

/* Sends and receives one datagram as long as each packet with `more` bytes
 * around it. */
static void datagrams(struct floor *f, const struct packets *p, size_t more)
{
	uint8_t out[PACKET_MAX + 64] = {0}, in[PACKET_MAX + 64];

	for (size_t i = 0; i < p->n; i++) {
		size_t n = p->p[i].n + more;

		if (sendto(f->sockets[0], out, n, 0, &f->address.u.sa,
			   f->address.len) != (ssize_t)n ||
		    recv(f->sockets[1], in, sizeof(in), 0) != (ssize_t)n)
			die("loopback failed");
	}
}

/* The gateway sends two streams and receives two. A datagram through loopback
 * is one send and one receive, so each pair of streams goes through once; what
 * is sent to SIP is as long as what comes from it. */
static void run_io(struct floor *f)
{
	size_t srtp = RTP_HEADER_BYTES + SRTP_TAG_BYTES;

	datagrams(f, &f->from_sip, RTP_HEADER_BYTES);
	if (f->to_tg.n == f->from_tg.n)
		datagrams(f, &f->to_tg, srtp);
	else /* one send of one stream and one receive of the other */
		datagrams(f,
			  f->to_tg.n < f->from_tg.n ? &f->to_tg : &f->from_tg,
			  srtp);
}

static double part_measure(struct floor *f, enum part part)
{
	double start = cpu_us();

	switch (part) {
	case PART_ENCODE:
		run_encode(f);
		break;
	case PART_DECODE:
		run_decode(f);
		break;
	case PART_G711:
		run_g711(f);
		break;
	case PART_SRTP:
		return run_srtp(f) / f->seconds;
	case PART_IO:
		run_io(f);
		break;
	case PARTS:
		break;
	}
	return (cpu_us() - start) / f->seconds;
}

/* -- rounds ------------------------------------------------------------- */

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), double_compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void sockets_open(struct floor *f)
{
	sa_set_str(&f->address, "127.0.0.1", 0);
	for (int i = 0; i < 2; i++) {
		f->sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (f->sockets[i] < 0 ||
		    bind(f->sockets[i], &f->address.u.sa, f->address.len))
			die("no socket");
	}
	f->address.len = sizeof(f->address.u);
	if (getsockname(f->sockets[1], &f->address.u.sa, &f->address.len))
		die("no socket");
}

static void print(const struct floor *f, double (*v)[ROUNDS_MAX])
{
	double sum = 0;

	printf("{\"sip_ptime_ms\":%u,\"tg_ptime_ms\":%u,\"peer_ptime_ms\":%u,"
	       "\"peer_rate_hz\":%u,\"peer_bitrate\":%u,",
	       f->sip_ptime_ms, f->tg_ptime_ms, f->peer_ptime_ms,
	       f->peer_rate_hz, f->peer_bitrate);
	printf("\"opus_rate_hz\":%u,\"opus_bitrate\":%d,"
	       "\"opus_complexity\":%d,\"opus_loss_percent\":%d,"
	       "\"seconds\":%u,\"rounds\":%u",
	       f->rate_hz, BRIDGE_OPUS_BITRATE, BRIDGE_OPUS_COMPLEXITY,
	       BRIDGE_OPUS_LOSS_PERCENT, f->seconds, f->rounds);
	for (int part = 0; part < PARTS; part++) {
		double m = median(v[part], f->rounds);

		sum += m;
		printf(",\"%s\":%.1f", part_names[part], m);
	}
	printf(",\"codec_floor_us_per_call_second\":%.1f}\n", sum);
}

static void option(struct floor *f, const char *name, const char *value)
{
	const struct {
		const char *name;
		unsigned *value, least, most;
	} options[] = {
		{"--sip-ptime", &f->sip_ptime_ms, 10, 60},
		{"--tg-ptime", &f->tg_ptime_ms, 10, 60},
		{"--peer-ptime", &f->peer_ptime_ms, 10, 60},
		{"--peer-rate", &f->peer_rate_hz, 8000, 48000},
		{"--peer-bitrate", &f->peer_bitrate, 6000, 510000},
		{"--seconds", &f->seconds, 1, 600},
		{"--rounds", &f->rounds, 1, ROUNDS_MAX},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		unsigned long v;

		if (strcmp(options[i].name, name) != 0)
			continue;
		v = value ? strtoul(value, NULL, 10) : 0;
		if (v < options[i].least || v > options[i].most)
			die("a value is out of range");
		*options[i].value = (unsigned)v;
		return;
	}
	die("usage: bench-codec-floor [--sip-ptime MS] [--tg-ptime MS] "
	    "[--peer-ptime MS] [--peer-rate HZ] [--peer-bitrate N] "
	    "[--seconds N] [--rounds N]");
}

int main(int argc, char **argv)
{
	static double v[PARTS][ROUNDS_MAX];
	struct floor f = {.sip_ptime_ms = 20,
			  .tg_ptime_ms = 20,
			  .peer_rate_hz = 48000,
			  .peer_bitrate = 32000,
			  .seconds = 24,
			  .rounds = 5};

	for (int i = 1; i < argc; i += 2)
		option(&f, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
	if (!f.peer_ptime_ms)
		f.peer_ptime_ms = f.tg_ptime_ms;
	f.rate_hz = bridge_rate_hz(&media_codec_pcma, &media_codec_opus);
	if (libre_init())
		die("no libre");
	sockets_open(&f);
	sip_speak(&f);
	peer_speak(&f);
	run_encode(&f); /* warms up, and makes what the other parts carry */
	for (unsigned r = 0; r < f.rounds; r++)
		for (int part = 0; part < PARTS; part++)
			v[part][r] = part_measure(&f, part);
	print(&f, v);
	free(f.speech);
	free(f.from_sip.p);
	free(f.from_tg.p);
	free(f.to_tg.p);
	(void)close(f.sockets[0]);
	(void)close(f.sockets[1]);
	libre_close();
	return 0;
}

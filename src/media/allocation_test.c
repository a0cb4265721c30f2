/* Nothing allocates per packet: a phone's RTP port and a bridge carry packets
 * for seconds of invented time while every allocation of the process is
 * counted. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/bridge.h"
#include "media/rtp_port.h"
#include "tests/check.h"
#include "tests/speech.h"

#define PACKET_MS 20
#define PACKETS 50 /* said over and over */
#define RUN_MS 6000
#define WARM_UP_MS 2000
#define RATE 8000
#define RATE_MAX 48000

/* -- counting ------------------------------------------------------------ */

/* Volatile: compilers know that malloc() reads no variables of ours. */
static volatile bool counting;
static volatile unsigned allocations;

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER
#endif
#endif

#ifdef ADDRESS_SANITIZER
/* Declared here, as not every compiler brings the header. */
int __sanitizer_install_malloc_and_free_hooks(
	void (*on_malloc)(const volatile void *p, size_t n),
	void (*on_free)(const volatile void *p));

static void on_malloc(const volatile void *p, size_t n)
{
	(void)p;
	(void)n;
	allocations += counting;
}

static void on_free(const volatile void *p)
{
	(void)p;
}

static void counter_install(void)
{
	(void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}
#else
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static void counter_install(void)
{
}

void *malloc(size_t n)
{
	allocations += counting;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations += counting;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations += counting;
	return __libc_realloc(p, n);
}
#endif

static void test_allocation_is_counted(void)
{
	void *volatile p;

	allocations = 0;
	counting = true;
	p = malloc(100);
	counting = false;
	free(p);
	CHECK_INT(allocations, 1);
}

/* -- a call -------------------------------------------------------------- */

struct said {
	size_t n;
	uint8_t bytes[1000];
};

static struct {
	struct rtp_ports *range;
	struct rtp_port *port;
	struct bridge *bridge;
	const struct media_codec *phone_codec;
	struct said by_phone[PACKETS], by_peer[PACKETS];
	int phone; /* its socket */
	struct sa port_address;
	unsigned to_phone, to_peer;
	struct media_srtp *protect; /* of the phone; NULL: plain */
} call;

static void send_to_phone(struct bytes payload, uint32_t samples, bool marker,
			  void *arg)
{
	call.to_phone +=
		rtp_port_send(call.port, payload, samples, marker) == 0;
}

static void send_to_peer(struct bytes payload, uint32_t samples, bool marker,
			 void *arg)
{
	call.to_peer++;
}

static void on_audio(const struct media_packet *p, void *arg)
{
	bridge_input(call.bridge, BRIDGE_A, p);
}

static bool speech_say(struct said *said, const struct media_codec *codec)
{
	uint32_t rate_hz = codec->rate_hz ? codec->rate_hz : RATE;
	struct media_coder_conf conf = {.rate_hz = rate_hz, .complexity = 3};
	unsigned ms = media_codec_ptime(codec, PACKET_MS);
	struct media_coder *coder = NULL;
	int16_t pcm[RATE_MAX * PACKET_MS / 1000];
	struct speech speech;
	int n = media_coder_new(&coder, codec, &conf);

	speech_init(&speech, rate_hz, 7);
	for (size_t i = 0; i < PACKETS && n >= 0; i++) {
		speech_fill(&speech, pcm, rate_hz / 1000 * ms);
		n = media_encode(coder, said[i].bytes, sizeof(said[i].bytes),
				 pcm, rate_hz / 1000 * ms);
		said[i].n = n > 0 ? (size_t)n : 0;
	}
	media_coder_free(&coder);
	return n > 0;
}

static bool phone_open(void)
{
	static const struct rtp_port_handlers handlers = {.audio = on_audio};
	struct sa here, phone;

	sa_set_str(&here, "127.0.0.1", 0);
	phone = here;
	phone.len = sizeof(phone.u);
	call.phone = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (call.phone < 0 || bind(call.phone, &here.u.sa, sizeof(here.u.in)) ||
	    getsockname(call.phone, &phone.u.sa, &phone.len) ||
	    rtp_ports_new(&call.range, 20000, 40000) ||
	    rtp_port_new(&call.port, call.range, &here, &handlers, NULL))
		return false;
	call.port_address = here;
	sa_set_port(&call.port_address, rtp_port_number(call.port));
	rtp_port_set_remote(call.port, &phone, call.phone_codec, 96, -1);
	return true;
}

static bool call_open(const struct media_codec *phone_codec)
{
	struct bridge_leg_conf a = {
		.codec = phone_codec,
		.ptime_ms = media_codec_ptime(phone_codec, PACKET_MS),
		.send = send_to_phone};
	struct bridge_leg_conf b = {.codec = &media_codec_opus,
				    .ptime_ms = 60,
				    .send = send_to_peer};

	memset(&call, 0, sizeof(call));
	call.phone_codec = phone_codec;
	return speech_say(call.by_phone, phone_codec) &&
	       speech_say(call.by_peer, &media_codec_opus) && phone_open() &&
	       bridge_new(&call.bridge, &a, &b) == 0;
}

static void call_close(void)
{
	media_srtp_free(&call.protect);
	bridge_free(&call.bridge);
	rtp_port_free(&call.port);
	rtp_ports_free(&call.range);
	(void)close(call.phone);
}

static void phone_says(unsigned i)
{
	uint8_t datagram[1200 + MEDIA_SRTP_TAIL_BYTES];
	unsigned ms = media_codec_ptime(call.phone_codec, PACKET_MS);
	struct rtp_header h = {
		.pt = 96,
		.seq = (uint16_t)i,
		.ts = i * (call.phone_codec->rtp_clock_hz / 1000 * ms),
		.ssrc = 1,
		.payload = bytes_of(call.by_phone[i % PACKETS].bytes,
				    call.by_phone[i % PACKETS].n)};
	int n = rtp_write(datagram, 1200, &h);

	if (call.protect)
		n = media_srtp_protect(call.protect, datagram, (size_t)n);
	(void)sendto(call.phone, datagram, (size_t)n, 0,
		     &call.port_address.u.sa, call.port_address.len);
	while (recv(call.phone, datagram, sizeof(datagram), 0) > 0)
		continue;
}

static void peer_says(unsigned i, usec_t now)
{
	struct media_packet p = {
		.seq = (uint16_t)i,
		.ts = i * 48 * PACKET_MS,
		.payload = bytes_of(call.by_peer[i % PACKETS].bytes,
				    call.by_peer[i % PACKETS].n),
		.arrival = now};

	/* Some are lost, so that concealment and repair work too. */
	if (i % 20 != 7)
		bridge_input(call.bridge, BRIDGE_B, &p);
}

static void call_run(void)
{
	for (unsigned ms = 0; ms < RUN_MS; ms += BRIDGE_TICK_MS) {
		usec_t now = USEC_S + ms * USEC_MS;

		counting = ms >= WARM_UP_MS;
		if (ms % media_codec_ptime(call.phone_codec, PACKET_MS) == 0)
			phone_says(ms / media_codec_ptime(call.phone_codec,
							  PACKET_MS));
		if (ms % PACKET_MS == 0) {
			peer_says(ms / PACKET_MS, now);
		}
		rtp_port_poll(call.port, now);
		bridge_tick(call.bridge, now);
	}
	counting = false;
}

static bool call_encrypt(void)
{
	struct media_srtp_key key = {.suite = MEDIA_SRTP_AES_CM_128_80};

	return rtp_port_set_sdes(call.port, &key, &key) == 0 &&
	       media_srtp_new(&call.protect, &key) == 0;
}

static void call_check(const struct media_codec *phone_codec, bool passes,
		       bool encrypted)
{
	bool opened = call_open(phone_codec) && (!encrypted || call_encrypt());

	allocations = 0;
	if (opened) {
		passes = bridge_is_passthrough(call.bridge) == passes;
		call_run();
	}
	call_close();
	CHECK(opened);
	CHECK(passes);
	CHECK_INT(allocations, 0);
	CHECK(call.to_phone > RUN_MS / PACKET_MS * 9 / 10);
	CHECK(call.to_peer > RUN_MS / 60 * 9 / 10);
}

static void test_allocation_none_per_packet_transcoding(void)
{
	const struct media_codec *const *all = media_codecs();

	for (size_t i = 1; all[i]; i++)
		call_check(all[i], false, false);
}

static void test_allocation_none_per_packet_passing_through(void)
{
	call_check(&media_codec_opus, true, false);
}

static void test_allocation_none_per_packet_encrypted(void)
{
	call_check(&media_codec_opus, true, true);
}

int main(void)
{
	counter_install();
	RUN(test_allocation_is_counted);
	RUN(test_allocation_none_per_packet_transcoding);
	RUN(test_allocation_none_per_packet_passing_through);
	RUN(test_allocation_none_per_packet_encrypted);
	return check_done();
}

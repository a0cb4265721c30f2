#include "media/bridge_fixture.h"
#include "tests/check.h"

/* -- counting allocations ----------------------------------------------- */

static size_t allocations;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HAS_ASAN)

int __sanitizer_install_malloc_and_free_hooks(
	void (*on_malloc)(const volatile void *, size_t),
	void (*on_free)(const volatile void *));

static void malloc_seen(const volatile void *p, size_t n)
{
	allocations++;
}

static void free_seen(const volatile void *p)
{
}

static void allocations_watch(void)
{
	__sanitizer_install_malloc_and_free_hooks(malloc_seen, free_seen);
}

#else

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

static void allocations_watch(void)
{
}

#endif

/* -- passing through ---------------------------------------------------- */

static void test_bridge_passes_opus_through_untouched(void)
{
	double like;
	struct bridge_leg_stats s;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	CHECK(bridge_is_passthrough(c.bridge));
	c.phase_us = 1000;
	call_run(&c, 3000);
	CHECK(delay_ms(&c, &c.a, &c.b, &like) < 20 + 20);
	CHECK(like > 0.95);
	bridge_stats(c.bridge, BRIDGE_A, &s);
	CHECK(s.packets_in >= 149);
	CHECK_INT(s.jitter.lost + s.jitter.concealed, 0);
	call_free(&c);
}

static void test_bridge_repacketises_between_20_and_60_ms(void)
{
	double like;
	struct bridge_leg_conf leg;
	struct call c;

	/* a sends 20 ms frames, b wants packets of 60 ms */
	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	leg = leg_of(&c.b, 60);
	CHECK_INT(bridge_set_leg(c.bridge, BRIDGE_B, &leg), 0);
	CHECK(bridge_is_passthrough(c.bridge));
	call_run(&c, 3000);
	CHECK(delay_ms(&c, &c.a, &c.b, &like) < 60 + 20);
	CHECK(like > 0.95);
	CHECK(c.b.packets >= 49 && c.b.packets <= 51);
	CHECK_INT(c.b.last_samples, 2880);
	CHECK_INT(c.b.bad, 0);
	call_free(&c);
}

static void test_bridge_parts_packets_of_several_frames(void)
{
	static uint8_t three[] = {0xfb, 0x03, 0xff, 0xfe,
				  0xff, 0xfe, 0xff, 0xfe};
	struct media_packet p = {.payload = {three, sizeof(three)}};
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	c.a_mute = c.b_mute = true;
	call_run(&c, 100);
	end_forget_heard(&c.b);
	for (unsigned i = 0; i < 20; i++) {
		p.seq = (uint16_t)i;
		p.ts = i * 2880;
		p.arrival = c.now;
		bridge_input(c.bridge, BRIDGE_A, &p);
		call_run(&c, 60);
		CHECK_INT(c.b.last_samples, 960);
	}
	CHECK_INT(c.b.packets, 60);
	CHECK_INT(c.b.last_n, 3);
	CHECK_INT(c.b.apart_max, 20000);
	CHECK_INT(c.b.bad, 0);
	call_free(&c);
}

static void test_bridge_keeps_long_frames_whole(void)
{
	double like;
	struct bridge_leg_conf leg;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 60, &media_codec_opus, 20));
	leg = leg_of(&c.b, 20);
	CHECK_INT(bridge_set_leg(c.bridge, BRIDGE_B, &leg), 0);
	call_run(&c, 3000);
	(void)delay_ms(&c, &c.a, &c.b, &like);
	CHECK(like > 0.95);
	CHECK_INT(c.b.last_samples, 2880);
	CHECK_INT(c.b.bad, 0);
	call_free(&c);
}

static void test_bridge_passes_losses_on_as_losses(void)
{
	double like;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 20));
	c.lost_of_100 = 5;
	call_run(&c, 6000);
	(void)delay_ms(&c, &c.a, &c.b, &like);
	printf("# %u gaps passed on, likeness %.3f\n", c.b.gaps, like);
	CHECK(c.b.gaps > 5);
	CHECK(c.b.packets + c.b.gaps >= 299 && c.b.packets + c.b.gaps <= 301);
	CHECK(like > 0.85);
	call_free(&c);
}

static void test_bridge_transcodes_opus_when_told_to(void)
{
	double like;
	struct bridge_leg_conf la, lb;
	struct call c;

	CHECK(call_new(&c, &media_codec_opus, 20, &media_codec_opus, 60));
	la = leg_of(&c.a, 20);
	lb = leg_of(&c.b, 60);
	lb.transcode = true;
	bridge_free(&c.bridge);
	CHECK_INT(bridge_new(&c.bridge, &la, &lb), 0);
	CHECK(!bridge_is_passthrough(c.bridge));
	CHECK_INT(bridge_rate_hz(la.codec, lb.codec), 48000);
	call_run(&c, 2500);
	CHECK(delay_ms(&c, &c.a, &c.b, &like) < 60 + 20 + 7);
	printf("# coded twice: likeness %.3f\n", like);
	CHECK(like > 0.85);
	CHECK_INT(c.b.last_samples, 2880);
	CHECK_INT(c.a.last_samples, 960);
	CHECK_INT(c.a.bad + c.b.bad, 0);
	call_free(&c);
}

/* -- allocations -------------------------------------------------------- */

static void test_bridge_allocates_nothing_while_running(void)
{
	static const struct media_codec *const other[] = {&media_codec_pcma,
							  &media_codec_opus};

	allocations_watch();
	for (size_t i = 0; i < 2; i++) {
		size_t before;
		struct call c;

		before = allocations;
		CHECK(call_new(&c, other[i], 20, &media_codec_opus, 60));
		CHECK(allocations > before); /* the count works */
		c.lost_of_100 = 3;
		before = allocations;
		call_run(&c, 3000);
		c.b_mute = true;
		call_run(&c, 500);
		c.b_mute = false;
		call_run(&c, 500);
		CHECK_INT(allocations - before, 0);
		call_free(&c);
	}
}

int main(void)
{
	RUN(test_bridge_passes_opus_through_untouched);
	RUN(test_bridge_repacketises_between_20_and_60_ms);
	RUN(test_bridge_parts_packets_of_several_frames);
	RUN(test_bridge_keeps_long_frames_whole);
	RUN(test_bridge_passes_losses_on_as_losses);
	RUN(test_bridge_transcodes_opus_when_told_to);
	RUN(test_bridge_allocates_nothing_while_running);
	return check_done();
}

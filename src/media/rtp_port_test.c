#include "media/rtp_port.h"

#include <errno.h>

#include "media/rtp_port_fixture_test.h"

static void audio_both_ways(const char *address)
{
	struct rtp_port_stats s;
	struct rtp_header h;
	uint8_t in[200];
	struct fixture f;
	struct peer p;
	uint16_t seq;
	uint32_t ts;
	size_t n;

	CHECK(fixture_new(&f, address));
	CHECK(peer_new(&p, address));
	CHECK_INT(rtp_port_send(f.port, bytes_str("x"), 160, false), -ENOTCONN);
	CHECK(rtp_port_silence(f.port, f.now) == USEC_NEVER);
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, 101);
	p.seq = 500;
	peer_say(&f, &p, 8, "hello");
	CHECK_INT(f.audio, 1);
	CHECK_INT(f.last.seq, 500);
	CHECK_INT(f.last.payload.n, 5);
	CHECK_MEM(f.payload, "hello", 5);
	CHECK(rtp_port_silence(f.port, f.now) == 20 * USEC_MS);

	CHECK_INT(rtp_port_send(f.port, bytes_str("one"), 160, true), 0);
	n = peer_receive(&p, in, sizeof(in));
	CHECK_INT(rtp_read(&h, bytes_of(in, n)), 0);
	CHECK(h.marker && h.pt == 8 && h.payload.n == 3);
	seq = h.seq;
	ts = h.ts;
	/* a packet lost before it came to us leaves a hole */
	CHECK_INT(rtp_port_send(f.port, bytes_of(NULL, 0), 160, false), 0);
	CHECK_INT(rtp_port_send(f.port, bytes_str("two"), 160, false), 0);
	n = peer_receive(&p, in, sizeof(in));
	CHECK_INT(rtp_read(&h, bytes_of(in, n)), 0);
	CHECK(!h.marker);
	CHECK_INT(h.seq, (uint16_t)(seq + 2));
	CHECK_INT(h.ts, (uint32_t)(ts + 320));
	rtp_port_stats(f.port, &s);
	CHECK_INT(s.tx_packets, 2);
	CHECK_INT(s.tx_bytes, 6);
	CHECK_INT(s.rx_packets, 1);
	CHECK(sa_cmp(&s.remote, &p.sa, SA_ALL));
	peer_free(&p);
	fixture_free(&f);
}

static void test_rtp_port_carries_audio_both_ways(void)
{
	audio_both_ways("127.0.0.1");
}

static void test_rtp_port_carries_audio_over_ipv6(void)
{
	struct peer p;

	if (!peer_new(&p, "::1")) {
		peer_free(&p);
		check_skip("no IPv6 loopback here");
		return;
	}
	peer_free(&p);
	audio_both_ways("::1");
}

static void test_rtp_port_latches_on_the_first_source(void)
{
	struct rtp_port_stats s;
	struct fixture f;
	struct peer nat, stranger, signalled;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&nat, "127.0.0.1") && peer_new(&stranger, "127.0.0.1"));
	CHECK(peer_new(&signalled, "127.0.0.1"));
	rtp_port_set_remote(f.port, &signalled.sa, &media_codec_pcma, 8, -1);
	peer_say(&f, &nat, 9, "wrong type"); /* proves nothing */
	CHECK_INT(f.audio, 0);
	peer_say(&f, &nat, 8, "first");
	peer_say(&f, &stranger, 8, "second");
	peer_say(&f, &nat, 8, "third");
	CHECK_INT(f.audio, 2);
	CHECK_MEM(f.payload, "third", 5);
	rtp_port_stats(f.port, &s);
	CHECK(sa_cmp(&s.remote, &nat.sa, SA_ALL));
	CHECK_INT(s.rx_foreign, 2);
	CHECK_INT(rtp_port_send(f.port, bytes_str("x"), 160, false), 0);
	CHECK(!peer_is_quiet(&nat));
	CHECK(peer_is_quiet(&signalled) && peer_is_quiet(&stranger));
	/* the first is silent for two seconds: another may take over */
	f.now += RTP_PORT_RELATCH_US - 20 * USEC_MS - 1;
	peer_say(&f, &stranger, 8, "early");
	CHECK_INT(f.audio, 2);
	f.now += 1;
	peer_say(&f, &stranger, 8, "moved");
	CHECK_INT(f.audio, 3);
	/* what was signalled is right whenever it speaks */
	peer_say(&f, &signalled, 8, "signalled");
	CHECK_INT(f.audio, 4);
	peer_say(&f, &stranger, 8, "again");
	CHECK_INT(f.audio, 4);
	peer_free(&nat);
	peer_free(&stranger);
	peer_free(&signalled);
	fixture_free(&f);
}

static void test_rtp_port_counts_garbage_and_goes_on(void)
{
	static const uint8_t short_header[11] = {0x80, 8};
	static uint8_t long_one[4200];
	struct rtp_port_stats s;
	struct fixture f;
	struct peer p;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&p, "127.0.0.1"));
	peer_say(&f, &p, 8, "before the answer");
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, 101);
	peer_send(&p, &f.rtp, "", 0);
	peer_send(&p, &f.rtp, "OPTIONS sip:x SIP/2.0", 21);
	peer_send(&p, &f.rtp, short_header, 11);
	long_one[0] = 0x80;
	peer_send(&p, &f.rtp, long_one, sizeof(long_one));
	peer_send(&p, &f.rtcp, "garbage", 7);
	f.now += 100 * USEC_MS;       /* the RTCP socket is read so often */
	peer_say(&f, &p, 101, "abc"); /* an event one byte short */
	CHECK_INT(f.audio, 0);
	peer_say(&f, &p, 8, "fine");
	CHECK_INT(f.audio, 1);
	rtp_port_stats(f.port, &s);
	CHECK_INT(s.rx_bad, 6);
	CHECK_INT(s.digits, 0);
	peer_free(&p);
	fixture_free(&f);
}

/* The longest that is read; of one that is longer the kernel cuts the end. */
static void test_rtp_port_takes_no_cut_packet(void)
{
	static uint8_t payload[4096 - 12], out[4098];
	struct rtp_header h = {.pt = 8, .ssrc = 77};
	struct rtp_port_stats s;
	struct fixture f;
	struct peer p;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&p, "127.0.0.1"));
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, -1);
	h.payload = bytes_of(payload, sizeof(payload));
	CHECK_INT(rtp_write(out, sizeof(out), &h), 4096);
	peer_send(&p, &f.rtp, out, 4096);
	rtp_port_poll(f.port, f.now);
	CHECK_INT(f.audio, 1);
	CHECK_INT(f.last.payload.n, sizeof(payload));
	peer_send(&p, &f.rtp, out, 4097);
	rtp_port_poll(f.port, f.now);
	CHECK_INT(f.audio, 1);
	rtp_port_stats(f.port, &s);
	CHECK_INT(s.rx_bad, 1);
	CHECK_INT(s.rx_packets, 1);
	peer_say(&f, &p, 8, "the next");
	CHECK_INT(f.audio, 2);
	peer_free(&p);
	fixture_free(&f);
}

static void test_rtp_port_reads_a_burst_in_one_poll(void)
{
	struct rtp_header h = {.pt = 8, .payload = {(const uint8_t *)"x", 1}};
	struct rtp_port_stats s;
	uint8_t out[20];
	struct fixture f;
	struct peer p;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&p, "127.0.0.1"));
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, -1);
	for (uint16_t i = 0; i < 50; i++) {
		h.seq = i;
		if (i % 10 == 9)
			continue;
		peer_send(&p, &f.rtp, out,
			  (size_t)rtp_write(out, sizeof(out), &h));
	}
	rtp_port_poll(f.port, f.now);
	CHECK_INT(f.audio, 45);
	rtp_port_stats(f.port, &s);
	CHECK_INT(s.rx_packets, 45);
	CHECK_INT(s.rx_lost, 4); /* the last one nobody can miss yet */
	peer_free(&p);
	fixture_free(&f);
}

static void test_rtp_port_reports_each_digit_once(void)
{
	struct rtp_port_stats s;
	struct fixture f;
	struct peer p;
	uint32_t ts;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&p, "127.0.0.1"));
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, 101);
	for (int press = 0; press < 3; press++) {
		ts = p.ts;
		for (int i = 0; i < 6; i++) {
			/* event 9; the end bit in the last three packets;
			 * duration 0x0320, 100 ms */
			p.ts = ts;
			peer_say(&f, &p, 101,
				 i < 3 ? "\x09\x0a\x01\x01"
				       : "\x09\x8a\x03\x20");
		}
		p.ts = ts + 1600;
		peer_say(&f, &p, 8, "audio between");
	}
	CHECK_STR(f.keys, "999");
	CHECK_INT(f.duration_ms, 100);
	/* an end that never comes */
	peer_say(&f, &p, 101, "\x0b\x0a\x01\x40");
	CHECK_INT(f.digits, 3);
	f.now += 200 * USEC_MS;
	rtp_port_poll(f.port, f.now);
	CHECK_STR(f.keys, "999#");
	CHECK_INT(f.duration_ms, 40);
	rtp_port_stats(f.port, &s);
	CHECK_INT(s.digits, 4);
	CHECK_INT(f.audio, 3);
	peer_free(&p);
	fixture_free(&f);
}

/* RFC 4733 2.5.1: in place of the audio, one sequence, one clock. */
static void test_rtp_port_presses_keys_in_place_of_audio(void)
{
	struct rtp_header first = {0}, h;
	unsigned events = 0;
	uint8_t datagram[300];
	struct fixture f;
	struct peer p;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&p, "127.0.0.1"));
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, -1);
	CHECK_INT(rtp_port_send_digits(f.port, "1", 8000), -ENOTSUP);
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, 101);
	CHECK_INT(rtp_port_send_digits(f.port, "x", 8000), -EINVAL);
	CHECK_INT(rtp_port_send_digits(f.port, "1#", 8000), 0);
	for (unsigned i = 0; i < 30; i++) {
		size_t n;

		CHECK_INT(rtp_port_send(f.port, bytes_str("audio"), 160, false),
			  0);
		n = peer_receive(&p, datagram, sizeof(datagram));
		CHECK_INT(rtp_read(&h, bytes_of(datagram, n)), 0);
		if (!i)
			first = h;
		CHECK_INT((uint16_t)(h.seq - first.seq), i);
		CHECK_INT(h.ssrc, first.ssrc);
		if (h.pt == 8) {
			CHECK_INT(h.ts - first.ts, i * 160);
			CHECK(!memcmp(h.payload.p, "audio", 5));
			continue;
		}
		CHECK_INT(h.pt, 101);
		CHECK_INT(h.payload.n, 4);
		CHECK_INT(h.payload.p[0], events < 7 ? 1 : 11);
		CHECK_INT(h.marker, events % 7 == 0);
		events++;
	}
	CHECK_INT(events, 14);
	peer_free(&p);
	fixture_free(&f);
}

int main(void)
{
	RUN(test_rtp_port_carries_audio_both_ways);
	RUN(test_rtp_port_carries_audio_over_ipv6);
	RUN(test_rtp_port_latches_on_the_first_source);
	RUN(test_rtp_port_counts_garbage_and_goes_on);
	RUN(test_rtp_port_takes_no_cut_packet);
	RUN(test_rtp_port_reads_a_burst_in_one_poll);
	RUN(test_rtp_port_reports_each_digit_once);
	RUN(test_rtp_port_presses_keys_in_place_of_audio);
	return check_done();
}

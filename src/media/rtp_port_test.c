#include "media/rtp_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/check.h"

/* -- a port and peers with real sockets on loopback, in invented time --- */

struct peer {
	int fd;
	struct sa sa;
	uint16_t seq;
	uint32_t ts, ssrc;
};

struct fixture {
	struct rtp_ports *range;
	struct rtp_port *port;
	struct sa rtp, rtcp; /* where the port listens */
	usec_t now;
	unsigned audio, byes, digits;
	struct media_packet last;
	uint8_t payload[16];
	char keys[16];
	unsigned duration_ms;
};

static void on_audio(const struct media_packet *p, void *arg)
{
	struct fixture *f = arg;

	f->audio++;
	f->last = *p;
	memcpy(f->payload, p->payload.p, p->payload.n < 16 ? p->payload.n : 16);
}

static void on_digit(char digit, unsigned duration_ms, void *arg)
{
	struct fixture *f = arg;

	if (f->digits < 15)
		f->keys[f->digits++] = digit;
	f->duration_ms = duration_ms;
}

static void on_bye(void *arg)
{
	struct fixture *f = arg;

	f->byes++;
}

static bool fixture_new(struct fixture *f, const char *address)
{
	static const struct rtp_port_handlers handlers = {on_audio, on_digit,
							  on_bye};
	struct sa sa;

	memset(f, 0, sizeof(*f));
	f->now = 5000 * USEC_S;
	if (sa_set_str(&sa, address, 0) ||
	    rtp_ports_new(&f->range, 40000, 49999) ||
	    rtp_port_new(&f->port, f->range, &sa, &handlers, f))
		return false;
	f->rtp = f->rtcp = sa;
	sa_set_port(&f->rtp, rtp_port_number(f->port));
	sa_set_port(&f->rtcp, (uint16_t)(rtp_port_number(f->port) + 1));
	return true;
}

static void fixture_free(struct fixture *f)
{
	rtp_port_free(&f->port);
	rtp_ports_free(&f->range);
}

static bool peer_new(struct peer *p, const char *address)
{
	memset(p, 0, sizeof(*p));
	p->fd = -1;
	if (sa_set_str(&p->sa, address, 0))
		return false;
	p->fd = socket(sa_af(&p->sa), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || bind(p->fd, &p->sa.u.sa, p->sa.len))
		return false;
	p->sa.len = sizeof(p->sa.u);
	p->ssrc = 77;
	return !getsockname(p->fd, &p->sa.u.sa, &p->sa.len);
}

static void peer_free(struct peer *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
}

static void peer_send(struct peer *p, const struct sa *to, const void *bytes,
		      size_t n)
{
	(void)sendto(p->fd, bytes, n, 0, &to->u.sa, to->len);
}

static void peer_say(struct fixture *f, struct peer *p, uint8_t pt,
		     const char *text)
{
	struct rtp_header h = {.pt = pt,
			       .seq = p->seq++,
			       .ts = p->ts,
			       .ssrc = p->ssrc,
			       .payload = bytes_str(text)};
	uint8_t out[200];
	int n = rtp_write(out, sizeof(out), &h);

	p->ts += 160;
	peer_send(p, &f->rtp, out, (size_t)n);
	rtp_port_poll(f->port, f->now);
	f->now += 20 * USEC_MS;
}

/* The next datagram at the peer; 0: none within a second. */
static size_t peer_receive(struct peer *p, uint8_t *dst, size_t room)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};
	ssize_t n;

	if (poll(&fd, 1, 1000) != 1)
		return 0;
	n = recv(p->fd, dst, room, 0);
	return n > 0 ? (size_t)n : 0;
}

static bool peer_is_quiet(struct peer *p)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 0;
}

/* -- the range ---------------------------------------------------------- */

static void test_rtp_ports_are_pairs_and_run_out(void)
{
	static const struct rtp_port_handlers none;
	uint16_t first = (uint16_t)(50001 + random_u32() % 5000 * 2);
	struct rtp_port *ports[5] = {NULL};
	struct rtp_ports *range = NULL;
	unsigned n = 0;
	struct sa sa;
	int err = 0;

	sa_set_str(&sa, "127.0.0.1", 0);
	CHECK_INT(rtp_ports_new(&range, 0, 100), -EINVAL);
	CHECK_INT(rtp_ports_new(&range, 20001, 20002), -EINVAL);
	CHECK_INT(rtp_ports_new(&range, 20000, 20000), -EINVAL);
	/* odd..odd+9: four whole pairs */
	CHECK_INT(rtp_ports_new(&range, first, (uint16_t)(first + 9)), 0);
	while (!err && n < 5)
		err = rtp_port_new(&ports[n++], range, &sa, &none, NULL);
	n--; /* the one that failed */
	CHECK_INT(err, -EADDRINUSE);
	CHECK(n >= 1 && n <= 4);
	CHECK_INT(rtp_ports_in_use(range), n);
	for (unsigned i = 0; i < n; i++) {
		uint16_t port = rtp_port_number(ports[i]);

		CHECK(port % 2 == 0 && port > first && port < first + 9);
		for (unsigned k = 0; k < i; k++)
			CHECK(port != rtp_port_number(ports[k]));
	}
	rtp_port_free(&ports[0]);
	CHECK(!ports[0]);
	CHECK_INT(rtp_port_new(&ports[0], range, &sa, &none, NULL), 0);
	for (unsigned i = 0; i < n; i++)
		rtp_port_free(&ports[i]);
	CHECK_INT(rtp_ports_in_use(range), 0);
	rtp_ports_free(&range);
}

static void test_rtp_port_skips_pairs_of_others(void)
{
	static const struct rtp_port_handlers none;
	struct rtp_ports *ours = NULL, *theirs = NULL;
	struct rtp_port *a = NULL, *b = NULL;
	uint16_t taken;
	struct sa sa;

	sa_set_str(&sa, "127.0.0.1", 0);
	CHECK_INT(rtp_ports_new(&theirs, 40000, 49999), 0);
	CHECK_INT(rtp_port_new(&a, theirs, &sa, &none, NULL), 0);
	taken = rtp_port_number(a);
	/* a range of one pair, which somebody holds */
	CHECK_INT(rtp_ports_new(&ours, taken, (uint16_t)(taken + 1)), 0);
	CHECK_INT(rtp_port_new(&b, ours, &sa, &none, NULL), -EADDRINUSE);
	CHECK_INT(rtp_ports_in_use(ours), 0);
	rtp_port_free(&a);
	CHECK_INT(rtp_port_new(&b, ours, &sa, &none, NULL), 0);
	rtp_port_free(&b);
	rtp_ports_free(&ours);
	rtp_ports_free(&theirs);
}

/* -- audio -------------------------------------------------------------- */

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
	static uint8_t payload[2048 - 12], out[2050];
	struct rtp_header h = {.pt = 8, .ssrc = 77};
	struct rtp_port_stats s;
	struct fixture f;
	struct peer p;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&p, "127.0.0.1"));
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, -1);
	h.payload = bytes_of(payload, sizeof(payload));
	CHECK_INT(rtp_write(out, sizeof(out), &h), 2048);
	peer_send(&p, &f.rtp, out, 2048);
	rtp_port_poll(f.port, f.now);
	CHECK_INT(f.audio, 1);
	CHECK_INT(f.last.payload.n, sizeof(payload));
	peer_send(&p, &f.rtp, out, 2049);
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

/* -- RTCP --------------------------------------------------------------- */

/* RTP and RTCP sockets of a peer on neighbouring ports. */
static bool peer_pair_new(struct peer *rtp, struct peer *rtcp)
{
	for (int i = 0; i < 100; i++) {
		struct sa sa;

		if (!peer_new(rtp, "127.0.0.1"))
			return false;
		sa = rtp->sa;
		sa_set_port(&sa, (uint16_t)(sa_port(&sa) + 1));
		rtcp->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		rtcp->sa = sa;
		if (!bind(rtcp->fd, &sa.u.sa, sa.len))
			return true;
		peer_free(rtp);
		peer_free(rtcp);
	}
	return false;
}

static void test_rtp_port_reports_every_five_seconds(void)
{
	unsigned reports = 0, blocks = 0;
	struct rtcp_summary s;
	struct peer rtp, rtcp = {.fd = -1};
	uint8_t in[256];
	struct fixture f;
	size_t n;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_pair_new(&rtp, &rtcp));
	rtp_port_set_remote(f.port, &rtp.sa, &media_codec_pcma, 8, -1);
	for (int i = 0; i < 1010; i++) { /* 20.2 s */
		if (i % 10 == 9)
			rtp.seq++; /* every tenth is lost */
		peer_say(&f, &rtp, 8, "x");
		CHECK_INT(rtp_port_send(f.port, bytes_str("y"), 160, false), 0);
		CHECK(peer_receive(&rtp, in, sizeof(in)));
		if (peer_is_quiet(&rtcp))
			continue;
		n = peer_receive(&rtcp, in, sizeof(in));
		CHECK_INT(rtcp_read(&s, bytes_of(in, n)), 0);
		CHECK(s.has_sr && !s.has_bye);
		reports++;
		blocks += s.blocks_n;
		CHECK_INT(s.blocks[0].ssrc, 77);
		CHECK(s.blocks[0].fraction_lost >= 20 &&
		      s.blocks[0].fraction_lost <= 26);
	}
	CHECK_INT(reports, 4);
	CHECK_INT(blocks, 4);
	rtp_port_free(&f.port);
	n = peer_receive(&rtcp, in, sizeof(in));
	CHECK_INT(rtcp_read(&s, bytes_of(in, n)), 0);
	CHECK(s.has_bye && s.has_sr);
	peer_free(&rtp);
	peer_free(&rtcp);
	fixture_free(&f);
}

static void rtcp_poll(struct fixture *f)
{
	f->now += 100 * USEC_MS;
	rtp_port_poll(f->port, f->now);
}

static void test_rtp_port_hears_bye_and_measures_the_round_trip(void)
{
	struct rtcp_sender sender = {.ssrc = 77, .packets = 1, .cname = "p"};
	struct rtp_receive_stats r = {.started = true, .received = 1};
	struct rtp_port_stats s;
	struct rtp_header h;
	struct fixture f;
	struct peer p, stranger;
	uint8_t out[256];
	uint64_t middle;
	int n;

	CHECK(fixture_new(&f, "127.0.0.1"));
	CHECK(peer_new(&p, "127.0.0.1") && peer_new(&stranger, "127.0.0.2"));
	rtp_port_set_remote(f.port, &p.sa, &media_codec_pcma, 8, -1);
	CHECK_INT(rtp_port_send(f.port, bytes_str("y"), 160, false), 0);
	CHECK_INT(rtp_read(&h, bytes_of(out, peer_receive(&p, out, 256))), 0);
	/* as if our report had been 300 ms under way and 200 ms there */
	sender.wall = clock_wall();
	middle =
		(uint64_t)sender.wall.us + 2208988800U * USEC_S - 500 * USEC_MS;
	r.ssrc = h.ssrc;
	r.last_sr = (uint32_t)((middle / USEC_S) << 16 |
			       ((middle % USEC_S) << 16) / USEC_S);
	r.last_sr_at = 1;
	sender.now = 1 + 200 * USEC_MS;
	n = rtcp_write_report(out, sizeof(out), &sender, &r);
	peer_send(&p, &f.rtcp, out, (size_t)n);
	rtcp_poll(&f);
	rtp_port_stats(f.port, &s);
	CHECK(s.rtt_us > 290000 && s.rtt_us < 1300000);
	CHECK(rtp_port_silence(f.port, f.now) == 0);
	/* from another address a BYE means nothing */
	n = rtcp_write_bye(out, sizeof(out), 77);
	peer_send(&stranger, &f.rtcp, out, (size_t)n);
	rtcp_poll(&f);
	CHECK_INT(f.byes, 0);
	peer_send(&p, &f.rtcp, out, (size_t)n);
	rtcp_poll(&f);
	CHECK_INT(f.byes, 1);
	/* the same on the RTP port (RFC 5761) */
	peer_send(&p, &f.rtp, out, (size_t)n);
	rtcp_poll(&f);
	CHECK_INT(f.byes, 2);
	peer_free(&p);
	peer_free(&stranger);
	fixture_free(&f);
}

int main(void)
{
	RUN(test_rtp_ports_are_pairs_and_run_out);
	RUN(test_rtp_port_skips_pairs_of_others);
	RUN(test_rtp_port_carries_audio_both_ways);
	RUN(test_rtp_port_carries_audio_over_ipv6);
	RUN(test_rtp_port_latches_on_the_first_source);
	RUN(test_rtp_port_counts_garbage_and_goes_on);
	RUN(test_rtp_port_takes_no_cut_packet);
	RUN(test_rtp_port_reads_a_burst_in_one_poll);
	RUN(test_rtp_port_reports_each_digit_once);
	RUN(test_rtp_port_presses_keys_in_place_of_audio);
	RUN(test_rtp_port_reports_every_five_seconds);
	RUN(test_rtp_port_hears_bye_and_measures_the_round_trip);
	return check_done();
}

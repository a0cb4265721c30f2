#include "media/rtp_port.h"

#include "media/rtp_port_fixture_test.h"

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
	RUN(test_rtp_port_reports_every_five_seconds);
	RUN(test_rtp_port_hears_bye_and_measures_the_round_trip);
	return check_done();
}

/* Fuzz target of RTP and RTCP as one stream from a peer: datagrams, each behind
 * one byte of its length, go through the readers, the reception statistics and
 * the telephone events; what was read can be written and means the same.
 */
#include <stdlib.h>

#include "media/rtp.h"
#include "media/telephone_event.h"

#define EVENT_PT 101
#define CLOCK_HZ 8000
#define DATAGRAM_MAX 256

struct stream {
	struct rtp_receive_stats stats;
	struct telephone_events events;
	usec_t now;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
	if (!claim)
		abort();
}

static void within(struct bytes inner, struct bytes outer)
{
	must(inner.n <= outer.n);
	must(!inner.n ||
	     (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n));
}

static void rtp_round_trip(const struct rtp_header *h)
{
	uint8_t out[2 * DATAGRAM_MAX];
	struct rtp_header again;
	int n = rtp_write(out, sizeof(out), h);

	if (n < 0)
		return; /* extensions that only the two-byte form carries */
	must(rtp_read(&again, bytes_of(out, (size_t)n)) == 0);
	must(again.seq == h->seq && again.ts == h->ts && again.pt == h->pt);
	must(again.ssrc == h->ssrc && again.marker == h->marker);
	must(again.extensions_n == h->extensions_n);
	must(again.padding == h->padding);
	must(bytes_equal(again.payload, h->payload));
	must(rtp_write(out, (size_t)n - 1, h) < 0);
}

static void rtp_input(struct stream *s, struct bytes datagram)
{
	struct telephone_digit d[2];
	struct rtp_header h;

	if (rtp_read(&h, datagram))
		return;
	must(rtp_is_rtp(datagram));
	within(h.payload, datagram);
	for (size_t i = 0; i < h.extensions_n; i++)
		within(h.extensions[i].data, datagram);
	rtp_round_trip(&h);
	(void)rtp_stats_update(&s->stats, &h, CLOCK_HZ, s->now);
	(void)rtp_stats_lost(&s->stats);
	if (h.pt == EVENT_PT)
		must(telephone_event_read(&s->events, d, &h, s->now) <= 2);
}

static void rtcp_input(struct stream *s, struct bytes datagram)
{
	struct rtcp_summary sum;

	if (rtcp_read(&sum, datagram) || !sum.has_sr)
		return;
	s->stats.last_sr = (uint32_t)(sum.ntp >> 16);
	s->stats.last_sr_at = s->now;
}

static void report(struct stream *s, bool sends)
{
	struct rtcp_sender from = {
		.ssrc = 1, .packets = sends, .cname = "fuzz", .now = s->now};
	struct rtcp_summary sum;
	uint8_t out[128];
	int n = rtcp_write_report(out, sizeof(out), &from, &s->stats), bye;

	must(n > 0 && n <= (int)sizeof(out));
	must(rtcp_write_report(out, (size_t)n - 1, &from, &s->stats) < 0);
	bye = rtcp_write_bye(out + n, sizeof(out) - (size_t)n, 1);
	must(bye > 0);
	must(rtcp_write_report(out, (size_t)n, &from, &s->stats) == n);
	must(rtcp_read(&sum, bytes_of(out, (size_t)(n + bye))) == 0);
	must(sum.has_bye && sum.has_sr == sends && sum.blocks_n <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream s = {.now = 1};
	struct telephone_digit d;
	struct rd r;

	rd_init(&r, data, size);
	while (r.n && !r.bad) {
		struct bytes view = rd_bytes(&r, rd_u8(&r));
		/* of exact size: the sanitizer sees one byte more */
		uint8_t *exact = malloc(view.n ? view.n : 1);
		struct bytes datagram = bytes_of(exact, view.n);

		must(exact);
		for (size_t i = 0; i < view.n; i++)
			exact[i] = view.p[i];
		if (rtp_is_rtcp(datagram))
			rtcp_input(&s, datagram);
		else
			rtp_input(&s, datagram);
		free(exact);
		s.now += 20 * USEC_MS;
		(void)telephone_event_expire(&s.events, &d, s.now);
	}
	report(&s, size & 1);
	return 0;
}

/* RTP and RTCP packets (RFC 3550, 8285, 4585; telegram-wire E.11).
 * Readers and writers of headers, receive statistics. Values; no I/O. */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H

#include "base/bytes.h"
#include "base/clock.h"

#define RTP_HEADER_BYTES 12
#define RTP_EXTENSIONS_MAX 8

struct rtp_extension {
	uint8_t id;
	struct bytes data;
};

struct rtp_header {
	bool marker;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint8_t extensions_n; /* one-byte and two-byte forms (RFC 8285) */
	struct rtp_extension extensions[RTP_EXTENSIONS_MAX];
	struct bytes payload; /* padding removed; n 0: padding only */
	uint8_t padding;      /* bytes removed */
};

/* Is this datagram RTP or RTCP at all, and which (RFC 5761)? */
bool rtp_is_rtp(struct bytes datagram);
bool rtp_is_rtcp(struct bytes datagram);
/* -EBADMSG: truncated or inconsistent. Views point into the datagram. */
int rtp_read(struct rtp_header *h, struct bytes datagram);
/* Writes header, extensions (one-byte form), payload and padding into dst;
 * returns the length, -ENOSPC, or -EINVAL for an extension that the one-byte
 * form cannot carry (id 1..14, 1..16 bytes). */
int rtp_write(uint8_t *dst, size_t room, const struct rtp_header *h);

/* -- reception statistics of one SSRC (RFC 3550 A.1, A.3, A.8) ---------- */

struct rtp_receive_stats {
	bool started;
	bool timed;        /* transit holds the packet before */
	uint8_t probation; /* packets in sequence until the source is valid */
	uint32_t ssrc;
	uint16_t max_seq;
	uint32_t cycles, base_seq, bad_seq;
	uint64_t received;
	uint64_t expected_prior, received_prior;
	uint32_t jitter_q4; /* in clock units, times 16 */
	uint32_t transit;
	uint32_t last_sr; /* middle 32 bits of the last SR's NTP time */
	usec_t last_sr_at;
};

/* 0: valid; -EINVAL: on probation (the first packet of a source) or a wild
 * sequence number, which is not counted. A new SSRC starts anew. Padding-only
 * packets count, but say nothing about jitter: their timestamps are old. */
int rtp_stats_update(struct rtp_receive_stats *s, const struct rtp_header *h,
		     uint32_t clock_hz, usec_t now);
uint64_t rtp_stats_lost(const struct rtp_receive_stats *s);

/* -- RTCP --------------------------------------------------------------- */

struct rtcp_report_block {
	uint32_t ssrc;
	uint8_t fraction_lost;
	int32_t lost;
	uint32_t highest_seq;
	uint32_t jitter;
	uint32_t last_sr, delay_since_sr; /* 1/65536 s */
};

/* What of one received compound we use; unknown packets are skipped. Reduced
 * size (RFC 5506) is accepted. -EBADMSG: truncated or inconsistent. */
struct rtcp_summary {
	bool has_sr, has_bye;
	uint32_t sender_ssrc;
	uint64_t ntp;
	uint32_t rtp_ts;
	uint8_t blocks_n;
	struct rtcp_report_block blocks[4];
};
int rtcp_read(struct rtcp_summary *s, struct bytes datagram);

struct rtcp_sender {
	uint32_t ssrc;
	uint32_t packets, octets;
	uint32_t ts; /* RTP time of the last packet */
	const char *cname;
	struct wall wall; /* now */
	usec_t now;
};
/* SR (or RR when nothing was sent) + SDES with one report block for r (may be
 * NULL). Updates r's prior counters. Returns the length or -ENOSPC. */
int rtcp_write_report(uint8_t *dst, size_t room, const struct rtcp_sender *s,
		      struct rtp_receive_stats *r);
/* A BYE alone: goes behind a report (RFC 3550 6.1) or by itself (RFC 5506). */
int rtcp_write_bye(uint8_t *dst, size_t room, uint32_t ssrc);

#endif

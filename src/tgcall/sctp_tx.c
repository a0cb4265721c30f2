#include "tgcall/sctp_tx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tgcall/sctp_packet.h"

/* In place of a congestion window: the carriers bear a few messages a call. */
#define FLIGHT_MAX 64
#define QUEUED_BYTES_MAX (1024u * 1024)
#define MISSES_MAX 3 /* RFC 9260 7.2.4 */

struct sctp_out {
	struct sctp_out *next;
	uint32_t tsn, ppid;
	uint16_t stream, ssn;
	uint8_t flags;
	bool sent, acked /* by a gap block */, due /* to be sent again */;
	unsigned misses;
	usec_t sent_at;
	size_t n;
	uint8_t data[];
};

void sctp_tx_init(struct sctp_tx *tx, const struct sctp_tx_conf *conf)
{
	*tx = (struct sctp_tx){
		.conf = *conf,
		.resend_delay = conf->resend_first,
	};
	tx->last = &tx->first;
}

static void first_drop(struct sctp_tx *tx)
{
	struct sctp_out *o = tx->first;

	tx->first = o->next;
	if (!tx->first)
		tx->last = &tx->first;
	tx->queued_bytes -= o->n;
	free(o);
}

void sctp_tx_clear(struct sctp_tx *tx)
{
	while (tx->first)
		first_drop(tx);
}

static uint16_t *stream_ssn(struct sctp_tx *tx, uint16_t stream)
{
	for (size_t i = 0; i < tx->streams_n; i++)
		if (tx->streams[i].stream == stream)
			return &tx->streams[i].ssn;
	if (tx->streams_n == SCTP_TX_STREAMS)
		return NULL;
	tx->streams[tx->streams_n].stream = stream;
	tx->streams[tx->streams_n].ssn = 0;
	return &tx->streams[tx->streams_n++].ssn;
}

/* Numbers of the old association mean nothing in the new one. A message that
 * the peer had in part cannot be continued: its rest is dropped. */
void sctp_tx_begin(struct sctp_tx *tx, uint32_t first_tsn, uint32_t peer_rwnd)
{
	while (tx->first && !(tx->first->flags & SCTP_FLAG_BEGIN))
		first_drop(tx);
	for (size_t i = 0; i < tx->streams_n; i++)
		tx->streams[i].ssn = 0;
	for (struct sctp_out *o = tx->first; o; o = o->next) {
		uint16_t *ssn = stream_ssn(tx, o->stream);

		o->sent = o->acked = o->due = false;
		o->misses = 0;
		o->ssn = *ssn;
		if (o->flags & SCTP_FLAG_END)
			(*ssn)++;
	}
	tx->next_tsn = first_tsn;
	tx->peer_rwnd = peer_rwnd;
	tx->resend_delay = tx->conf.resend_first;
}

static struct sctp_out *fragment_new(struct bytes data, size_t at, size_t n)
{
	struct sctp_out *o = calloc(1, sizeof(*o) + n);

	if (!o)
		return NULL;
	o->n = n;
	memcpy(o->data, data.p + at, n);
	o->flags = (at == 0 ? SCTP_FLAG_BEGIN : 0) |
		   (at + n == data.n ? SCTP_FLAG_END : 0);
	return o;
}

static void fragments_free(struct sctp_out *o)
{
	while (o) {
		struct sctp_out *next = o->next;

		free(o);
		o = next;
	}
}

int sctp_tx_queue(struct sctp_tx *tx, uint16_t stream, uint32_t ppid,
		  struct bytes data)
{
	struct sctp_out *list = NULL, **end = &list;
	uint16_t *ssn;

	if (data.n == 0 || data.n > tx->conf.message_max)
		return -EMSGSIZE;
	if (tx->queued_bytes + data.n > QUEUED_BYTES_MAX)
		return -ENOMEM;
	ssn = stream_ssn(tx, stream);
	if (!ssn)
		return -ENOBUFS;
	for (size_t at = 0, n; at < data.n; at += n) {
		n = data.n - at;
		if (n > tx->conf.fragment_max)
			n = tx->conf.fragment_max;
		*end = fragment_new(data, at, n);
		if (!*end) {
			fragments_free(list);
			return -ENOMEM;
		}
		(*end)->stream = stream;
		(*end)->ppid = ppid;
		(*end)->ssn = *ssn;
		end = &(*end)->next;
	}
	(*ssn)++;
	*tx->last = list;
	tx->last = end;
	tx->queued_bytes += data.n;
	return 0;
}

int sctp_tx_cumulative(struct sctp_tx *tx, uint32_t tsn)
{
	if (!sctp_tsn_after(tx->next_tsn, tsn))
		return -EBADMSG;
	while (tx->first && tx->first->sent &&
	       !sctp_tsn_after(tx->first->tsn, tsn)) {
		first_drop(tx);
		tx->resend_delay = tx->conf.resend_first;
	}
	return 0;
}

/* Is offset covered by one of the gap blocks? *highest: their end. */
static bool gaps_cover(struct bytes gaps, uint32_t offset, uint32_t *highest)
{
	bool covered = false;

	for (size_t i = 0; i + 4 <= gaps.n; i += 4) {
		uint16_t start = be16_load(gaps.p + i);
		uint16_t end = be16_load(gaps.p + i + 2);

		covered |= offset >= start && offset <= end;
		if (end > *highest)
			*highest = end;
	}
	return covered;
}

static void gaps_apply(struct sctp_tx *tx, uint32_t cumulative,
		       struct bytes gaps)
{
	for (struct sctp_out *o = tx->first; o && o->sent; o = o->next) {
		uint32_t offset = o->tsn - cumulative, highest = 0;

		o->acked = gaps_cover(gaps, offset, &highest);
		o->due &= !o->acked;
		/* RFC 9260 7.2.4, once per loss: T3 does the rest. */
		if (!o->acked && offset < highest && ++o->misses == MISSES_MAX)
			o->due = true;
	}
}

int sctp_tx_sack(struct sctp_tx *tx, struct bytes body)
{
	uint32_t cumulative, rwnd;
	struct bytes gaps;
	size_t gaps_n, duplicates_n;
	struct rd r;

	rd_init(&r, body.p, body.n);
	cumulative = rd_be32(&r);
	rwnd = rd_be32(&r);
	gaps_n = rd_be16(&r);
	duplicates_n = rd_be16(&r);
	gaps = rd_bytes(&r, gaps_n * 4);
	rd_skip(&r, duplicates_n * 4);
	if (r.bad)
		return -EBADMSG;
	/* An old one, overtaken by a newer. */
	if (tx->first && tx->first->sent &&
	    sctp_tsn_after(tx->first->tsn - 1, cumulative))
		return 0;
	if (sctp_tx_cumulative(tx, cumulative))
		return -EBADMSG;
	tx->peer_rwnd = rwnd;
	gaps_apply(tx, cumulative, gaps);
	return 0;
}

struct flight {
	size_t n, bytes;
};

static struct flight flight_count(const struct sctp_tx *tx)
{
	struct flight f = {0};

	for (const struct sctp_out *o = tx->first; o && o->sent; o = o->next) {
		if (o->acked || o->due)
			continue;
		f.n++;
		f.bytes += o->n;
	}
	return f;
}

/* The next chunk to be sent: lost ones before new ones; beyond the peer's
 * window one chunk, which is its probe (RFC 9260 6.1 A). */
static struct sctp_out *out_next(const struct sctp_tx *tx)
{
	struct flight f = flight_count(tx);
	struct sctp_out *o = tx->first;

	while (o && o->sent && !o->due)
		o = o->next;
	if (!o || f.n >= FLIGHT_MAX)
		return NULL;
	if (f.n && f.bytes + o->n > tx->peer_rwnd)
		return NULL;
	return o;
}

static void out_put(struct sctp_tx *tx, struct sctp_out *o, struct buf *b,
		    usec_t now)
{
	size_t at;

	if (!o->sent)
		o->tsn = tx->next_tsn++;
	o->sent = true;
	o->due = false;
	o->sent_at = now;
	at = sctp_chunk_begin(b, SCTP_DATA, o->flags);
	buf_be32(b, o->tsn);
	buf_be16(b, o->stream);
	buf_be16(b, o->ssn);
	buf_be32(b, o->ppid);
	buf_put(b, o->data, o->n);
	sctp_chunk_end(b, at);
}

size_t sctp_tx_put(struct sctp_tx *tx, struct buf *packet, size_t n_max,
		   usec_t now)
{
	struct sctp_out *o;
	size_t n = 0;

	while ((o = out_next(tx)) &&
	       packet->n + SCTP_DATA_HEADER_BYTES + ((o->n + 3) & ~(size_t)3) <=
		       n_max) {
		out_put(tx, o, packet, now);
		n++;
	}
	return n;
}

bool sctp_tx_has_data(const struct sctp_tx *tx)
{
	return out_next(tx) != NULL;
}

bool sctp_tx_is_empty(const struct sctp_tx *tx)
{
	return !tx->first;
}

usec_t sctp_tx_deadline(const struct sctp_tx *tx)
{
	usec_t at = USEC_NEVER;

	for (const struct sctp_out *o = tx->first; o && o->sent; o = o->next)
		if (!o->acked && !o->due && o->sent_at + tx->resend_delay < at)
			at = o->sent_at + tx->resend_delay;
	return at;
}

void sctp_tx_timeout(struct sctp_tx *tx, usec_t now)
{
	usec_t delay = tx->resend_delay;
	bool expired = false;

	for (struct sctp_out *o = tx->first; o && o->sent; o = o->next) {
		if (o->acked || o->due || now < o->sent_at + delay)
			continue;
		o->due = expired = true;
		o->misses = 0;
	}
	if (!expired)
		return;
	tx->resend_delay = delay * 2;
	if (tx->resend_delay > tx->conf.resend_cap)
		tx->resend_delay = tx->conf.resend_cap;
}

#include "tgcall/sctp_rx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "tgcall/sctp_packet.h"

/* What a hostile peer can make us keep: the message being put together and
 * this much beyond a gap. */
#define HELD_MAX 1024
#define HELD_BYTES_MAX (512u * 1024)
#define WINDOW_TSN 8192

/* RFC 9260 6.2: at least every second packet, and within 200 ms. */
#define SACK_DELAY (200 * USEC_MS)

struct sctp_held {
	struct sctp_held *next;
	struct sctp_data data; /* payload points behind this structure */
};

void sctp_rx_init(struct sctp_rx *rx, size_t message_max)
{
	*rx = (struct sctp_rx){
		.message_max = message_max,
		.sack_at = USEC_NEVER,
	};
	buf_init(&rx->partial);
	rx->ready_tail = &rx->ready;
}

static void held_drop(struct sctp_rx *rx)
{
	struct sctp_held *h = rx->held;

	rx->held = h->next;
	rx->held_n--;
	rx->held_bytes -= h->data.payload.n;
	free(h);
}

static void partial_drop(struct sctp_rx *rx)
{
	buf_clear(&rx->partial);
	rx->assembling = false;
}

void sctp_rx_begin(struct sctp_rx *rx, uint32_t first_tsn)
{
	while (rx->held)
		held_drop(rx);
	partial_drop(rx);
	rx->cumulative = first_tsn - 1;
	rx->duplicates_n = 0;
	rx->packets = 0;
	rx->sack_now = false;
	rx->sack_at = USEC_NEVER;
}

void sctp_rx_clear(struct sctp_rx *rx)
{
	struct sctp_message *m;

	sctp_rx_begin(rx, 0);
	while ((m = sctp_rx_take(rx)))
		free(m);
}

static void message_ready(struct sctp_rx *rx, const struct sctp_data *data)
{
	struct sctp_message *m = malloc(sizeof(*m) + rx->partial.n);

	if (m) {
		m->next = NULL;
		m->ppid = data->ppid;
		m->stream = data->stream;
		m->n = rx->partial.n;
		memcpy(m->data, rx->partial.p, m->n);
		*rx->ready_tail = m;
		rx->ready_tail = &m->next;
	}
	PLANT_OVERFLOW(rx->held_n && !(data->flags & SCTP_FLAG_BEGIN) &&
			       data->ppid > 255,
		       rx->partial.p, rx->partial.n);
	partial_drop(rx);
}

/* Chunks come in TSN order here. One that continues nothing, and the rest of
 * a message that grew too large, are dropped. */
static void data_assemble(struct sctp_rx *rx, const struct sctp_data *data)
{
	if (data->flags & SCTP_FLAG_BEGIN) {
		partial_drop(rx);
		rx->assembling = true;
	} else if (data->tsn != rx->expected) {
		partial_drop(rx);
	}
	if (!rx->assembling)
		return;
	rx->expected = data->tsn + 1;
	if (rx->partial.n + data->payload.n > rx->message_max) {
		partial_drop(rx);
		return;
	}
	buf_put(&rx->partial, data->payload.p, data->payload.n);
	if (rx->partial.bad)
		partial_drop(rx);
	else if (data->flags & SCTP_FLAG_END)
		message_ready(rx, data);
}

static int duplicate_note(struct sctp_rx *rx, uint32_t tsn)
{
	if (rx->duplicates_n < SCTP_DUPLICATES_MAX)
		rx->duplicates[rx->duplicates_n++] = tsn;
	rx->sack_now = true;
	return 0;
}

static int data_hold(struct sctp_rx *rx, const struct sctp_data *data)
{
	struct sctp_held **at = &rx->held, *h;

	while (*at && sctp_tsn_after(data->tsn, (*at)->data.tsn))
		at = &(*at)->next;
	if (*at && (*at)->data.tsn == data->tsn)
		return duplicate_note(rx, data->tsn);
	if (rx->held_n >= HELD_MAX ||
	    rx->held_bytes + data->payload.n > HELD_BYTES_MAX)
		return -ENOBUFS;
	h = malloc(sizeof(*h) + data->payload.n);
	if (!h)
		return -ENOBUFS;
	memcpy(h + 1, data->payload.p, data->payload.n);
	h->data = *data;
	h->data.payload.p = (const uint8_t *)(h + 1);
	h->next = *at;
	*at = h;
	rx->held_n++;
	rx->held_bytes += data->payload.n;
	return 0;
}

/* What is held and no longer beyond a gap. */
static void held_release(struct sctp_rx *rx)
{
	while (rx->held && rx->held->data.tsn == rx->cumulative + 1) {
		rx->cumulative++;
		data_assemble(rx, &rx->held->data);
		held_drop(rx);
	}
}

int sctp_rx_data(struct sctp_rx *rx, const struct sctp_data *data)
{
	if (!sctp_tsn_after(data->tsn, rx->cumulative))
		return duplicate_note(rx, data->tsn);
	if (data->tsn - rx->cumulative > WINDOW_TSN)
		return -EBADMSG;
	if (data->flags & SCTP_FLAG_IMMEDIATE)
		rx->sack_now = true;
	if (data->tsn != rx->cumulative + 1)
		return data_hold(rx, data);
	/* 6.2: a chunk that closes a gap is acknowledged at once. */
	if (rx->held)
		rx->sack_now = true;
	rx->cumulative++;
	data_assemble(rx, data);
	held_release(rx);
	return 0;
}

/* RFC 3758 3.6: everything up to the TSN counts as received; whole messages
 * among it are handed on, others are given up. */
void sctp_rx_forward(struct sctp_rx *rx, uint32_t cumulative)
{
	rx->sack_now = true;
	if (!sctp_tsn_after(cumulative, rx->cumulative))
		return;
	while (rx->held && !sctp_tsn_after(rx->held->data.tsn, cumulative)) {
		data_assemble(rx, &rx->held->data);
		held_drop(rx);
	}
	rx->cumulative = cumulative;
	held_release(rx);
}

void sctp_rx_packet_end(struct sctp_rx *rx, usec_t now)
{
	if (++rx->packets >= 2 || rx->held)
		rx->sack_now = true;
	if (rx->sack_at == USEC_NEVER)
		rx->sack_at = now + SACK_DELAY;
}

struct sctp_message *sctp_rx_take(struct sctp_rx *rx)
{
	struct sctp_message *m = rx->ready;

	if (!m)
		return NULL;
	rx->ready = m->next;
	if (!rx->ready)
		rx->ready_tail = &rx->ready;
	return m;
}

bool sctp_rx_sack_is_due(const struct sctp_rx *rx, usec_t now)
{
	return rx->sack_now || now >= rx->sack_at;
}

static size_t gaps_put(const struct sctp_rx *rx, struct buf *b, size_t n_max)
{
	const struct sctp_held *h = rx->held;
	size_t n = 0;

	while (h && n < n_max) {
		uint32_t first = h->data.tsn, last = first;

		for (h = h->next; h && h->data.tsn == last + 1; h = h->next)
			last++;
		buf_be16(b, (uint16_t)(first - rx->cumulative));
		buf_be16(b, (uint16_t)(last - rx->cumulative));
		n++;
	}
	return n;
}

void sctp_rx_sack_put(struct sctp_rx *rx, struct buf *b, size_t n_max)
{
	size_t at = sctp_chunk_begin(b, SCTP_SACK, 0), gaps, counts;
	size_t kept = rx->held_bytes + rx->partial.n;

	buf_be32(b, rx->cumulative);
	buf_be32(b, kept < SCTP_RWND ? (uint32_t)(SCTP_RWND - kept) : 0);
	counts = b->n;
	buf_be32(b, 0);
	gaps = gaps_put(rx, b, (n_max - 16 - sizeof(rx->duplicates)) / 4);
	for (size_t i = 0; i < rx->duplicates_n; i++)
		buf_be32(b, rx->duplicates[i]);
	if (!b->bad) {
		be16_store(b->p + counts, (uint16_t)gaps);
		be16_store(b->p + counts + 2, (uint16_t)rx->duplicates_n);
	}
	sctp_chunk_end(b, at);
	rx->duplicates_n = 0;
	rx->packets = 0;
	rx->sack_now = false;
	rx->sack_at = USEC_NEVER;
}

#include "tgcall/acked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEQ_SINGLE 0x80000000u
#define SEQ_NEEDS_ACK 0x40000000u
#define SEQ_COUNTER 0x3fffffffu

enum { ENTRY_CUSTOM = 127, ENTRY_EMPTY = 254, ENTRY_ACK = 255 };

#define ENTRY_BYTES 5
#define TEXT_MAX (1024u * 1024)
#define PLAIN_MAX (16u * 1024 - 16) /* 16 KiB with the msg_key */
#define RESEND_AFTER (5 * USEC_S)
#define RESEND_AGAIN_AFTER (3 * USEC_S)
#define ACK_DELAY (5 * USEC_S)
#define ACKS_MAX 256
#define KNOWN_MAX 256 /* ack-required counters remembered */
#define TEXTS_MAX 256 /* entries of one packet */
#define UNACKED_MAX 512

struct unacked {
	struct unacked *next;
	uint32_t seq;
	usec_t sent_at;
	size_t n;
	uint8_t text[];
};

struct acked {
	struct acked_conf conf;
	struct unacked *first, **last; /* oldest first */
	size_t unacked_n;
	uint32_t acks[ACKS_MAX]; /* whole seq values, to be sent */
	size_t acks_n;
	usec_t acks_at;
	uint32_t known[KNOWN_MAX]; /* ascending */
	size_t known_n;
};

int acked_new(struct acked **ap, const struct acked_conf *conf)
{
	struct acked *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->conf = *conf;
	a->last = &a->first;
	a->acks_at = USEC_NEVER;
	*ap = a;
	return 0;
}

static void unacked_drop(struct acked *a, struct unacked **at)
{
	struct unacked *u = *at;

	*at = u->next;
	if (!u->next)
		a->last = at;
	a->unacked_n--;
	bytes_wipe(u->text, u->n);
	free(u);
}

void acked_free(struct acked **ap)
{
	struct acked *a = *ap;

	if (!a)
		return;
	*ap = NULL;
	while (a->first)
		unacked_drop(a, &a->first);
	free(a);
}

/* -- sending ------------------------------------------------------------- */

static void entry_put(struct buf *b, uint32_t seq, uint8_t type)
{
	buf_be32(b, seq);
	buf_u8(b, type);
}

static void unacked_put(struct buf *b, struct unacked *u, usec_t now)
{
	entry_put(b, u->seq, ENTRY_CUSTOM);
	buf_be32(b, (uint32_t)u->n);
	buf_put(b, u->text, u->n);
	u->sent_at = now;
}

static size_t unacked_bytes(const struct unacked *u)
{
	return ENTRY_BYTES + 4 + u->n;
}

static uint32_t counter_next(struct acked *a)
{
	return ++*a->conf.counter & SEQ_COUNTER;
}

static void acks_put(struct acked *a, struct buf *b)
{
	size_t n = 0;

	while (n < a->acks_n && b->n + ENTRY_BYTES <= PLAIN_MAX)
		entry_put(b, a->acks[n++], ENTRY_ACK);
	memmove(a->acks, a->acks + n, (a->acks_n - n) * sizeof(*a->acks));
	a->acks_n -= n;
	a->acks_at = USEC_NEVER;
}

static void packet_send(struct acked *a, struct buf *b)
{
	if (!b->bad)
		a->conf.packet(buf_bytes(b), a->conf.arg);
	buf_clear(b);
}

/* Empty entry, acks, and of the queue what was last sent before `before`, in
 * order, as many as fit. */
static void service_send(struct acked *a, usec_t before, usec_t now)
{
	struct buf b;

	buf_init(&b);
	entry_put(&b, counter_next(a), ENTRY_EMPTY);
	acks_put(a, &b);
	for (struct unacked *u = a->first; u; u = u->next) {
		if (u->sent_at >= before)
			continue;
		if (b.n + unacked_bytes(u) > PLAIN_MAX)
			break;
		unacked_put(&b, u, now);
	}
	packet_send(a, &b);
}

static struct unacked *unacked_append(struct acked *a, struct bytes text)
{
	struct unacked *u = calloc(1, sizeof(*u) + text.n);

	if (!u)
		return NULL;
	u->seq = counter_next(a) | SEQ_NEEDS_ACK;
	u->n = text.n;
	memcpy(u->text, text.p, text.n);
	*a->last = u;
	a->last = &u->next;
	a->unacked_n++;
	return u;
}

int acked_send(struct acked *a, struct bytes text, usec_t now)
{
	bool alone = !a->first;
	struct unacked *u;
	struct buf b;

	/* Two entries before it at most, when it is repeated alone. */
	if (text.n > PLAIN_MAX - 4 * ENTRY_BYTES)
		return -EMSGSIZE;
	if (a->unacked_n >= UNACKED_MAX)
		return -ENOMEM;
	u = unacked_append(a, text);
	if (!u)
		return -ENOMEM;
	/* "If something is unacknowledged: append the new message to the
	 * queue and send an empty entry, pending acks, all queued messages" */
	if (!alone) {
		service_send(a, USEC_NEVER, now);
		return 0;
	}
	buf_init(&b);
	unacked_put(&b, u, now);
	acks_put(a, &b);
	packet_send(a, &b);
	return 0;
}

/* -- receiving ----------------------------------------------------------- */

struct entry {
	uint32_t seq;
	uint8_t type;
	struct bytes text;
};

/* One entry; broken: r->bad. */
static void entry_read(struct rd *r, struct entry *e)
{
	size_t n;

	*e = (struct entry){.seq = rd_be32(r), .type = rd_u8(r)};
	switch (e->type) {
	case ENTRY_CUSTOM:
		n = rd_be32(r);
		if (n > TEXT_MAX)
			rd_fail(r);
		e->text = rd_bytes(r, n);
		break;
	case ENTRY_EMPTY:
	case ENTRY_ACK:
		break;
	default:
		rd_fail(r);
	}
}

/* "Any malformed entry drops the whole packet." */
static int packet_parse(struct entry *entries, size_t *n, struct bytes plain)
{
	struct rd r;

	rd_init(&r, plain.p, plain.n);
	*n = 0;
	while (!r.bad && (r.n || *n == 0)) {
		struct entry *e = &entries[*n];

		if (*n == TEXTS_MAX)
			return -EBADMSG;
		entry_read(&r, e);
		if ((e->seq & SEQ_SINGLE) && (*n > 0 || r.n))
			return -EBADMSG;
		if (*n > 0 ? e->type == ENTRY_EMPTY : e->type == ENTRY_ACK)
			return -EBADMSG;
		(*n)++;
	}
	return r.bad ? -EBADMSG : 0;
}

static void on_ack(struct acked *a, uint32_t seq)
{
	for (struct unacked **at = &a->first; *at; at = &(*at)->next) {
		if ((*at)->seq != seq)
			continue;
		unacked_drop(a, at);
		return;
	}
}

/* "deduplicated by counter in a separate list (the list is trimmed below the
 * first ack-required counter of every packet)". true: new. */
static bool known_register(struct acked *a, uint32_t counter, bool trim)
{
	size_t at = 0;

	while (at < a->known_n && a->known[at] < counter)
		at++;
	if (trim) {
		a->known_n -= at;
		memmove(a->known, a->known + at,
			a->known_n * sizeof(*a->known));
		at = 0;
	}
	if (at < a->known_n && a->known[at] == counter)
		return false;
	if (a->known_n == KNOWN_MAX) { /* forget the smallest */
		if (at == 0)
			return false;
		a->known_n--;
		at--;
		memmove(a->known, a->known + 1, a->known_n * sizeof(*a->known));
	}
	memmove(a->known + at + 1, a->known + at,
		(a->known_n - at) * sizeof(*a->known));
	a->known[at] = counter;
	a->known_n++;
	return true;
}

static void ack_queue(struct acked *a, uint32_t seq)
{
	for (size_t i = 0; i < a->acks_n; i++)
		if (a->acks[i] == seq)
			return;
	if (a->acks_n < ACKS_MAX)
		a->acks[a->acks_n++] = seq;
}

/* Marks the texts that are new by keeping them, others become empty. Returns
 * whether an ack-required one was new. */
static bool entries_sort(struct acked *a, struct entry *entries, size_t n)
{
	bool first_needing_ack = true, fresh_needing_ack = false;

	for (size_t i = 0; i < n; i++) {
		struct entry *e = &entries[i];
		uint32_t counter = e->seq & SEQ_COUNTER;
		bool fresh = true;

		if (e->type == ENTRY_ACK)
			on_ack(a, e->seq);
		if (e->type != ENTRY_CUSTOM)
			continue;
		if (e->seq & SEQ_NEEDS_ACK) {
			fresh = known_register(a, counter, first_needing_ack);
			first_needing_ack = false;
			fresh_needing_ack |= fresh;
			ack_queue(a, e->seq);
		} else if (i > 0) {
			fresh = window_accept(a->conf.window, counter);
		}
		if (!fresh)
			e->text.n = 0;
	}
	return fresh_needing_ack;
}

int acked_input(struct acked *a, struct bytes plain, usec_t now)
{
	struct entry entries[TEXTS_MAX];
	bool fresh;
	size_t n;

	if (packet_parse(entries, &n, plain))
		return -EBADMSG;
	if (!window_accept(a->conf.window, entries[0].seq & SEQ_COUNTER))
		return -EALREADY;
	fresh = entries_sort(a, entries, n);
	for (size_t i = 0; i < n; i++)
		if (entries[i].text.n)
			a->conf.text(entries[i].text, a->conf.arg);
	/* At once for what is new, unless an answer took the acks along. */
	if (fresh && a->acks_n)
		service_send(a, 0, now);
	else if (a->acks_n && a->acks_at == USEC_NEVER)
		a->acks_at = now + ACK_DELAY;
	return 0;
}

/* -- time ---------------------------------------------------------------- */

usec_t acked_deadline(const struct acked *a)
{
	usec_t at = a->acks_at;

	for (const struct unacked *u = a->first; u; u = u->next)
		if (u->sent_at + RESEND_AFTER < at)
			at = u->sent_at + RESEND_AFTER;
	return at;
}

void acked_timeout(struct acked *a, usec_t now)
{
	if (now < acked_deadline(a))
		return;
	service_send(
		a, now >= RESEND_AGAIN_AFTER ? now - RESEND_AGAIN_AFTER + 1 : 0,
		now);
}

bool acked_is_packet(struct bytes plain)
{
	return plain.n >= ENTRY_BYTES &&
	       (plain.p[4] == ENTRY_CUSTOM || plain.p[4] == ENTRY_EMPTY);
}

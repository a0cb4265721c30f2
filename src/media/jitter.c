/* The jitter buffer's parts: slots by sequence number with payloads in one
 * ring of bytes; the delay meter (delay.c); and the player's state
 *
 *            first packet, delay >= target
 *      IDLE ───────────────────────────────▶ PLAYING ──┐ conceal: under-run,
 *        ▲                                      │  ▲   │ loss, growing
 *        └──────────────────────────────────────┘  └───┘
 *          nothing for CONCEAL_MAX_MS, a pause, a jump
 */
#include "media/jitter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/delay.h"

#define PACKETS_DEFAULT 64
#define PAYLOAD_DEFAULT 1500
#define BYTES_DEFAULT 8192
#define MAX_MS_DEFAULT 400

/* RFC 3550 A.1's bounds of what a sequence number may do. */
#define SEQ_DROPOUT_MAX 3000
#define SEQ_MISORDER_MAX 100
/* So many late packets in a row, in order: the stream was set back. */
#define LATE_RUN_MAX 8

#define STEP_MS 10         /* one EXPAND */
#define CONCEAL_MAX_MS 120 /* beyond one packet: it is a pause */
#define JUMP_MAX_MS 500    /* of timestamps, while playing */

/* Shrinking: when the delay is so much above the target, at most every so
 * often, and leaving so much. */
#define EXCESS_US 15000
#define EXCESS_LEFT_US 5000
#define SHRINK_EVERY_US (200 * USEC_MS)
#define SHRINK_LEAST_US 2500

/* Loss rates at which waiting for the repairing packet begins and ends. */
#define FEC_LOSS_ON 0.03F
#define FEC_LOSS_OFF 0.01F
#define LOSS_WEIGHT (1.0F / 128)

enum slot_state { SLOT_EMPTY, SLOT_HELD, SLOT_PLAYED };

struct slot {
	enum slot_state state;
	uint16_t seq;
	uint8_t pt;
	bool marker;
	uint32_t ts, samples;
	size_t at, n;  /* payload in the ring of bytes */
	int64_t media; /* timestamp without wrap */
	usec_t arrival;
};

struct jitter {
	struct jitter_conf conf;
	struct slot *slots;
	uint8_t *bytes;
	size_t bytes_at; /* where the next payload goes */
	size_t held;

	/* the stream's numbers */
	bool seq_known; /* something was played: next_seq is the floor */
	bool ts_known;
	uint16_t next_seq; /* to play */
	uint16_t top_seq;  /* highest held */
	uint32_t last_ts;
	int64_t last_media;
	bool wild;
	uint16_t wild_next; /* follows the wild packet */
	uint16_t late_next;
	unsigned late_run;

	/* the player */
	bool playing;
	int64_t next_media; /* of the audio to play next */
	int64_t concealed;  /* units concealed since next_media stood still */
	uint32_t packet_samples;
	usec_t residence_min; /* in the buffer, since the last decision */
	usec_t shrink_at;

	struct delay_meter meter;
	float loss;
	bool waits_for_fec;
	struct jitter_stats stats;
};

/* -- creation ----------------------------------------------------------- */

int jitter_new(struct jitter **jp, const struct jitter_conf *conf)
{
	struct jitter_conf c = *conf;
	struct jitter *j;

	c.packets_max = c.packets_max ? c.packets_max : PACKETS_DEFAULT;
	c.payload_max = c.payload_max ? c.payload_max : PAYLOAD_DEFAULT;
	c.bytes_max = c.bytes_max ? c.bytes_max : BYTES_DEFAULT;
	c.max_ms = c.max_ms ? c.max_ms : MAX_MS_DEFAULT;
	if (c.clock_hz < 8000 || c.packets_max & (c.packets_max - 1) ||
	    c.packets_max > 1024 || c.bytes_max < c.payload_max ||
	    c.min_ms > c.max_ms)
		return -EINVAL;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->conf = c;
	j->slots = calloc(c.packets_max, sizeof(*j->slots));
	j->bytes = malloc(c.bytes_max);
	if (!j->slots || !j->bytes) {
		jitter_free(&j);
		return -ENOMEM;
	}
	delay_init(&j->meter);
	jitter_reset(j);
	*jp = j;
	return 0;
}

void jitter_free(struct jitter **jp)
{
	struct jitter *j = *jp;

	*jp = NULL;
	if (!j)
		return;
	free(j->slots);
	free(j->bytes);
	free(j);
}

static void slots_clear(struct jitter *j)
{
	for (size_t i = 0; i < j->conf.packets_max; i++)
		j->slots[i].state = SLOT_EMPTY;
	j->held = 0;
}

void jitter_reset(struct jitter *j)
{
	slots_clear(j);
	j->seq_known = false;
	j->ts_known = false;
	j->wild = false;
	j->late_run = 0;
	j->playing = false;
	j->concealed = 0;
	j->residence_min = USEC_NEVER;
	delay_forget_base(&j->meter);
}

static struct slot *slot_at(struct jitter *j, uint16_t seq)
{
	return &j->slots[seq & (j->conf.packets_max - 1)];
}

static void slot_drop(struct jitter *j, struct slot *s, enum slot_state state)
{
	s->state = state;
	j->held--;
}

static int64_t units_of_ms(const struct jitter *j, unsigned ms)
{
	return (int64_t)ms * j->conf.clock_hz / 1000;
}

static int64_t media_us(const struct jitter *j, int64_t media)
{
	return media * 1000000 / j->conf.clock_hz;
}

static int64_t target_us(const struct jitter *j)
{
	int64_t t = delay_needed_us(&j->meter);

	if (j->waits_for_fec)
		t += media_us(j, j->packet_samples);
	if (t < (int64_t)j->conf.min_ms * 1000)
		t = (int64_t)j->conf.min_ms * 1000;
	if (t > (int64_t)j->conf.max_ms * 1000)
		t = (int64_t)j->conf.max_ms * 1000;
	return t;
}

/* -- in ----------------------------------------------------------------- */

static bool seq_is_late(const struct jitter *j, uint16_t seq)
{
	int16_t ahead = (int16_t)(seq - j->next_seq);

	return j->seq_known && ahead < 0 && ahead >= -SEQ_MISORDER_MAX;
}

static bool seq_is_wild(const struct jitter *j, uint16_t seq)
{
	int16_t ahead = (int16_t)(seq - j->next_seq);

	return (j->seq_known || j->held) &&
	       (ahead < -SEQ_MISORDER_MAX || ahead > SEQ_DROPOUT_MAX);
}

/* True: the stream went on elsewhere, start anew with this packet. */
static bool wild_is_followed(struct jitter *j, uint16_t seq)
{
	bool followed = j->wild && seq == j->wild_next;

	j->wild = !followed;
	j->wild_next = (uint16_t)(seq + 1);
	return followed;
}

static bool late_is_set_back(struct jitter *j, uint16_t seq)
{
	j->late_run = seq == j->late_next ? j->late_run + 1 : 1;
	j->late_next = (uint16_t)(seq + 1);
	return j->late_run >= LATE_RUN_MAX;
}

static int seq_check(struct jitter *j, uint16_t seq)
{
	const struct slot *s = slot_at(j, seq);

	if (s->state != SLOT_EMPTY && s->seq == seq &&
	    (s->state == SLOT_HELD || seq_is_late(j, seq))) {
		j->stats.repeated++;
		return -EEXIST;
	}
	if (seq_is_wild(j, seq)) {
		if (wild_is_followed(j, seq))
			jitter_reset(j);
		return j->seq_known || j->held ? -EINVAL : 0;
	}
	if (seq_is_late(j, seq)) {
		j->stats.late++;
		if (late_is_set_back(j, seq))
			jitter_reset(j);
		return j->seq_known ? -ETIME : 0;
	}
	j->wild = false;
	j->late_run = 0;
	return 0;
}

static int64_t ts_unwrap(struct jitter *j, uint32_t ts)
{
	if (j->ts_known)
		j->last_media += (int32_t)(ts - j->last_ts);
	j->ts_known = true;
	j->last_ts = ts;
	return j->last_media;
}

/* Makes room for seq in the window of slots that begins at next_seq. False:
 * it lies before the window. */
static bool window_move(struct jitter *j, uint16_t seq)
{
	uint16_t most = (uint16_t)j->conf.packets_max;

	if (!j->held) {
		/* next_seq stays where playing stopped, so that a gap is seen
		 * as one */
		if (!j->seq_known)
			j->next_seq = seq;
		else if ((uint16_t)(seq - j->next_seq) >= most)
			j->next_seq = (uint16_t)(seq - most + 1);
		j->top_seq = seq;
		return true;
	}
	if ((int16_t)(seq - j->next_seq) < 0) {
		if ((uint16_t)(j->top_seq - seq) >= most)
			return false;
		j->next_seq = seq;
		return true;
	}
	while ((uint16_t)(seq - j->next_seq) >= most) {
		struct slot *s = slot_at(j, j->next_seq);

		if (s->state == SLOT_HELD && s->seq == j->next_seq) {
			slot_drop(j, s, SLOT_EMPTY);
			j->stats.overflow++;
		}
		j->next_seq++;
	}
	if ((int16_t)(seq - j->top_seq) > 0)
		j->top_seq = seq;
	return true;
}

/* Payloads follow each other in the ring; what they overwrite is lost. */
static size_t bytes_take(struct jitter *j, size_t n)
{
	size_t at = j->bytes_at + n > j->conf.bytes_max ? 0 : j->bytes_at;
	size_t left = j->held;

	/* Held slots begin at next_seq: usually one or two are looked at. */
	for (size_t i = 0; left && i < j->conf.packets_max; i++) {
		struct slot *s = slot_at(j, (uint16_t)(j->next_seq + i));

		if (s->state != SLOT_HELD)
			continue;
		left--;
		if (s->at < at + n && at < s->at + s->n) {
			slot_drop(j, s, SLOT_EMPTY);
			j->stats.overflow++;
		}
	}
	j->bytes_at = at + n;
	return at;
}

static void slot_fill(struct jitter *j, const struct media_packet *p,
		      uint32_t samples, int64_t media)
{
	struct slot *s = slot_at(j, p->seq);
	size_t at = bytes_take(j, p->payload.n);

	if (s->state == SLOT_HELD) {
		j->stats.overflow++;
		slot_drop(j, s, SLOT_EMPTY);
	}
	memcpy(j->bytes + at, p->payload.p, p->payload.n);
	*s = (struct slot){.state = SLOT_HELD,
			   .seq = p->seq,
			   .pt = p->pt,
			   .marker = p->marker,
			   .ts = p->ts,
			   .samples = samples,
			   .at = at,
			   .n = p->payload.n,
			   .media = media,
			   .arrival = p->arrival};
	j->held++;
}

int jitter_put(struct jitter *j, const struct media_packet *p, uint32_t samples)
{
	int64_t media;
	int err;

	if (!p->payload.n)
		return 0;
	if (!samples || samples > j->conf.clock_hz)
		return -EINVAL;
	if (p->payload.n > j->conf.payload_max)
		return -EMSGSIZE;
	j->stats.received++;
	err = seq_check(j, p->seq);
	if (err == -EINVAL || err == -EEXIST)
		return err;
	media = ts_unwrap(j, p->ts);
	delay_observe(&j->meter, (int64_t)p->arrival - media_us(j, media),
		      p->arrival, (usec_t)media_us(j, samples));
	if (err)
		return err; /* late, but it told how late packets can be */
	if (!window_move(j, p->seq)) {
		j->stats.late++;
		return -ETIME;
	}
	slot_fill(j, p, samples, media);
	return 0;
}

/* -- out ---------------------------------------------------------------- */

static struct slot *head_find(struct jitter *j)
{
	for (size_t i = 0; j->held && i < j->conf.packets_max; i++) {
		uint16_t seq = (uint16_t)(j->next_seq + i);
		struct slot *s = slot_at(j, seq);

		if (s->state == SLOT_HELD && s->seq == seq)
			return s;
	}
	return NULL;
}

static int64_t delay_us(const struct jitter *j, int64_t media, usec_t now)
{
	return (int64_t)now - media_us(j, media) - j->meter.base;
}

/* Less than the target by at least a step: worth growing. */
static bool delay_is_short(const struct jitter *j, int64_t media, usec_t now)
{
	return delay_us(j, media, now) + STEP_MS * 1000 <= target_us(j);
}

static void out_packet(struct jitter *j, struct jitter_out *out,
		       const struct slot *s)
{
	out->packet.seq = s->seq;
	out->packet.ts = s->ts;
	out->packet.marker = s->marker;
	out->packet.pt = s->pt;
	out->packet.payload = bytes_of(j->bytes + s->at, s->n);
	out->packet.arrival = s->arrival;
}

static void loss_count(struct jitter *j, bool lost)
{
	j->loss += ((lost ? 1.0F : 0.0F) - j->loss) * LOSS_WEIGHT;
	if (!j->conf.fec)
		return;
	if (j->loss > FEC_LOSS_ON)
		j->waits_for_fec = true;
	else if (j->loss < FEC_LOSS_OFF)
		j->waits_for_fec = false;
}

/* How much may be taken out of this packet, in clock units. Only what every
 * packet since the last decision had to spare: if they play on arrival, a
 * large delay is the network's. */
static uint32_t shrink_units(struct jitter *j, const struct slot *s, usec_t now)
{
	usec_t residence = now > s->arrival ? now - s->arrival : 0;
	int64_t excess = delay_us(j, s->media, now) - target_us(j);
	usec_t spare;

	if (residence < j->residence_min)
		j->residence_min = residence;
	if (now < j->shrink_at)
		return 0;
	spare = j->residence_min;
	j->residence_min = USEC_NEVER;
	j->shrink_at = now + SHRINK_EVERY_US;
	if (excess < EXCESS_US)
		return 0;
	if (spare > (usec_t)(excess - EXCESS_LEFT_US))
		spare = (usec_t)(excess - EXCESS_LEFT_US);
	if (spare < SHRINK_LEAST_US)
		return 0;
	spare = spare * j->conf.clock_hz / USEC_S;
	if (spare < s->samples)
		return j->conf.shortens ? (uint32_t)spare : 0;
	return s->samples;
}

/* Packets that never came, and that under-run has already concealed. */
static void gap_count(struct jitter *j, const struct slot *s)
{
	int64_t gap = s->media - j->next_media;

	if (!j->concealed || s->seq == j->next_seq || gap <= 0)
		return;
	for (; gap > 0; gap -= j->packet_samples) {
		j->stats.lost++;
		loss_count(j, true);
	}
}

static void play(struct jitter *j, struct jitter_out *out, struct slot *s,
		 usec_t now)
{
	int64_t delay = delay_us(j, s->media, now);
	uint32_t shrink = shrink_units(j, s, now);

	out->verdict = shrink ? JITTER_DROP : JITTER_PACKET;
	out->samples = shrink ? shrink : s->samples;
	out_packet(j, out, s);
	if (shrink)
		j->stats.dropped++;
	gap_count(j, s);
	loss_count(j, false);
	j->stats.delay_ms = delay > 0 ? (uint32_t)(delay / 1000) : 0;
	j->packet_samples = s->samples;
	j->next_seq = (uint16_t)(s->seq + 1);
	j->next_media = s->media + s->samples;
	j->concealed = 0;
	j->seq_known = true;
	slot_drop(j, s, SLOT_PLAYED);
}

static void go_idle(struct jitter *j)
{
	j->playing = false;
	j->concealed = 0;
	j->residence_min = USEC_NEVER;
}

static void expand(struct jitter *j, struct jitter_out *out)
{
	j->concealed += units_of_ms(j, STEP_MS);
	j->stats.concealed++;
	out->verdict = JITTER_EXPAND;
	out->samples = (uint32_t)units_of_ms(j, STEP_MS);
}

static bool conceal_is_spent(const struct jitter *j)
{
	return j->concealed >=
	       units_of_ms(j, CONCEAL_MAX_MS) + (int64_t)j->packet_samples;
}

/* `missing` units before s, which is the next packet there is. */
static void lose(struct jitter *j, struct jitter_out *out, const struct slot *s,
		 int64_t missing)
{
	bool repairable = j->conf.fec && !j->concealed && missing <= s->samples;
	int64_t piece =
		missing < j->packet_samples ? missing : j->packet_samples;

	if (repairable) {
		piece = missing;
		out_packet(j, out, s);
	}
	out->verdict = repairable ? JITTER_FEC : JITTER_LOST;
	out->samples = (uint32_t)piece;
	j->next_media += j->concealed + piece;
	j->concealed = 0;
	if (missing == piece)
		j->next_seq = s->seq;
	else if ((uint16_t)(s->seq - j->next_seq) > 1)
		j->next_seq++;
	j->stats.lost++;
	loss_count(j, true);
}

/* After a stall more may have come at once than we are willing to hold. */
static struct slot *backlog_skip(struct jitter *j, struct slot *head)
{
	const struct slot *top = slot_at(j, j->top_seq);
	int64_t most = units_of_ms(j, j->conf.max_ms);

	if (!head || top->state != SLOT_HELD ||
	    top->media - head->media <= most)
		return head;
	most = target_us(j) * j->conf.clock_hz / 1000000;
	while (head && head != top && top->media - head->media > most) {
		slot_drop(j, head, SLOT_PLAYED);
		j->stats.dropped++;
		j->next_seq = (uint16_t)(head->seq + 1);
		head = head_find(j);
	}
	if (j->playing && head)
		j->next_media = head->media;
	return head;
}

static void get_idle(struct jitter *j, struct jitter_out *out, struct slot *s,
		     usec_t now)
{
	if (!s || delay_is_short(j, s->media, now))
		return;
	j->playing = true;
	play(j, out, s, now);
}

static void get_playing(struct jitter *j, struct jitter_out *out,
			struct slot *s, usec_t now)
{
	int64_t gap = s->media - j->next_media;
	int64_t jump = units_of_ms(j, JUMP_MAX_MS);
	bool in_sequence = s->seq == j->next_seq;
	int64_t missing = in_sequence || gap < 0 ? 0 : gap - j->concealed;

	if (gap > jump || gap < -jump ||
	    (in_sequence && gap >= (int64_t)j->packet_samples)) {
		/* a pause of the sender, or a jump of its timestamps */
		go_idle(j);
		get_idle(j, out, s, now);
	} else if (missing > 0) {
		if (!conceal_is_spent(j) &&
		    delay_is_short(j, j->next_media + j->concealed, now))
			expand(j, out);
		else
			lose(j, out, s, missing);
	} else if (j->concealed && !conceal_is_spent(j) &&
		   delay_is_short(j, s->media, now)) {
		expand(j, out);
	} else {
		play(j, out, s, now);
	}
}

void jitter_get(struct jitter *j, struct jitter_out *out, usec_t now)
{
	struct slot *s = backlog_skip(j, head_find(j));

	memset(out, 0, sizeof(*out));
	out->verdict = JITTER_WAIT;
	if (!j->playing)
		get_idle(j, out, s, now);
	else if (s)
		get_playing(j, out, s, now);
	else if (conceal_is_spent(j))
		go_idle(j);
	else
		expand(j, out);
}

void jitter_stats(const struct jitter *j, struct jitter_stats *s)
{
	*s = j->stats;
	s->target_ms = (uint32_t)(target_us(j) / 1000);
	s->jitter_ms = (uint32_t)(delay_needed_us(&j->meter) / 1000);
}

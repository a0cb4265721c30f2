#include "mtproto/sequence.h"

#define SECOND_US 1000000

int64_t mtp_sequence_id(struct mtp_sequence *s, int64_t unix_us, unsigned bits)
{
	int64_t seconds = unix_us / SECOND_US;
	int64_t fraction = unix_us % SECOND_US * 4294967296 / SECOND_US;
	int64_t id = (int64_t)((uint64_t)seconds << 32 |
			       ((uint64_t)fraction & ~(uint64_t)3));

	if (id <= s->last_id)
		id = (s->last_id & ~(int64_t)3) + 4;
	id |= (int64_t)bits;
	s->last_id = id;
	return id;
}

uint32_t mtp_sequence_number(struct mtp_sequence *s, bool content)
{
	return content ? 2 * s->content++ + 1 : 2 * s->content;
}

int64_t mtp_id_seconds(int64_t msg_id)
{
	return msg_id >> 32;
}

bool mtp_window_has(const struct mtp_window *w, int64_t id)
{
	if (id > w->highest)
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (w->ids[i] == id)
			return true;
	return false;
}

void mtp_window_add(struct mtp_window *w, int64_t id, uint32_t seqno)
{
	if (w->n == MTP_WINDOW_IDS && w->ids[w->next] > w->dropped)
		w->dropped = w->ids[w->next];
	w->ids[w->next] = id;
	w->seqnos[w->next] = seqno;
	w->next = (w->next + 1) % MTP_WINDOW_IDS;
	if (w->n < MTP_WINDOW_IDS)
		w->n++;
	if (id > w->highest)
		w->highest = id;
}

void mtp_window_remove(struct mtp_window *w, int64_t id)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->ids[i] != id)
			continue;
		w->n--;
		w->ids[i] = w->ids[w->n];
		w->seqnos[i] = w->seqnos[w->n];
		w->next = w->n;
		return;
	}
}

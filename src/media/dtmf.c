#include "media/dtmf.h"

#include <errno.h>
#include <string.h>

static const char keys[] = "123A456B789C*0#D";

bool dtmf_is_digit(char c)
{
	return c && strchr(keys, c);
}

void dtmf_tones_hz(char digit, unsigned hz[2])
{
	/* ITU-T Q.23 figure 1: rows and columns */
	static const unsigned low[] = {697, 770, 852, 941};
	static const unsigned high[] = {1209, 1336, 1477, 1633};
	size_t key = (size_t)(strchr(keys, digit) - keys);

	hz[0] = low[key / 4];
	hz[1] = high[key % 4];
}

int dtmf_queue_put(struct dtmf_queue *q, const char *digits)
{
	size_t n = strlen(digits);

	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!dtmf_is_digit(digits[i]))
			return -EINVAL;
	if (n > DTMF_QUEUE_MAX - q->n)
		return -ENOSPC;
	for (size_t i = 0; i < n; i++)
		q->digits[(q->at + q->n++) % DTMF_QUEUE_MAX] = digits[i];
	return 0;
}

char dtmf_queue_take(struct dtmf_queue *q)
{
	char digit;

	if (!q->n)
		return 0;
	digit = q->digits[q->at];
	q->digits[q->at] = 0;
	q->at = (q->at + 1) % DTMF_QUEUE_MAX;
	q->n--;
	return digit;
}

bool dtmf_press(struct dtmf_presses *p, enum dtmf_method method, char digit,
		usec_t now)
{
	unsigned i = p->seen[method];

	if (p->n - i > DTMF_RECENT)
		i = p->n - DTMF_RECENT;
	for (; i != p->n; i++) {
		unsigned k = i % DTMF_RECENT;

		if (p->recent[k].digit != digit ||
		    now > p->recent[k].at + DTMF_SAME_US)
			continue;
		p->seen[method] = i + 1;
		return false;
	}
	p->recent[p->n % DTMF_RECENT].digit = digit;
	p->recent[p->n % DTMF_RECENT].at = now;
	p->seen[method] = ++p->n;
	return true;
}

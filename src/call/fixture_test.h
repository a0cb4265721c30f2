/* For tests of calls: legs that only write down what is asked of them. */
#ifndef CALL_FIXTURE_TEST_H
#define CALL_FIXTURE_TEST_H

#include "call/call.h"
#include "tests/check.h"
#include "tests/loop.h"

struct fake_leg {
	struct call_leg leg;
	int starts, rings, answers, ends, releases, start_result;
	bool elsewhere;
	int end_code;
};

static inline int fake_start(struct call_leg *leg, struct call_cause *cause)
{
	struct fake_leg *f = (struct fake_leg *)leg;

	f->starts++;
	if (f->start_result)
		call_cause_set(cause, CAUSE_SIP_UNAVAILABLE, NULL);
	return f->start_result;
}

static inline void fake_ring(struct call_leg *leg)
{
	((struct fake_leg *)leg)->rings++;
}

static inline void fake_answer(struct call_leg *leg)
{
	((struct fake_leg *)leg)->answers++;
}

static inline void fake_end(struct call_leg *leg,
			    const struct call_cause *cause, bool elsewhere)
{
	struct fake_leg *f = (struct fake_leg *)leg;

	f->ends++;
	f->elsewhere = elsewhere;
	f->end_code = cause->code;
}

static inline void fake_release(struct call_leg *leg)
{
	((struct fake_leg *)leg)->releases++;
}

static const struct call_leg_ops sip_ops = {
	.kind = "sip",
	.start = fake_start,
	.ring = fake_ring,
	.answer = fake_answer,
	.end = fake_end,
	.release = fake_release,
};

static const struct call_leg_ops telegram_ops = {
	.kind = "telegram",
	.answer_brings_media = true,
	.start = fake_start,
	.ring = fake_ring,
	.answer = fake_answer,
	.end = fake_end,
	.release = fake_release,
};

#endif

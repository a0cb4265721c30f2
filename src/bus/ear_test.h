/* For tests of a role: hears all that passes a bus, asks as another role. */
#ifndef BUS_EAR_TEST_H
#define BUS_EAR_TEST_H

#include <string.h>

#include "bus/bus.h"
#include "bus/text.h"
#include "tests/loop.h"

static struct bus *bus;
static struct bus_sub *ear;
static json_t *heard;  /* [{subject, body}], in order */
static json_t *answer; /* to the last question; NULL: none came */

static int ear_settling; /* rounds to go */

static inline void ear_on_message(const struct bus_message *m, void *arg)
{
	if (strcmp(m->subject, "ear.settle") == 0) {
		if (--ear_settling > 0)
			bus_publish(bus, m->subject, json_object());
		else
			re_cancel();
		return;
	}
	json_array_append_new(heard, json_pack("{ss sO}", "subject", m->subject,
					       "body", m->body));
}

static inline bool ear_open(void)
{
	heard = json_array();
	return !bus_local_new(&bus) &&
	       !bus_subscribe(&ear, bus, ">", ear_on_message, NULL);
}

static inline void ear_close(void)
{
	bus_unsubscribe(&ear);
	bus_free(&bus);
	json_decref(heard);
	json_decref(answer);
	heard = answer = NULL;
}

/* The i-th body heard on a subject; NULL: there were fewer. */
static inline json_t *ear_body(const char *subject, size_t i)
{
	json_t *m;
	size_t k;

	json_array_foreach(heard, k, m)
	{
		if (strcmp(text_of(m, "subject"), subject) == 0 && i-- == 0)
			return json_object_get(m, "body");
	}
	return NULL;
}

struct ear_wait {
	const char *subject;
	size_t count;
};

static inline bool ear_has(void *arg)
{
	const struct ear_wait *w = arg;

	return ear_body(w->subject, w->count - 1) != NULL;
}

/* True when the subject has been heard `count` times. */
static inline bool ear_await(const char *subject, size_t count)
{
	struct ear_wait w = {subject, count};

	return loop_until(ear_has, &w);
}

static inline void ear_on_answer(int err, json_t *o, void *arg)
{
	answer = err ? NULL : json_incref(o);
	re_cancel();
}

static inline json_t *ear_ask(const char *subject, json_t *body)
{
	json_decref(answer);
	answer = NULL;
	if (!bus_request(bus, subject, body, 2000, ear_on_answer, NULL))
		loop_until_cancelled();
	return answer;
}

/* Until what was sent, and what that made others send, has arrived. */
static inline void ear_settle(void)
{
	ear_settling = 4;
	bus_publish(bus, "ear.settle", json_object());
	loop_until_cancelled();
}

#endif

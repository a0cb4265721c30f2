#include "bus/bus.h"

#include <errno.h>

#include "tests/check.h"
#include "tests/loop.h"

static struct bus *bus;
static int seen[8], seen_n;
static int answer_err;
static int answer_value;

static void on_number(const struct bus_message *m, void *arg)
{
	if (seen_n < 8)
		seen[seen_n++] =
			(int)json_integer_value(json_object_get(m->body, "n"));
	if (seen_n == *(int *)arg)
		re_cancel();
}

static void on_echo(const struct bus_message *m, void *arg)
{
	bus_reply(bus, m->inbox, json_incref(m->body));
}

static void on_silence(const struct bus_message *m, void *arg)
{
}

static void on_answer(int err, json_t *answer, void *arg)
{
	answer_err = err;
	answer_value = (int)json_integer_value(json_object_get(answer, "n"));
	re_cancel();
}

static void test_bus_delivers_in_order_and_never_inside_publish(void)
{
	struct bus_sub *sub = NULL;
	int want = 3;

	seen_n = 0;
	CHECK_INT(bus_local_new(&bus), 0);
	CHECK_INT(bus_subscribe(&sub, bus, "a.b.>", on_number, &want), 0);
	for (int i = 1; i <= 3; i++)
		bus_publish(bus, "a.b.c", json_pack("{si}", "n", i));
	bus_publish(bus, "a.x", json_pack("{si}", "n", 9));
	CHECK_INT(seen_n, 0);
	loop_until_cancelled();
	CHECK_INT(seen_n, 3);
	CHECK(seen[0] == 1 && seen[1] == 2 && seen[2] == 3);
	bus_unsubscribe(&sub);
	bus_free(&bus);
}

static void test_bus_request_is_answered(void)
{
	struct bus_sub *sub = NULL;

	CHECK_INT(bus_local_new(&bus), 0);
	bus_subscribe(&sub, bus, "echo", on_echo, NULL);
	bus_request(bus, "echo", json_pack("{si}", "n", 7), 1000, on_answer,
		    NULL);
	loop_until_cancelled();
	CHECK_INT(answer_err, 0);
	CHECK_INT(answer_value, 7);
	bus_unsubscribe(&sub);
	bus_free(&bus);
}

static void test_bus_request_to_nobody_and_to_silence(void)
{
	struct bus_sub *sub = NULL;

	CHECK_INT(bus_local_new(&bus), 0);
	bus_request(bus, "nobody", json_object(), 1000, on_answer, NULL);
	loop_until_cancelled();
	CHECK_INT(answer_err, -ENOTCONN);
	bus_subscribe(&sub, bus, "silence", on_silence, NULL);
	bus_request(bus, "silence", json_object(), 20, on_answer, NULL);
	loop_until_cancelled();
	CHECK_INT(answer_err, -ETIMEDOUT);
	bus_request(bus, "silence", json_object(), 1000, on_answer, NULL);
	bus_free(&bus);
	CHECK_INT(answer_err, -ECANCELED);
}

int main(void)
{
	int err = libre_init();

	if (err)
		return 1;
	RUN(test_bus_delivers_in_order_and_never_inside_publish);
	RUN(test_bus_request_is_answered);
	RUN(test_bus_request_to_nobody_and_to_silence);
	libre_close();
	return check_done();
}

#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/check.h"
#include "tests/folder.h"
#include "tests/loop.h"

static char path[64];
static struct bus *bus;
static struct service *service;
static struct bus_sub *role;
static struct ctl_server *server;
static char *asked_inbox; /* of the request the role leaves unanswered */

/* -- the server's side, on libre's loop -------------------------------------
 */

static void on_asked(const struct bus_message *m, void *arg)
{
	mem_deref(asked_inbox);
	asked_inbox = NULL;
	str_dup(&asked_inbox, m->inbox);
}

static int begin(void)
{
	struct service_conf conf = {.worker = "w1", .storage = "s1"};

	bus_local_new(&bus);
	conf.bus = bus;
	service_new(&service, &conf);
	bus_subscribe(&role, bus, "worker.>", on_asked, NULL);
	return ctl_server_new(&server, path, service);
}

static void end(void)
{
	ctl_server_free(&server);
	bus_unsubscribe(&role);
	bus_free(&bus);
	service_free(&service);
	asked_inbox = mem_deref(asked_inbox);
}

/* -- a client of raw bytes --------------------------------------------------
 */

static int client = -1;
static char got[8192];
static size_t got_n;
static bool closed;

static int client_open(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	got_n = 0;
	closed = false;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	return connect(client, (struct sockaddr *)&sun, sizeof(sun));
}

static bool heard(void *arg)
{
	ssize_t n = recv(client, got + got_n, sizeof(got) - 1 - got_n, 0);

	if (n > 0)
		got_n += (size_t)n;
	closed = n == 0 || (n < 0 && errno == ECONNRESET);
	got[got_n] = '\0';
	return closed || (got_n && got[got_n - 1] == '\n');
}

static bool say(const char *text)
{
	got_n = 0;
	return send(client, text, strlen(text), MSG_NOSIGNAL) ==
	       (ssize_t)strlen(text);
}

static bool heard_both(void *arg)
{
	return heard(arg) && strstr(got, "unknown command");
}

static bool asked(void *arg)
{
	return asked_inbox != NULL;
}

/* -- the library's client, on a thread of its own ---------------------------
 */

static struct {
	const char *path;
	json_t *answer;
	int err;
	_Atomic bool done;
} asking;

static void *ask(void *arg)
{
	asking.err = ctl_ask(&asking.answer, asking.path,
			     json_pack("{ss}", "command", "show version"), 5);
	asking.done = true;
	return NULL;
}

static bool asking_done(void *arg)
{
	return asking.done;
}

static void test_ctl_carries_a_command_and_its_answer(void)
{
	pthread_t thread;
	bool ended;

	CHECK_INT(begin(), 0);
	asking.path = path;
	CHECK_INT(pthread_create(&thread, NULL, ask, NULL), 0);
	ended = loop_until(asking_done, NULL);
	pthread_join(thread, NULL);
	CHECK(ended);
	CHECK_INT(asking.err, 0);
	CHECK(json_is_true(json_object_get(asking.answer, "ok")));
	CHECK_INT(json_array_size(json_object_get(asking.answer, "rows")), 1);
	json_decref(asking.answer);
	end();
}

static void test_ctl_client_says_that_nobody_listens(void)
{
	json_t *answer = NULL;

	CHECK_INT(ctl_ask(&answer, path, json_object(), 1), -ENOENT);
	CHECK(!answer);
}

static void test_ctl_socket_is_for_its_owner_only(void)
{
	struct stat st;

	CHECK_INT(begin(), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	end();
	CHECK_INT(stat(path, &st), -1);
}

static void test_ctl_answers_and_counts_what_is_no_object(void)
{
	uint64_t before = count_get("ctl", "request");

	CHECK_INT(begin(), 0);
	CHECK_INT(client_open(), 0);
	CHECK(say("{\"command\":\n"));
	CHECK(loop_until(heard, NULL));
	CHECK(strstr(got, "not a JSON object"));
	CHECK(say("[1]\n"));
	CHECK(loop_until(heard, NULL));
	CHECK(strstr(got, "not a JSON object"));
	CHECK_INT(count_get("ctl", "request"), before + 2);
	/* The connection goes on. */
	CHECK(say("{\"command\": \"show version\"}\n"));
	CHECK(loop_until(heard, NULL));
	CHECK(strstr(got, GRAMLINE_VERSION));
	close(client);
	end();
}

static void test_ctl_takes_a_line_in_pieces_and_two_at_once(void)
{
	CHECK_INT(begin(), 0);
	CHECK_INT(client_open(), 0);
	CHECK(say("{\"comm"));
	CHECK(say("and\": \"show version\"}\n{\"command\": \"x\"}\n"));
	CHECK(loop_until(heard_both, NULL));
	CHECK(strstr(got, GRAMLINE_VERSION));
	close(client);
	end();
}

static char junk[4096];
static size_t junk_sent;

static bool junk_refused(void *arg)
{
	ssize_t n = send(client, junk, sizeof(junk), MSG_NOSIGNAL);

	if (n > 0)
		junk_sent += (size_t)n;
	return n < 0 && (errno == EPIPE || errno == ECONNRESET);
}

static void test_ctl_refuses_a_line_that_does_not_end(void)
{
	uint64_t before = count_get("ctl", "line");

	memset(junk, 'x', sizeof(junk));
	CHECK_INT(begin(), 0);
	CHECK_INT(client_open(), 0);
	CHECK(loop_until(junk_refused, NULL));
	CHECK(junk_sent > 65536);
	CHECK_INT(count_get("ctl", "line"), before + 1);
	close(client);
	end();
}

static void test_ctl_replaces_a_stale_socket_only(void)
{
	struct ctl_server *second = NULL;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	FILE *f;
	int fd;

	/* Bound, then left by a process that is gone. */
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	CHECK_INT(begin(), 0);
	/* A live one stays. */
	CHECK_INT(ctl_server_new(&second, path, service), -EADDRINUSE);
	CHECK(!second);
	CHECK_INT(client_open(), 0);
	close(client);
	end();
	/* Another kind of file is none of ours. */
	f = fopen(path, "w");
	CHECK(f != NULL);
	fclose(f);
	CHECK_INT(begin(), -EEXIST);
	CHECK_INT(stat(path, &st), 0);
	CHECK(S_ISREG(st.st_mode));
	end();
	CHECK_INT(unlink(path), 0);
}

static size_t large_n;
static char large_last;

/* Reads as a slow client does: a little at a time. */
static bool heard_large(void *arg)
{
	ssize_t n = recv(client, got, sizeof(got), 0);

	if (n > 0) {
		large_n += (size_t)n;
		large_last = got[n - 1];
	}
	closed = n == 0 || (n < 0 && errno == ECONNRESET);
	return closed || large_last == '\n';
}

/* An answer with so many bytes of text in it. */
static void large_answer(size_t rows_n)
{
	char text[1024] = {0};
	json_t *rows = json_array();

	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i < rows_n; i++)
		json_array_append_new(rows, json_string(text));
	CHECK_INT(client_open(), 0);
	CHECK(say("{\"command\": \"show calls\"}\n"));
	asked_inbox = mem_deref(asked_inbox);
	CHECK(loop_until(asked, NULL));
	bus_reply(bus, asked_inbox, json_pack("{so}", "rows", rows));
	large_n = 0;
	large_last = 0;
	CHECK(loop_until(heard_large, NULL));
}

static void test_ctl_answer_larger_than_the_socket_takes(void)
{
	CHECK_INT(begin(), 0);
	large_answer(4096);
	CHECK(!closed);
	CHECK(large_n > 4096 * 1023);
	/* The connection goes on. */
	CHECK(say("{\"command\": \"show version\"}\n"));
	CHECK(loop_until(heard, NULL));
	CHECK(strstr(got, GRAMLINE_VERSION));
	close(client);
	end();
}

static void test_ctl_answer_larger_than_anybody_waits_for(void)
{
	CHECK_INT(begin(), 0);
	large_answer(10 * 1024);
	CHECK(closed);
	close(client);
	end();
}

static void test_ctl_client_may_leave_before_its_answer(void)
{
	CHECK_INT(begin(), 0);
	CHECK_INT(client_open(), 0);
	CHECK(say("{\"command\": \"show calls\"}\n"));
	CHECK(loop_until(asked, NULL));
	close(client);
	CHECK_INT(client_open(), 0);
	/* This answer has passed the bus when the next one is heard. */
	bus_reply(bus, asked_inbox, json_pack("{s[]}", "rows"));
	CHECK(say("{\"command\": \"show version\"}\n"));
	CHECK(loop_until(heard, NULL));
	CHECK(strstr(got, GRAMLINE_VERSION));
	/* And one that waits while all is stopped. */
	CHECK(say("{\"command\": \"show status\"}\n"));
	asked_inbox = mem_deref(asked_inbox);
	CHECK(loop_until(asked, NULL));
	end();
	close(client);
}

static bool is_served(void)
{
	return say("{\"command\": \"show version\"}\n") &&
	       loop_until(heard, NULL) && !closed;
}

static void test_ctl_refuses_more_clients_than_it_has_room_for(void)
{
	int many[32];

	CHECK_INT(begin(), 0);
	for (size_t i = 0; i < 32; i++) {
		CHECK_INT(client_open(), 0);
		CHECK(is_served());
		many[i] = client;
	}
	CHECK_INT(client_open(), 0);
	CHECK(loop_until(heard, NULL));
	CHECK(closed);
	CHECK_INT(count_get("ctl", "client"), 1);
	close(client);
	/* Nobody else's descriptor was closed with it, and a place that is
	 * left is taken again. */
	CHECK(fcntl(0, F_GETFD) >= 0);
	close(many[0]);
	client = many[1];
	CHECK(is_served());
	CHECK_INT(client_open(), 0);
	CHECK(is_served());
	close(client);
	for (size_t i = 1; i < 32; i++)
		close(many[i]);
	end();
}

/* What ctl_print() writes to `stream`, and its exit status. */
static int printed(FILE *stream, json_t *answer, char text[512])
{
	FILE *file = tmpfile();
	int kept = dup(fileno(stream)), status;
	size_t n;

	fflush(stream);
	dup2(fileno(file), fileno(stream));
	status = ctl_print(answer, false);
	fflush(stream);
	dup2(kept, fileno(stream));
	close(kept);
	rewind(file);
	n = fread(text, 1, 511, file);
	text[n] = '\0';
	fclose(file);
	json_decref(answer);
	return status;
}

static void test_ctl_prints_a_table_as_wide_as_its_cells(void)
{
	char text[512];

	CHECK_INT(printed(stdout,
			  json_pack("{sb s[ss] s[{ss si}{ss sb}]}", "ok", 1,
				    "columns", "name", "n", "rows", "name",
				    "a longer one", "n", 3, "name", "", "n", 1),
			  text),
		  0);
	CHECK_STR(text, "name          n    \n"
			"a longer one  3    \n"
			"-             yes  \n");
	CHECK_INT(printed(stdout,
			  json_pack("{sb s[s] s[]}", "ok", 1, "columns", "n",
				    "rows"),
			  text),
		  0);
	CHECK_STR(text, "n  \n(none)\n");
}

static void test_ctl_prints_a_cell_on_one_line(void)
{
	char text[512];

	CHECK_INT(
		printed(stdout,
			json_pack("{sb s[s] s[{ss}{ss}]}", "ok", 1, "columns",
				  "text", "rows", "text", "{phone}\n0{userid}",
				  "text", "\x1b]0;mine\x07 \xc3\xa4"),
			text),
		0);
	CHECK_STR(text, "text                \n"
			"{phone}\\n0{userid}  \n"
			"?]0;mine? \xc3\xa4        \n");
}

static void test_ctl_prints_an_error_and_fails(void)
{
	char text[512];

	CHECK_INT(printed(stderr,
			  json_pack("{sb ss}", "ok", 0, "error", "no such"),
			  text),
		  1);
	CHECK_STR(text, "gramline: no such\n");
}

int main(void)
{
	if (!folder_make("ctl") || libre_init())
		return 1;
	folder_file(path, "socket");
	RUN(test_ctl_carries_a_command_and_its_answer);
	RUN(test_ctl_client_says_that_nobody_listens);
	RUN(test_ctl_socket_is_for_its_owner_only);
	RUN(test_ctl_answers_and_counts_what_is_no_object);
	RUN(test_ctl_takes_a_line_in_pieces_and_two_at_once);
	RUN(test_ctl_refuses_a_line_that_does_not_end);
	RUN(test_ctl_replaces_a_stale_socket_only);
	RUN(test_ctl_answer_larger_than_the_socket_takes);
	RUN(test_ctl_answer_larger_than_anybody_waits_for);
	RUN(test_ctl_client_may_leave_before_its_answer);
	RUN(test_ctl_refuses_more_clients_than_it_has_room_for);
	RUN(test_ctl_prints_a_table_as_wide_as_its_cells);
	RUN(test_ctl_prints_a_cell_on_one_line);
	RUN(test_ctl_prints_an_error_and_fails);
	libre_close();
	return check_done();
}

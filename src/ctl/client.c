#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ctl/ctl.h"

static int connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int send_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t k = send(fd, text, n, MSG_NOSIGNAL);

		if (k <= 0)
			return -errno;
		text += k;
		n -= (size_t)k;
	}
	return 0;
}

static int read_line(int fd, struct buf *line, unsigned timeout_s)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char chunk[4096];

	while (!line->n || !memchr(line->p, '\n', line->n)) {
		ssize_t n;

		if (poll(&p, 1, (int)timeout_s * 1000) <= 0)
			return -ETIMEDOUT;
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n <= 0)
			return -ECONNRESET;
		buf_put(line, chunk, (size_t)n);
	}
	return 0;
}

int ctl_ask(json_t **answer, const char *path, json_t *request,
	    unsigned timeout_s)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct buf line;
	int fd = connect_to(path);
	int err = fd < 0 ? fd : 0;

	json_decref(request);
	buf_init(&line);
	if (!text)
		err = -ENOMEM;
	if (!err)
		err = send_all(fd, text, strlen(text));
	if (!err)
		err = send_all(fd, "\n", 1);
	if (!err)
		err = read_line(fd, &line, timeout_s);
	if (!err) {
		*answer = json_loadb((const char *)line.p, line.n,
				     JSON_DISABLE_EOF_CHECK, NULL);
		err = *answer ? 0 : -EBADMSG;
	}
	if (fd >= 0)
		close(fd);
	buf_clear(&line);
	free(text);
	return err;
}

/* -- tables -------------------------------------------------------------------
 */

/* On one line, and nothing that a terminal would obey: some of it is said by
 * strangers. Line ends as the configuration writes them. */
static const char *cell(json_t *row, const char *column, struct buf *text)
{
	json_t *v = json_object_get(row, column);
	const char *s = json_string_value(v);

	buf_reset(text);
	if (json_is_integer(v))
		buf_printf(text, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		buf_str(text, json_is_true(v) ? "yes" : "no");
	for (; s && *s; s++) {
		if (*s == '\n')
			buf_str(text, "\\n");
		else
			buf_u8(text,
			       (uint8_t)(iscntrl((unsigned char)*s) ? '?'
								    : *s));
	}
	if (!text->n)
		buf_u8(text, '-');
	return buf_cstr(text);
}

static int column_width(json_t *rows, const char *column, struct buf *text)
{
	size_t width = strlen(column);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		size_t n = strlen(cell(row, column, text));

		width = n > width ? n : width;
	}
	return (int)width;
}

static void print_table(json_t *columns, json_t *rows)
{
	struct buf text;
	json_t *column, *row;
	size_t i, k;

	buf_init(&text);
	json_array_foreach(columns, k, column) printf(
		"%-*s  ", column_width(rows, json_string_value(column), &text),
		json_string_value(column));
	printf("\n");
	json_array_foreach(rows, i, row)
	{
		json_array_foreach(columns, k, column)
		{
			const char *name = json_string_value(column);
			int width = column_width(rows, name, &text);

			printf("%-*s  ", width, cell(row, name, &text));
		}
		printf("\n");
	}
	if (!json_array_size(rows))
		printf("(none)\n");
	buf_clear(&text);
}

int ctl_print(json_t *answer, bool json)
{
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *warning =
		json_string_value(json_object_get(answer, "warning"));

	if (json) {
		json_dumpf(answer, stdout,
			   JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		printf("\n");
	} else if (!ok) {
		fprintf(stderr, "gramline: %s\n", error ? error : "refused");
	}
	if (!json && warning)
		fprintf(stderr, "gramline: warning: %s\n", warning);
	if (!json && ok && json_is_array(json_object_get(answer, "rows"))) {
		print_table(json_object_get(answer, "columns"),
			    json_object_get(answer, "rows"));
	}
	return ok ? 0 : 1;
}

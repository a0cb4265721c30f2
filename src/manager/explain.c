/* A call's record in words: what happened, which hop did not do its share, and
 * what to do about it (base/cause.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"

/* The file is read from its end, so much at a time; a line is shorter. */
#define WINDOW ((off_t)1 << 20)
/* Records older than this much of the file are left to grep. */
#define SEARCH_MAX ((off_t)256 << 20)

static bool is_of(json_t *record, const char *id)
{
	static const char *const keys[] = {"call", "event", "sip_call_id"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(text_of(record, keys[i]), id) == 0)
			return true;
	return false;
}

static json_t *line_read(const char *line, size_t n, const char *id)
{
	json_t *o = NULL;

	if (memmem(line, n, id, strlen(id)))
		o = json_loadb(line, n, 0, NULL);
	if (o && is_of(o, id))
		return o;
	json_decref(o);
	return NULL;
}

/* Looks through the whole lines of a window from its end. *first: where the
 * first of them begins. */
static json_t *window_search(const char *text, size_t n, bool at_start,
			     const char *id, size_t *first)
{
	const char *end = text + n, *line;
	json_t *o;

	while (end > text) {
		line = memrchr(text, '\n', (size_t)(end - 1 - text));
		if (!line && !at_start)
			break;
		line = line ? line + 1 : text;
		o = line_read(line, (size_t)(end - line), id);
		if (o)
			return o;
		end = line;
	}
	*first = (size_t)(end - text);
	return NULL;
}

/* The newest record of this id; a new reference, NULL: none. */
static json_t *record_find(const char *path, const char *id)
{
	char *text = malloc((size_t)WINDOW);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), end = size;
	json_t *found = NULL;

	while (text && end > 0 && !found && size - end < SEARCH_MAX) {
		off_t start = end > WINDOW ? end - WINDOW : 0;
		ssize_t n = pread(fd, text, (size_t)(end - start), start);
		size_t first = 0;

		if (n != end - start)
			break;
		found = window_search(text, (size_t)n, !start, id, &first);
		end = !start || first == (size_t)n ? 0 : start + (off_t)first;
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return found;
}

/* -- words -------------------------------------------------------------------
 */

static void add(json_t *rows, const char *what, const char *text)
{
	if (*text)
		json_array_append_new(
			rows, json_pack("{ss ss}", "what", what, "text", text));
}

static void add_status(json_t *rows, const char *what, const char *before,
		       json_t *o)
{
	bool remote = strcmp(text_of(o, "sip_status_source"), "remote") == 0;
	char text[400];

	snprintf(text, sizeof(text), "%s%d %s (%s)", before,
		 (int)json_integer_value(json_object_get(o, "sip_status")),
		 text_of(o, "reason"), remote ? "received" : "made here");
	add(rows, what, text);
}

static void add_tried(json_t *rows, json_t *tried)
{
	char before[100];
	json_t *o;
	size_t i;

	json_array_foreach(tried, i, o)
	{
		snprintf(before, sizeof(before),
			 "%s, priority %d: ", text_of(o, "trunk"),
			 (int)json_integer_value(
				 json_object_get(o, "priority")));
		add_status(rows, "trunk rung", before, o);
	}
}

static void add_timeline(json_t *rows, json_t *record)
{
	static const char *const steps[] = {"invite", "ringing", "answer",
					    "connected", "end"};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		add(rows, steps[i], text_of(record, steps[i]));
}

static void add_hop(json_t *rows, json_t *record)
{
	json_t *again = json_object_get(record, "retransmissions");
	char text[120];

	snprintf(text, sizeof(text), "%s", text_of(record, "hop"));
	if (again)
		snprintf(text, sizeof(text),
			 "%s: did not answer, asked again %d times",
			 text_of(record, "hop"),
			 (int)json_integer_value(again));
	add(rows, "hop", text);
}

/* Records written before there was a name of the cause have code and reason.
 */
static const struct cause_facts *facts_of(json_t *record)
{
	enum cause_row row = cause_by_name(text_of(record, "cause"));

	if (row == CAUSE_ROWS)
		row = cause_passed((int)json_integer_value(json_object_get(
					   record, "sip_status")),
				   text_of(record, "reason"));
	return row == CAUSE_ROWS ? NULL : cause_facts(row);
}

static void add_advice(json_t *rows, json_t *record)
{
	const struct cause_facts *f = facts_of(record);

	if (!f) {
		add(rows, "what to do",
		    "the PBX made this answer: read its log, ask who runs it");
		return;
	}
	add(rows, "means", f->trigger);
	add(rows, "what to do", f->advice);
}

static json_t *explain(json_t *record)
{
	json_t *rows = json_array();
	char text[300];

	add(rows, "call", text_of(record, "call"));
	snprintf(text, sizeof(text), "%s, trunk %s, session %s",
		 text_of(record, "direction"),
		 *text_of(record, "trunk") ? text_of(record, "trunk") : "none",
		 text_of(record, "session"));
	add(rows, "way", text);
	add(rows, "from", text_of(record, "from"));
	add(rows, "to", text_of(record, "to"));
	add_timeline(rows, record);
	add_tried(rows, json_object_get(record, "tried"));
	add_status(rows, "status", "", record);
	add(rows, "ended by", text_of(record, "ended_by"));
	add_hop(rows, record);
	add_advice(rows, record);
	return rows;
}

void manager_explain(struct manager *m, const struct bus_message *msg)
{
	const char *id = text_of(msg->body, "call");
	json_t *record = m->conf.records && *id
				 ? record_find(m->conf.records, id)
				 : NULL;

	if (record)
		bus_reply(m->conf.bus, msg->inbox,
			  json_pack("{sb so sO}", "ok", 1, "rows",
				    explain(record), "record", record));
	else
		bus_reply(m->conf.bus, msg->inbox,
			  json_pack("{sb ss}", "ok", 0, "text",
				    "no record of this call; running ones: "
				    "show calls"));
	json_decref(record);
}

/* Captures of calls: when one begins, and which SIP messages belong to it. What
 * came before it was asked for is kept for a while, so that a capture begins
 * with the INVITE. */
#include "worker/capture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/text.h"
#include "sip/blank.h"
#include "sip/head.h"
#include "worker/internal.h"

#define RECENT_MAX 64
#define RECENT_BYTES_MAX 16384
#define SUFFIX ".pcapng"
#define DAY_S (24L * 3600)
/* The answer to a BYE comes when the call is gone. */
#define LINGER_MS 2000

/* A SIP message that was seen, without its secrets. */
struct recent {
	enum capture_kind kind;
	struct sa src, dst;
	struct wall at;
	char call_id[128];
	uint8_t *data; /* NULL: free */
	size_t n;
};

/* A capture whose call is over. */
struct ending {
	struct le le;
	struct tmr tmr;
	struct worker_capture capture;
};

struct worker_captures {
	struct capture_writer *writer;
	struct list endings;
	struct recent recent[RECENT_MAX];
	size_t next;
};

/* -- SIP messages ---------------------------------------------------------- */

static void put_sip(struct worker_capture *c, const struct recent *r)
{
	const struct capture_packet p = {
		.kind = r->kind,
		.src = r->src,
		.dst = r->dst,
		.data = bytes_of(r->data, r->n),
		.at = r->at,
	};

	for (size_t i = 0; c->file && i < c->ids_n; i++)
		if (strcmp(c->ids[i], r->call_id) == 0) {
			capture_control(c->file, &p);
			return;
		}
}

void worker_sip_traced(const struct sip_trace *t, void *arg)
{
	struct worker *w = arg;
	struct worker_captures *c = w->captures;
	const struct head_field *field;
	struct recent *r;
	struct head head;
	struct le *le;

	if (!c || t->text.n > RECENT_BYTES_MAX || head_read(&head, t->text))
		return;
	field = head_field(&head, "Call-ID", 0);
	if (!field || field->value.n >= sizeof(r->call_id))
		return;
	r = &c->recent[c->next++ % RECENT_MAX];
	free(r->data);
	*r = (struct recent){.kind = t->datagram ? CAPTURE_SIP
						 : CAPTURE_SIP_STREAM,
			     .src = t->src,
			     .dst = t->dst,
			     .at = clock_wall(),
			     .data = malloc(t->text.n),
			     .n = t->text.n};
	if (!r->data)
		return;
	memcpy(r->call_id, field->value.p, field->value.n);
	memcpy(r->data, t->text.p, t->text.n);
	sip_blank_secrets(r->data, r->n);
	LIST_FOREACH(&w->calls, le)
	{
		struct worker_call *wc = le->data;

		put_sip(&wc->capture, r);
	}
	LIST_FOREACH(&c->endings, le)
	{
		struct ending *e = le->data;

		put_sip(&e->capture, r);
	}
}

/* Those of the past, oldest first; id NULL: of all its dialogs. */
static void put_recent(struct worker_call *wc, const char *id)
{
	const struct worker_captures *c = wc->worker->captures;

	for (size_t i = 0; i < RECENT_MAX; i++) {
		const struct recent *r = &c->recent[(c->next + i) % RECENT_MAX];

		if (r->data && (!id || strcmp(r->call_id, id) == 0))
			put_sip(&wc->capture, r);
	}
}

/* -- files ----------------------------------------------------------------- */

/* Captures of former days. */
static void purge(const struct worker *w)
{
	time_t limit = (time_t)(clock_wall().us / USEC_S) -
		       (time_t)w->conf.capture_days * DAY_S;
	DIR *dir = w->conf.capture_days ? opendir(w->conf.captures) : NULL;
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);

		if (n > strlen(SUFFIX) &&
		    strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0 &&
		    !fstatat(dirfd(dir), entry->d_name, &st,
			     AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode) && st.st_mtime < limit)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir);
}

static int begin(struct worker_call *wc, const char *path, bool full)
{
	struct worker *w = wc->worker;
	int err = capture_open(&wc->capture.file, w->captures->writer, path,
			       full);

	if (err) {
		log_warn("worker", wc->id, "no capture %s: %s", path,
			 strerror(-err));
		return err;
	}
	snprintf(wc->capture.path, sizeof(wc->capture.path), "%s", path);
	log_info("worker", wc->id, "captured in %s", path);
	worker_capture_media(wc);
	return 0;
}

static void begin_of_trunk(struct worker_call *wc, enum trunk_capture mode)
{
	struct worker *w = wc->worker;
	char path[sizeof(wc->capture.path)];

	if (!w->conf.captures)
		return;
	(void)mkdir(w->conf.captures, 0700);
	purge(w);
	snprintf(path, sizeof(path), "%s/%s" SUFFIX, w->conf.captures, wc->id);
	(void)begin(wc, path, mode == TRUNK_CAPTURE_FULL);
}

void worker_capture_dialog(struct worker_call *wc, enum trunk_capture mode,
			   const char *call_id)
{
	struct worker_capture *c = &wc->capture;

	if (!wc->worker->captures || c->ids_n == WORKER_CAPTURE_IDS)
		return;
	snprintf(c->ids[c->ids_n++], sizeof(c->ids[0]), "%s", call_id);
	if (c->file)
		put_recent(wc, call_id);
	else if (mode != TRUNK_CAPTURE_OFF) {
		begin_of_trunk(wc, mode);
		if (c->file)
			put_recent(wc, NULL);
	}
}

void worker_capture_media(struct worker_call *wc)
{
	if (wc->capture.file && wc->media)
		media_call_capture(wc->media, wc->capture.file,
				   &wc->capture.rtp);
}

static void capture_over(struct worker_capture *c)
{
	struct capture_counts n;

	capture_count(c->file, &n);
	if (n.dropped)
		count_add("capture", "packets not written", n.dropped);
	capture_close(&c->file);
}

static void ending_over(void *arg)
{
	struct ending *e = arg;

	tmr_cancel(&e->tmr);
	list_unlink(&e->le);
	capture_over(&e->capture);
	free(e);
}

void worker_capture_end(struct worker_call *wc)
{
	struct ending *e;

	if (!wc->capture.file)
		return;
	e = calloc(1, sizeof(*e));
	if (!e) {
		capture_over(&wc->capture);
		return;
	}
	e->capture = wc->capture;
	wc->capture.file = NULL;
	list_append(&wc->worker->captures->endings, &e->le, e);
	tmr_start(&e->tmr, LINGER_MS, ending_over, e);
}

json_t *worker_capture_json(const struct worker_call *wc)
{
	struct capture_counts n;

	capture_count(wc->capture.file, &n);
	return json_pack("{ss sI sI}", "file", wc->capture.path, "packets",
			 (json_int_t)n.packets, "dropped",
			 (json_int_t)n.dropped);
}

/* -- by command ------------------------------------------------------------ */

static const char *begin_asked(struct worker *w, const char *call,
			       const char *file)
{
	struct worker_call *wc = worker_call_find(w, call);
	char path[sizeof(wc->capture.path)];
	int err;

	if (!wc || wc->call_over)
		return "no such call";
	if (!w->captures || !w->conf.captures)
		return "no folder for captures";
	if (wc->capture.file)
		return "this call is captured already";
	if (*file == '/') {
		snprintf(path, sizeof(path), "%s", file);
	} else if (strchr(file, '/')) {
		return "FILE is a name, or begins with /";
	} else {
		(void)mkdir(w->conf.captures, 0700);
		purge(w);
		snprintf(path, sizeof(path), "%s/%s", w->conf.captures, file);
	}
	err = begin(wc, path, true);
	if (err == -EEXIST)
		return "the file is there already";
	if (err)
		return strerror(-err);
	put_recent(wc, NULL);
	return NULL;
}

void worker_on_capture(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	const char *call = text_of(m->body, "call");
	const char *fault = begin_asked(w, call, text_of(m->body, "file"));
	const struct worker_call *wc = fault ? NULL : worker_call_find(w, call);

	bus_reply(w->bus, m->inbox,
		  fault ? json_pack("{sb ss}", "ok", 0, "text", fault)
			: json_pack("{sb ss}", "ok", 1, "file",
				    wc->capture.path));
}

/* -- life ------------------------------------------------------------------ */

int worker_captures_new(struct worker_captures **cp)
{
	struct worker_captures *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	err = capture_writer_new(&c->writer);
	if (err)
		free(c);
	else
		*cp = c;
	return err;
}

void worker_captures_free(struct worker_captures **cp)
{
	struct worker_captures *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	while (c->endings.head)
		ending_over(c->endings.head->data);
	capture_writer_free(&c->writer);
	for (size_t i = 0; i < RECENT_MAX; i++)
		free(c->recent[i].data);
	free(c);
}

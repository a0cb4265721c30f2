/* A file coming down: up to WINDOW chunks under way, written in order (C.4). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telegram/files.h"
#include "telegram/message_core.h"

/* "offset and limit multiples of 4 KiB, a chunk must not cross a 1 MiB border"
 */
#define CHUNK (128 * 1024)
#define WINDOW 3
#define TRIES_MAX 6
#define MIGRATIONS_MAX 3

enum chunk_state {
	CHUNK_FREE,
	CHUNK_ASKED,
	CHUNK_WAITS,   /* for its next try, or a new reference */
	CHUNK_ARRIVED, /* those before it are not written yet */
};

struct chunk {
	struct tg_download *download;
	enum chunk_state state;
	int64_t offset;
	unsigned tries, reference_no;
	struct buf data;
	struct tmr tmr;
};

struct tg_download {
	struct tg_account *account;
	struct tg_download_conf conf;
	int64_t id, access_hash, size;
	int dc_id;
	struct buf reference;
	unsigned reference_no; /* how often it was renewed */
	bool renewing, over;
	bool busy; /* handlers run; it is freed after them */
	unsigned migrations;
	int64_t asked, written; /* bytes */
	struct chunk chunks[WINDOW];
	struct tmr empty; /* an empty file is done at once */
};

/* -- life ------------------------------------------------------------------ */

static void timers_stop(struct tg_download *d)
{
	tmr_cancel(&d->empty);
	for (int i = 0; i < WINDOW; i++)
		tmr_cancel(&d->chunks[i].tmr);
}

/* Only when no answer can come any more. */
static void download_free(struct tg_download *d)
{
	if (d->renewing || d->busy)
		return;
	for (int i = 0; i < WINDOW; i++)
		if (d->chunks[i].state == CHUNK_ASKED)
			return;
	timers_stop(d);
	for (int i = 0; i < WINDOW; i++)
		buf_clear(&d->chunks[i].data);
	buf_clear(&d->reference);
	free(d);
}

void tg_download_cancel(struct tg_download **dp)
{
	struct tg_download *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	d->over = true;
	timers_stop(d);
	download_free(d);
}

static void download_end(struct tg_download *d, const struct mtp_error *err)
{
	if (d->over)
		return;
	d->over = true;
	timers_stop(d);
	d->conf.done(err, d->conf.arg);
}

static void download_fail(struct tg_download *d, int code, const char *text)
{
	struct mtp_error err = {code, text ? text : "INTERNAL"};

	download_end(d, &err);
}

/* -- asking ---------------------------------------------------------------- */

static void chunk_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg);

static int chunk_ask(struct chunk *c)
{
	struct tg_download *d = c->download;
	struct tl_arena arena;
	struct tl_obj *q, *at;
	int err;

	tl_arena_init(&arena);
	at = tl_new(&arena, TL_inputDocumentFileLocation);
	tl_set_long(at, TL_inputDocumentFileLocation_id, d->id);
	tl_set_long(at, TL_inputDocumentFileLocation_access_hash,
		    d->access_hash);
	tl_set_bytes(at, TL_inputDocumentFileLocation_file_reference,
		     d->reference.p, d->reference.n);
	tl_set_str(at, TL_inputDocumentFileLocation_thumb_size, "");
	q = tl_new(&arena, TL_upload_getFile);
	tl_set_child(q, TL_upload_getFile_location, at);
	tl_set_long(q, TL_upload_getFile_offset, c->offset);
	tl_set_int(q, TL_upload_getFile_limit, CHUNK);
	c->reference_no = d->reference_no;
	err = tg_account_query_dc(d->account, d->dc_id, q, 0, chunk_answered,
				  c);
	tl_arena_clear(&arena);
	c->state = err ? CHUNK_WAITS : CHUNK_ASKED;
	return err;
}

static int download_pump(struct tg_download *d)
{
	for (int i = 0; i < WINDOW && d->asked < d->size; i++) {
		struct chunk *c = &d->chunks[i];
		int err;

		if (c->state != CHUNK_FREE)
			continue;
		c->offset = d->asked;
		c->tries = 0;
		err = chunk_ask(c);
		if (err)
			return err;
		d->asked += CHUNK;
	}
	return 0;
}

static void chunk_again(void *arg)
{
	struct chunk *c = arg;
	struct tg_download *d = c->download;
	int err = chunk_ask(c);

	if (!err)
		return;
	download_fail(d, err, strerrorname_np(-err));
	download_free(d);
}

static void chunk_later(struct chunk *c, uint64_t ms)
{
	c->state = CHUNK_WAITS;
	tmr_start(&c->tmr, ms, chunk_again, c);
}

/* -- a reference that has expired ------------------------------------------ */

static bool reference_take(struct tg_download *d, const struct tg_message *list,
			   size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct tg_document *t = list[i].document;

		if (!t || t->id != d->id)
			continue;
		buf_reset(&d->reference);
		buf_put(&d->reference, t->reference.p, t->reference.n);
		d->reference_no++;
		return true;
	}
	return false;
}

static void renewed(const struct mtp_error *err, const struct tg_message *list,
		    size_t n, void *arg)
{
	struct tg_download *d = arg;

	d->renewing = false;
	if (!d->over && err)
		download_end(d, err);
	else if (!d->over && !reference_take(d, list, n))
		download_fail(d, 400, "FILE_REFERENCE_EXPIRED");
	if (d->over) {
		download_free(d);
		return;
	}
	for (int i = 0; i < WINDOW; i++)
		if (d->chunks[i].state == CHUNK_WAITS)
			chunk_later(&d->chunks[i], 0);
}

/* True: the chunk will be asked for again. */
static bool reference_renew(struct chunk *c)
{
	struct tg_download *d = c->download;

	if (!d->conf.message_id)
		return false;
	c->state = CHUNK_WAITS;
	if (d->renewing)
		return true;
	if (c->reference_no < d->reference_no) {
		chunk_later(c, 0); /* asked with the old one */
		return true;
	}
	if (d->reference_no ||
	    tg_messages_get(d->account, &d->conf.message_id, 1, renewed, d))
		return false;
	d->renewing = true;
	return true;
}

/* -- answers --------------------------------------------------------------- */

/* True: the chunk will be asked for again. */
static bool chunk_repeat(struct chunk *c, const struct mtp_error *err)
{
	static const char expired[] = "FILE_REFERENCE_";
	struct tg_download *d = c->download;
	int dc = tg_migrate_dc(err);

	if (dc) {
		if (dc != d->dc_id && d->migrations++ >= MIGRATIONS_MAX)
			return false;
		d->dc_id = dc;
		chunk_later(c, 0);
		return true;
	}
	if (!strncmp(err->text, expired, sizeof(expired) - 1))
		return reference_renew(c);
	if ((err->code != 408 && err->code != 500 && err->code != -503) ||
	    c->tries >= TRIES_MAX)
		return false;
	/* "500, <0: retry with 1, 2, 4 .. 60 s" (A.8) */
	chunk_later(c, (uint64_t)1000 << c->tries++);
	return true;
}

static struct chunk *chunk_next(struct tg_download *d)
{
	for (int i = 0; i < WINDOW; i++)
		if (d->chunks[i].state == CHUNK_ARRIVED &&
		    d->chunks[i].offset == d->written)
			return &d->chunks[i];
	return NULL;
}

/* What has arrived without a gap goes out. */
static int download_write(struct tg_download *d)
{
	struct chunk *c;

	while ((c = chunk_next(d)) != NULL) {
		int err = d->conf.write(buf_bytes(&c->data), c->offset,
					d->conf.arg);

		if (err)
			return err;
		d->written += (int64_t)c->data.n;
		buf_reset(&c->data);
		c->state = CHUNK_FREE;
		if (d->conf.progress)
			d->conf.progress(d->written, d->size, d->conf.arg);
		if (d->over)
			return 0;
	}
	return 0;
}

static void chunk_arrived(struct chunk *c, const struct tl_obj *answer)
{
	struct tg_download *d = c->download;
	struct bytes data = tl_bytes(answer, TL_upload_file_bytes);
	int64_t left = d->size - c->offset;
	int err;

	if (!tl_is(answer, TL_upload_file)) {
		download_fail(d, 500, "FILE_ELSEWHERE");
		return;
	}
	if (data.n != (size_t)(left < CHUNK ? left : CHUNK)) {
		download_fail(d, 500, "FILE_SHORT");
		return;
	}
	c->state = CHUNK_ARRIVED;
	buf_put(&c->data, data.p, data.n);
	err = c->data.bad ? -ENOMEM : download_write(d);
	if (!err && !d->over && d->written == d->size)
		download_end(d, NULL);
	if (!err && !d->over)
		err = download_pump(d);
	if (err)
		download_fail(d, err, strerrorname_np(-err));
}

static void chunk_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg)
{
	struct chunk *c = arg;
	struct tg_download *d = c->download;

	c->state = CHUNK_FREE;
	d->busy = true;
	if (!d->over && err && !chunk_repeat(c, err))
		download_end(d, err);
	else if (!d->over && !err)
		chunk_arrived(c, answer);
	d->busy = false;
	if (d->over)
		download_free(d);
}

/* -- starting -------------------------------------------------------------- */

static void empty_done(void *arg)
{
	struct tg_download *d = arg;

	download_end(d, NULL);
	download_free(d);
}

int tg_download_start(struct tg_download **dp, struct tg_account *a,
		      const struct tg_download_conf *conf)
{
	const struct tg_document *t = conf->document;
	struct tg_download *d;
	int err;

	if (!t || !t->id || t->size < 0 || t->size > TG_FILE_MAX)
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->account = a;
	d->conf = *conf;
	d->conf.document = NULL;
	d->id = t->id;
	d->access_hash = t->access_hash;
	d->size = t->size;
	d->dc_id = t->dc_id;
	buf_put(&d->reference, t->reference.p, t->reference.n);
	tmr_init(&d->empty);
	for (int i = 0; i < WINDOW; i++) {
		d->chunks[i].download = d;
		tmr_init(&d->chunks[i].tmr);
	}
	if (!d->size)
		tmr_start(&d->empty, 0, empty_done, d);
	err = download_pump(d);
	if (err) {
		tg_download_cancel(&d);
		return err;
	}
	*dp = d;
	return 0;
}

/* A file going up: parts in order, up to WINDOW of them under way (C.4).
 *
 * "Use a second connection": ours carries calls' signalling, too. Parts of 128
 * KiB instead of 512 keep the queue before it short.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "telegram/files.h"
#include "telegram/message_core.h"

#define PART_BYTES (128 * 1024)
#define PART_BYTES_MAX (512 * 1024)
#define PARTS_MAX 4000
#define SMALL_MAX ((int64_t)10 * 1024 * 1024)
#define WINDOW 3
#define TRIES_MAX 6

struct slot {
	struct tg_upload *upload;
	bool under_way, waits; /* waits: for its next try */
	int32_t index;
	unsigned tries;
	struct buf part;
	struct tmr tmr;
};

struct tg_upload {
	struct tg_account *account;
	struct tg_upload_conf conf;
	struct tg_uploaded file;
	EVP_MD_CTX *md5;
	int32_t part_bytes;
	int32_t next, acked; /* parts */
	struct slot slots[WINDOW];
	bool over; /* done has run, or it is cancelled */
	bool busy; /* handlers run; it is freed after them */
};

/* -- life ------------------------------------------------------------------ */

/* Only when no answer can come any more. */
static void upload_free(struct tg_upload *u)
{
	if (u->busy)
		return;
	for (int i = 0; i < WINDOW; i++)
		if (u->slots[i].under_way)
			return;
	for (int i = 0; i < WINDOW; i++) {
		tmr_cancel(&u->slots[i].tmr);
		buf_clear(&u->slots[i].part);
	}
	EVP_MD_CTX_free(u->md5);
	free(u);
}

void tg_upload_cancel(struct tg_upload **up)
{
	struct tg_upload *u = *up;

	*up = NULL;
	if (!u)
		return;
	u->over = true;
	for (int i = 0; i < WINDOW; i++)
		tmr_cancel(&u->slots[i].tmr);
	upload_free(u);
}

static void upload_end(struct tg_upload *u, const struct mtp_error *err)
{
	if (u->over)
		return;
	u->over = true;
	for (int i = 0; i < WINDOW; i++)
		tmr_cancel(&u->slots[i].tmr);
	u->conf.done(err, err ? NULL : &u->file, u->conf.arg);
}

static void upload_fail(struct tg_upload *u, int code)
{
	struct mtp_error err = {code, strerrorname_np(-code)};

	if (!err.text)
		err.text = "INTERNAL";
	upload_end(u, &err);
}

/* -- parts ----------------------------------------------------------------- */

static void part_answered(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg);

static int part_send(struct slot *s)
{
	const struct tg_upload *u = s->upload;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	tl_arena_init(&arena);
	if (u->file.big) {
		q = tl_new(&arena, TL_upload_saveBigFilePart);
		tl_set_long(q, TL_upload_saveBigFilePart_file_id, u->file.id);
		tl_set_int(q, TL_upload_saveBigFilePart_file_part, s->index);
		tl_set_int(q, TL_upload_saveBigFilePart_file_total_parts,
			   u->file.parts);
		tl_set_bytes(q, TL_upload_saveBigFilePart_bytes, s->part.p,
			     s->part.n);
	} else {
		q = tl_new(&arena, TL_upload_saveFilePart);
		tl_set_long(q, TL_upload_saveFilePart_file_id, u->file.id);
		tl_set_int(q, TL_upload_saveFilePart_file_part, s->index);
		tl_set_bytes(q, TL_upload_saveFilePart_bytes, s->part.p,
			     s->part.n);
	}
	err = tg_account_query(u->account, q, 0, part_answered, s);
	s->under_way = !err;
	tl_arena_clear(&arena);
	return err;
}

static int part_read(struct slot *s)
{
	struct tg_upload *u = s->upload;
	int64_t offset = (int64_t)u->next * u->part_bytes;
	int64_t left = u->conf.size - offset;
	size_t n = left < u->part_bytes ? (size_t)left : (size_t)u->part_bytes;
	int err;

	buf_reset(&s->part);
	buf_fill(&s->part, 0, n);
	if (s->part.bad)
		return -ENOMEM;
	err = u->conf.read(s->part.p, n, offset, u->conf.arg);
	if (err)
		return err;
	if (!EVP_DigestUpdate(u->md5, s->part.p, n))
		return -ENOMEM;
	s->index = u->next++;
	s->tries = 0;
	return 0;
}

/* Fills the window. */
static int upload_pump(struct tg_upload *u)
{
	for (int i = 0; i < WINDOW && u->next < u->file.parts; i++) {
		struct slot *s = &u->slots[i];
		int err;

		if (s->under_way || s->waits)
			continue;
		err = part_read(s);
		if (!err)
			err = part_send(s);
		if (err)
			return err;
	}
	return 0;
}

static void part_again(void *arg)
{
	struct slot *s = arg;
	int err;

	s->waits = false;
	err = part_send(s);
	if (!err)
		return;
	upload_fail(s->upload, err);
	upload_free(s->upload);
}

/* A part may be sent twice: it is stored under its number. */
static bool part_repeat(struct slot *s, const struct mtp_error *err)
{
	bool lost = err->code == 408 || err->code == 500 || err->code == -503;

	if (!lost || s->tries >= TRIES_MAX)
		return false;
	/* "500, <0: retry with 1, 2, 4 .. 60 s" (A.8) */
	s->waits = true;
	tmr_start(&s->tmr, (uint64_t)1000 << s->tries++, part_again, s);
	return true;
}

static void md5_end(struct tg_upload *u)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!u->file.big && EVP_DigestFinal_ex(u->md5, digest, &n) && n == 16)
		hex_encode(u->file.md5, digest, n);
}

static void part_taken(struct slot *s)
{
	struct tg_upload *u = s->upload;
	int64_t bytes;
	int err;

	u->acked++;
	bytes = (int64_t)u->acked * u->part_bytes;
	if (u->conf.progress)
		u->conf.progress(bytes < u->conf.size ? bytes : u->conf.size,
				 u->conf.size, u->conf.arg);
	if (u->over)
		return;
	if (u->acked == u->file.parts) {
		md5_end(u);
		upload_end(u, NULL);
		return;
	}
	err = upload_pump(u);
	if (err)
		upload_fail(u, err);
}

static void part_answered(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg)
{
	static const struct mtp_error refused = {400, "FILE_PART_INVALID"};
	struct slot *s = arg;
	struct tg_upload *u = s->upload;

	s->under_way = false;
	u->busy = true;
	if (!u->over && err && !part_repeat(s, err))
		upload_end(u, err);
	else if (!u->over && !err && !tl_is(answer, TL_boolTrue))
		upload_end(u, &refused);
	else if (!u->over && !err)
		part_taken(s);
	u->busy = false;
	if (u->over)
		upload_free(u);
}

/* -- starting -------------------------------------------------------------- */

static int upload_new(struct tg_upload **up, struct tg_account *a,
		      const struct tg_upload_conf *conf)
{
	struct tg_upload *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->account = a;
	u->conf = *conf;
	u->conf.name = NULL;
	u->part_bytes = conf->size > (int64_t)PART_BYTES * PARTS_MAX
				? PART_BYTES_MAX
				: PART_BYTES;
	u->file.id = (int64_t)random_u64();
	u->file.size = conf->size;
	u->file.parts =
		(int32_t)((conf->size + u->part_bytes - 1) / u->part_bytes);
	u->file.big = conf->size > SMALL_MAX;
	snprintf(u->file.name, sizeof(u->file.name), "%s", conf->name);
	for (int i = 0; i < WINDOW; i++) {
		u->slots[i].upload = u;
		tmr_init(&u->slots[i].tmr);
	}
	u->md5 = EVP_MD_CTX_new();
	if (!u->md5 || !EVP_DigestInit_ex(u->md5, EVP_md5(), NULL)) {
		upload_free(u);
		return -ENOMEM;
	}
	*up = u;
	return 0;
}

int tg_upload_start(struct tg_upload **up, struct tg_account *a,
		    const struct tg_upload_conf *conf)
{
	struct tg_upload *u;
	int err;

	if (conf->size < 1)
		return -EINVAL;
	if (conf->size > TG_FILE_MAX)
		return -EFBIG;
	err = upload_new(&u, a, conf);
	if (err)
		return err;
	err = upload_pump(u);
	if (err) {
		tg_upload_cancel(&u);
		return err;
	}
	*up = u;
	return 0;
}

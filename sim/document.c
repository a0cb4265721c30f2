#include "sim/document.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { SIM_SMALL_MAX = 10 * 1024 * 1024 };

/* One file being uploaded. */
struct sim_upload {
	struct sim_upload *next;
	int64_t account, file_id;
	int16_t dc;
	int32_t total;
	struct buf parts[SIM_PARTS_MAX];
	int32_t count; /* highest index + 1 */
};

/* -- parts ----------------------------------------------------------------- */

static struct sim_upload **sim_upload_at(struct sim_world *w, int64_t account,
					 int16_t dc, int64_t file_id)
{
	struct sim_upload **up = &w->uploads;

	while (*up && ((*up)->account != account || (*up)->dc != dc ||
		       (*up)->file_id != file_id))
		up = &(*up)->next;
	return up;
}

static void sim_upload_free(struct sim_upload **up)
{
	struct sim_upload *u = *up;

	*up = u->next;
	for (int32_t i = 0; i < u->count; i++)
		buf_clear(&u->parts[i]);
	free(u);
}

static const struct sim_fault *sim_part_check(const struct sim_part *p)
{
	if (!p->data.n)
		return SIM_FAULT(400, "FILE_PART_EMPTY", "part-empty");
	if (p->data.n > SIM_PART_MAX)
		return SIM_FAULT(400, "FILE_PART_TOO_BIG", "part-big");
	if (p->index < 0 || p->index >= SIM_PARTS_MAX ||
	    (p->total && p->index >= p->total))
		return SIM_FAULT(400, "FILE_PART_INVALID", "part-number");
	if (p->total < 0 || p->total > SIM_PARTS_MAX)
		return SIM_FAULT(400, "FILE_PARTS_INVALID", "part-total");
	return NULL;
}

const struct sim_fault *sim_part_save(struct sim_world *w, int64_t account,
				      int16_t dc, const struct sim_part *p)
{
	const struct sim_fault *f = sim_part_check(p);
	struct sim_upload **up = sim_upload_at(w, account, dc, p->file_id);
	struct sim_upload *u = *up;

	if (f)
		return f;
	if (!u) {
		u = calloc(1, sizeof(*u));
		if (!u)
			return SIM_FAULT(500, "WORKER_BUSY_TOO_LONG_RETRY",
					 "no-memory");
		u->account = account;
		u->dc = dc;
		u->file_id = p->file_id;
		u->total = p->total;
		u->next = w->uploads;
		w->uploads = u;
	}
	if (u->total != p->total)
		return SIM_FAULT(400, "FILE_PARTS_INVALID", "part-total");
	if (sim_buf_set(&u->parts[p->index], p->data))
		return SIM_FAULT(500, "WORKER_BUSY_TOO_LONG_RETRY",
				 "no-memory");
	if (p->index >= u->count)
		u->count = p->index + 1;
	return NULL;
}

/* "parts of equal size (multiple of 1 KiB, 512 KiB must be divisible by it; max
 * 512 KiB; last part may be shorter)" (C.4) */
static const struct sim_fault *sim_parts_check(const struct sim_upload *u,
					       int32_t n, char text[64])
{
	size_t size = u ? u->parts[0].n : 0;

	for (int32_t i = 0; i < n; i++) {
		if (u && u->parts[i].n)
			continue;
		snprintf(text, 64, "FILE_PART_%d_MISSING", i);
		return SIM_FAULT(400, "FILE_PART_X_MISSING", "part-missing");
	}
	if (n > 1 && (size % 1024 || SIM_PART_MAX % size))
		return SIM_FAULT(400, "FILE_PART_SIZE_INVALID", "part-size");
	for (int32_t i = 1; i < n; i++)
		if (u->parts[i].n > size ||
		    (u->parts[i].n != size && i < n - 1))
			return SIM_FAULT(400, "FILE_PART_SIZE_CHANGED",
					 "part-size");
	return NULL;
}

static void sim_md5(char hex[33], struct bytes data)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(data.p, data.n, digest, &n, EVP_md5(), NULL) || n != 16)
		n = 0;
	hex_encode(hex, digest, n);
}

/* The whole of what inputFile or inputFileBig names. */
static const struct sim_fault *sim_upload_join(struct buf *out,
					       const struct sim_upload *u,
					       const struct tl_obj *file,
					       char text[64])
{
	bool big = tl_is(file, TL_inputFileBig);
	int32_t n = big ? tl_int(file, TL_inputFileBig_parts)
			: tl_int(file, TL_inputFile_parts);
	struct bytes md5 = tl_bytes(file, TL_inputFile_md5_checksum);
	const struct sim_fault *f;
	char hex[33];

	if (n < 1 || n > SIM_PARTS_MAX ||
	    (u && ((u->total != 0) != big || (big && n != u->total))))
		return SIM_FAULT(400, "FILE_PARTS_INVALID", "file-parts");
	f = sim_parts_check(u, n, text);
	if (f)
		return f;
	for (int32_t i = 0; i < n; i++)
		buf_put(out, u->parts[i].p, u->parts[i].n);
	/* "<= 10 MB: upload.saveFilePart" (C.4) */
	if (!big && out->n > SIM_SMALL_MAX)
		return SIM_FAULT(400, "FILE_PARTS_INVALID", "file-too-big");
	sim_md5(hex, buf_bytes(out));
	if (md5.n && !bytes_equal(md5, bytes_str(hex)))
		return SIM_FAULT(400, "MD5_CHECKSUM_INVALID", "file-md5");
	return NULL;
}

/* -- documents ------------------------------------------------------------- */

struct sim_document *sim_document(struct sim_world *w, int64_t id)
{
	struct sim_document *d = w->documents;

	while (d && d->id != id)
		d = d->next;
	return d;
}

static void sim_document_name(char dst[24], int64_t id)
{
	snprintf(dst, 24, "%lld", (long long)id);
}

static const struct sim_fault *
sim_document_keep(struct sim_document **dp, struct sim_world *w, int16_t dc,
		  const struct tl_obj *media, struct bytes data)
{
	struct sim_document *d = calloc(1, sizeof(*d));
	struct bytes mime =
		tl_bytes(media, TL_inputMediaUploadedDocument_mime_type);
	char name[24];

	if (!d || tl_write(&d->attributes, media)) {
		free(d);
		return SIM_FAULT(500, "WORKER_BUSY_TOO_LONG_RETRY",
				 "no-memory");
	}
	d->id = (int64_t)(random_u64() >> 1) | 1;
	d->dc = dc;
	d->date = sim_world_date(w);
	d->size = (int64_t)data.n;
	snprintf(d->mime, sizeof(d->mime), "%.*s", (int)mime.n,
		 (const char *)mime.p);
	d->next = w->documents;
	w->documents = d;
	sim_document_name(name, d->id);
	sim_store_blob_put(w->store, d->id, data);
	sim_store_put(
		w->store, "document", name,
		json_pack("{si si sI ss so}", "dc", d->dc, "date", d->date,
			  "size", (json_int_t)d->size, "mime", d->mime,
			  "attributes",
			  sim_json_hex(d->attributes.p, d->attributes.n)));
	*dp = d;
	return NULL;
}

const struct sim_fault *sim_document_new(struct sim_document **dp,
					 struct sim_world *w, int64_t account,
					 int16_t dc, const struct tl_obj *media,
					 char text[64])
{
	const struct tl_obj *file =
		tl_child(media, TL_inputMediaUploadedDocument_file);
	int64_t file_id = tl_is(file, TL_inputFileBig)
				  ? tl_long(file, TL_inputFileBig_id)
				  : tl_long(file, TL_inputFile_id);
	struct sim_upload **up = sim_upload_at(w, account, dc, file_id);
	const struct sim_fault *f;
	struct buf data;

	buf_init(&data);
	f = sim_upload_join(&data, *up, file, text);
	if (!f)
		f = sim_document_keep(dp, w, dc, media, buf_bytes(&data));
	if (!f)
		sim_upload_free(up);
	buf_clear(&data);
	return f;
}

static const struct tl_obj *
sim_document_attributes(struct tl_arena *a, const struct sim_document *d)
{
	struct tl_obj *o = NULL;
	struct rd r;

	rd_init(&r, d->attributes.p, d->attributes.n);
	return tl_read(&o, a, &r) ? NULL : o;
}

bool sim_document_is_voice(const struct sim_document *d)
{
	struct tl_arena a;
	const struct tl_obj *o;
	bool voice = false;
	uint32_t n;

	tl_arena_init(&a);
	o = sim_document_attributes(&a, d);
	n = tl_count(o, TL_inputMediaUploadedDocument_attributes);
	for (uint32_t i = 0; i < n; i++)
		voice |= tl_has(
			tl_item(o, TL_inputMediaUploadedDocument_attributes, i),
			TL_documentAttributeAudio_voice);
	tl_arena_clear(&a);
	return voice;
}

int64_t sim_document_access_hash(const struct sim_world *w, int64_t viewer,
				 int64_t id)
{
	int64_t hash = 0;

	sim_world_derive(w, "document", viewer, id, &hash, sizeof(hash));
	return hash | 1;
}

void sim_document_reference(const struct sim_world *w, int64_t id,
			    uint8_t dst[SIM_REFERENCE_BYTES])
{
	sim_world_derive(w, "reference", w->reference_epoch, id, dst,
			 SIM_REFERENCE_BYTES);
}

struct tl_obj *sim_object_document(struct tl_arena *a, struct sim_world *w,
				   int64_t viewer, int64_t id)
{
	const struct sim_document *d = sim_document(w, id);
	struct tl_obj *o = tl_new(a, TL_document);
	uint8_t reference[SIM_REFERENCE_BYTES];
	const struct tl_obj *in;
	struct bytes kept;
	uint32_t n;

	if (!d)
		return NULL;
	in = sim_document_attributes(a, d);
	n = tl_count(in, TL_inputMediaUploadedDocument_attributes);
	sim_document_reference(w, id, reference);
	kept = tl_arena_copy(a, bytes_of(reference, sizeof(reference)));
	tl_set_long(o, TL_document_id, d->id);
	tl_set_long(o, TL_document_access_hash,
		    sim_document_access_hash(w, viewer, d->id));
	tl_set_bytes(o, TL_document_file_reference, kept.p, kept.n);
	tl_set_int(o, TL_document_date, d->date);
	tl_set_str(o, TL_document_mime_type, d->mime);
	tl_set_long(o, TL_document_size, d->size);
	tl_set_int(o, TL_document_dc_id, d->dc);
	tl_set_vector(a, o, TL_document_attributes, n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(o, TL_document_attributes, i,
			   tl_item(in, TL_inputMediaUploadedDocument_attributes,
				   i));
	return o;
}

int sim_document_read(struct sim_world *w, const struct sim_document *d,
		      struct buf *out, int64_t offset, size_t n)
{
	if (offset >= d->size)
		return 0;
	if ((int64_t)n > d->size - offset)
		n = (size_t)(d->size - offset);
	return sim_store_blob_get(w->store, d->id, out, offset, n);
}

void sim_documents_expire(struct sim_world *w)
{
	w->reference_epoch++;
	sim_store_put(
		w->store, "meta", "references",
		json_pack("{sI}", "epoch", (json_int_t)w->reference_epoch));
}

/* -- life ------------------------------------------------------------------ */

static void sim_document_load(const char *id, const json_t *o, void *arg)
{
	struct sim_world *w = arg;
	struct sim_document *d = calloc(1, sizeof(*d));
	const char *hex = sim_json_text(o, "attributes", "");
	size_t n = strlen(hex) / 2;

	if (!d)
		return;
	d->id = strtoll(id, NULL, 10);
	d->dc = (int16_t)sim_json_int(o, "dc", 0);
	d->date = (int32_t)sim_json_int(o, "date", 0);
	d->size = sim_json_int(o, "size", 0);
	snprintf(d->mime, sizeof(d->mime), "%s", sim_json_text(o, "mime", ""));
	buf_fill(&d->attributes, 0, n);
	if (d->attributes.bad || hex_decode(d->attributes.p, n, hex, 2 * n))
		buf_reset(&d->attributes);
	d->next = w->documents;
	w->documents = d;
}

void sim_documents_load(struct sim_world *w)
{
	json_t *o = sim_store_get(w->store, "meta", "references");

	w->reference_epoch = sim_json_int(o, "epoch", 0);
	json_decref(o);
	sim_store_each(w->store, "document", sim_document_load, w);
}

void sim_documents_free(struct sim_world *w)
{
	while (w->uploads)
		sim_upload_free(&w->uploads);
	while (w->documents) {
		struct sim_document *d = w->documents;

		w->documents = d->next;
		buf_clear(&d->attributes);
		free(d);
	}
}

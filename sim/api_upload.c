/* upload.*: files in parts, up and down (telegram-wire C.4). */
#include <stdio.h>
#include <string.h>

#include "sim/api.h"
#include "sim/document.h"

enum {
	SIM_CHUNK_UNIT = 4096,
	SIM_CHUNK_MAX = 1024 * 1024,
};

static void sim_part_take(struct sim_request *r, const struct sim_part *p)
{
	const struct sim_fault *f =
		sim_part_save(r->world, r->me->id, r->session->dc, p);

	if (f)
		sim_refuse(r, f);
	else
		sim_answer_bool(r, true);
}

static void sim_upload_part(struct sim_request *r)
{
	struct sim_part p = {
		.file_id = tl_long(r->q, TL_upload_saveFilePart_file_id),
		.index = tl_int(r->q, TL_upload_saveFilePart_file_part),
		.data = tl_bytes(r->q, TL_upload_saveFilePart_bytes),
	};

	sim_part_take(r, &p);
}

static void sim_upload_big_part(struct sim_request *r)
{
	struct sim_part p = {
		.file_id = tl_long(r->q, TL_upload_saveBigFilePart_file_id),
		.index = tl_int(r->q, TL_upload_saveBigFilePart_file_part),
		.total = tl_int(r->q,
				TL_upload_saveBigFilePart_file_total_parts),
		.data = tl_bytes(r->q, TL_upload_saveBigFilePart_bytes),
	};

	if (!p.total)
		sim_refuse(r,
			   SIM_FAULT(400, "FILE_PARTS_INVALID", "part-total"));
	else
		sim_part_take(r, &p);
}

static const struct sim_fault *sim_location_check(const struct sim_request *r,
						  const struct sim_document *d,
						  const struct tl_obj *location)
{
	struct bytes reference =
		tl_bytes(location, TL_inputDocumentFileLocation_file_reference);
	uint8_t now[SIM_REFERENCE_BYTES];

	if (!d || tl_long(location, TL_inputDocumentFileLocation_access_hash) !=
			  sim_document_access_hash(r->world, r->me->id, d->id))
		return SIM_FAULT(400, "LOCATION_INVALID", "file-location");
	if (!reference.n)
		return SIM_FAULT(400, "FILE_REFERENCE_EMPTY",
				 "file-reference-empty");
	sim_document_reference(r->world, d->id, now);
	if (!bytes_equal(reference, bytes_of(now, sizeof(now))))
		return SIM_FAULT(400, "FILE_REFERENCE_EXPIRED",
				 "file-reference");
	return NULL;
}

/* "offset and limit multiples of 4 KiB, a chunk must not cross a 1 MiB border"
 */
static const struct sim_fault *sim_chunk_check(int64_t offset, int32_t limit)
{
	if (offset < 0 || offset % SIM_CHUNK_UNIT)
		return SIM_FAULT(400, "OFFSET_INVALID", "file-offset");
	if (limit <= 0 || limit % SIM_CHUNK_UNIT || limit > SIM_CHUNK_MAX ||
	    SIM_CHUNK_MAX % limit)
		return SIM_FAULT(400, "LIMIT_INVALID", "file-limit");
	if (offset / SIM_CHUNK_MAX != (offset + limit - 1) / SIM_CHUNK_MAX)
		return SIM_FAULT(400, "LIMIT_INVALID", "file-border");
	return NULL;
}

static void sim_upload_migrate(struct sim_request *r, int16_t dc)
{
	char text[32];

	snprintf(text, sizeof(text), "FILE_MIGRATE_%d", dc);
	sim_world_refused(r->world, "file-migrate");
	sim_refuse_text(r, 303, text);
}

static void sim_upload_get(struct sim_request *r)
{
	const struct tl_obj *location =
		tl_child(r->q, TL_upload_getFile_location);
	int64_t offset = tl_long(r->q, TL_upload_getFile_offset);
	int32_t limit = tl_int(r->q, TL_upload_getFile_limit);
	const struct sim_document *d = sim_document(
		r->world, tl_long(location, TL_inputDocumentFileLocation_id));
	const struct sim_fault *f = sim_location_check(r, d, location);
	struct tl_obj *o = tl_new(r->arena, TL_upload_file);
	struct buf data;

	if (!f)
		f = sim_chunk_check(offset, limit);
	if (f) {
		sim_refuse(r, f);
		return;
	}
	if (d->dc != r->session->dc) {
		sim_upload_migrate(r, d->dc);
		return;
	}
	buf_init(&data);
	if (!sim_document_read(r->world, d, &data, offset, (size_t)limit)) {
		tl_set_child(o, TL_upload_file_type,
			     tl_new(r->arena, TL_storage_fileUnknown));
		tl_set_int(o, TL_upload_file_mtime, d->date);
		tl_set_bytes(o, TL_upload_file_bytes, data.p, data.n);
		sim_answer(r, o);
	}
	buf_clear(&data);
}

const struct sim_method sim_methods_upload[] = {
	{TL_upload_saveFilePart, SIM_ACCESS_LOGIN, sim_upload_part},
	{TL_upload_saveBigFilePart, SIM_ACCESS_LOGIN, sim_upload_big_part},
	{TL_upload_getFile, SIM_ACCESS_LOGIN, sim_upload_get},
	{0, SIM_ACCESS_OPEN, NULL},
};

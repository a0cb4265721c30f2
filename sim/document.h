/* Files: parts as clients upload them, and the documents they become.
 *
 * Parts are kept in memory, per account and data centre, until a message takes
 * them; documents lie in the store. A file reference is good until the next
 * sim_documents_expire(). One thread.
 */
#ifndef SIM_DOCUMENT_H
#define SIM_DOCUMENT_H

#include "sim/fault.h"
#include "sim/world.h"
#include "tl/tl.h"

enum {
	SIM_PART_MAX = 512 * 1024,
	SIM_PARTS_MAX = 4000,
	SIM_REFERENCE_BYTES = 16,
};

struct sim_document {
	struct sim_document *next;
	int64_t id;
	int16_t dc; /* where its bytes are */
	int32_t date;
	int64_t size;
	char mime[64];
	struct buf attributes; /* boxed inputMediaUploadedDocument, no file */
};

/* total: parts in all, 0 when not told (small files). */
struct sim_part {
	int64_t file_id;
	int32_t index, total;
	struct bytes data;
};

const struct sim_fault *sim_part_save(struct sim_world *w, int64_t account,
				      int16_t dc, const struct sim_part *p);
/* media: inputMediaUploadedDocument. FILE_PART_X_MISSING is written to text. */
const struct sim_fault *sim_document_new(struct sim_document **dp,
					 struct sim_world *w, int64_t account,
					 int16_t dc, const struct tl_obj *media,
					 char text[64]);
struct sim_document *sim_document(struct sim_world *w, int64_t id);
bool sim_document_is_voice(const struct sim_document *d);
int64_t sim_document_access_hash(const struct sim_world *w, int64_t viewer,
				 int64_t id);
void sim_document_reference(const struct sim_world *w, int64_t id,
			    uint8_t dst[SIM_REFERENCE_BYTES]);
struct tl_obj *sim_object_document(struct tl_arena *a, struct sim_world *w,
				   int64_t viewer, int64_t id);
/* At most n bytes from offset; those behind the end are left out. */
int sim_document_read(struct sim_world *w, const struct sim_document *d,
		      struct buf *out, int64_t offset, size_t n);
/* All references given out so far are of no use from now on. */
void sim_documents_expire(struct sim_world *w);

void sim_documents_load(struct sim_world *w);
void sim_documents_free(struct sim_world *w);

#endif

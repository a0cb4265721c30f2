/* Fuzz target of the TL reader: four bytes with the id of a function (its
 * result follows) or 0 (any object follows), then the message.
 * Seeds: tl_schema_test FOLDER.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tl/tl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_either(struct tl_obj **op, struct tl_arena *a, struct rd *r,
		       uint32_t id)
{
	enum tl_ctor_no fn = TL_help_getConfig;

	if (id == 0 || tl_ctor_by_id(&fn, id) || !tl_ctor_is_function(fn))
		return tl_read(op, a, r);
	return tl_read_result(op, a, r, fn);
}

/* What was read can be written, and that means the same. */
static void round_trip(const struct tl_obj *o, uint32_t id)
{
	struct tl_arena arena;
	struct tl_obj *again = NULL;
	struct buf first = {0}, second = {0};
	struct rd r;

	tl_arena_init(&arena);
	if (tl_write(&first, o))
		abort();
	rd_init(&r, first.p, first.n);
	if (read_either(&again, &arena, &r, id) || r.n ||
	    tl_write(&second, again) ||
	    !bytes_equal(buf_bytes(&first), buf_bytes(&second)))
		abort();
	tl_arena_clear(&arena);
	buf_clear(&first);
	buf_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tl_arena arena;
	struct tl_obj *o = NULL;
	struct buf text = {0};
	struct rd r;
	uint32_t id;

	rd_init(&r, data, size);
	id = rd_le32(&r);
	tl_arena_init(&arena);
	if (read_either(&o, &arena, &r, id)) {
		if (o || !r.bad)
			abort();
	} else {
		round_trip(o, id);
		tl_print(&text, o, 256);
	}
	tl_arena_clear(&arena);
	buf_clear(&text);
	return 0;
}

#include "tl/tl.h"

#include <errno.h>

#include "tests/check.h"

static void test_tl_arena_memory_is_zeroed_and_aligned(void)
{
	struct tl_arena arena;
	struct bytes copy;

	tl_arena_init(&arena);
	copy = tl_arena_copy(&arena, bytes_str("copy"));
	CHECK(bytes_equal(copy, bytes_str("copy")));
	CHECK_INT(tl_arena_copy(&arena, (struct bytes){0}).n, 0);
	for (size_t n = 1; n < 20000; n = n * 2 + 1) {
		uint8_t *p = tl_arena_alloc(&arena, n);

		CHECK(p);
		CHECK_INT((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			CHECK_INT(p[i], 0);
		memset(p, 0xff, n);
	}
	tl_arena_clear(&arena);
	CHECK_INT(arena.used_bytes, 0);
	CHECK(tl_arena_alloc(&arena, 1));
	tl_arena_clear(&arena);
	tl_arena_clear(&arena);
}

/* A whole query may be built without looking: the last step reports. */
static void test_tl_arena_full_makes_the_query_unwritable(void)
{
	struct tl_arena arena;
	struct tl_obj *outer, *inner;
	struct buf out = {0};

	tl_arena_init(&arena);
	outer = tl_new(&arena, TL_updateShort);
	CHECK(outer);
	arena.limit_bytes = arena.used_bytes;
	CHECK(!tl_new(&arena, TL_user));
	inner = tl_new(&arena, TL_updatePhoneCallSignalingData);
	CHECK(!inner);
	tl_set_long(inner, TL_updatePhoneCallSignalingData_phone_call_id, 1);
	tl_set_bool(&arena, inner, 0, true);
	CHECK_INT(tl_set_vector(&arena, inner, 0, 1), -EINVAL);
	tl_put_long(inner, 0, 0, 1);
	tl_put_obj(inner, 0, 0, outer);
	tl_put_bytes(inner, 0, 0, "x", 1);
	tl_set_int(outer, TL_updateShort_date, 1);
	tl_set_child(outer, TL_updateShort_update, inner);
	CHECK_INT(tl_write(&out, outer), -EINVAL);
	CHECK_INT(tl_arena_copy(&arena, bytes_of(outer, 100)).n, 0);
	tl_arena_clear(&arena);
	buf_clear(&out);
}

int main(void)
{
	RUN(test_tl_arena_memory_is_zeroed_and_aligned);
	RUN(test_tl_arena_full_makes_the_query_unwritable);
	return check_done();
}

/* For tests of TL objects: an arena for what is read, a buffer for what is
 * written. */
#ifndef TL_FIXTURE_TEST_H
#define TL_FIXTURE_TEST_H

#include <errno.h>

#include "tests/check.h"
#include "tl/tl.h"

static struct tl_arena arena;
static struct buf out;

static inline void setup(void)
{
	tl_arena_init(&arena);
	buf_init(&out);
}

static inline void teardown(void)
{
	tl_arena_clear(&arena);
	buf_clear(&out);
}

static inline int read_bytes(struct tl_obj **op, const void *p, size_t n)
{
	struct rd r;
	int err;

	rd_init(&r, p, n);
	err = tl_read(op, &arena, &r);
	if (!err && r.n)
		return -E2BIG;
	return err;
}

static inline int read_buf(struct tl_obj **op, const struct buf *b)
{
	return read_bytes(op, b->p, b->n);
}

static inline int read_result(struct tl_obj **op, const struct buf *b,
			      enum tl_ctor_no fn)
{
	struct rd r;
	int err;

	rd_init(&r, b->p, b->n);
	err = tl_read_result(op, &arena, &r, fn);
	if (!err && r.n)
		return -E2BIG;
	return err;
}

#define TL_RUN(test)                                                           \
	do {                                                                   \
		setup();                                                       \
		RUN(test);                                                     \
		teardown();                                                    \
	} while (0)

#endif

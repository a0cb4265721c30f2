#include "tl/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)16 << 20)
#define ARENA_ALIGN 16

/* A checker of memory sees the ends of blocks only: give it one block for
 * every allocation. */
#if defined(__SANITIZE_ADDRESS__)
#define BLOCK_BYTES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_BYTES 0
#endif
#endif
#ifndef BLOCK_BYTES
#define BLOCK_BYTES 8192
#endif

struct tl_block {
	struct tl_block *next;
	size_t used, cap;
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

void tl_arena_init(struct tl_arena *a)
{
	*a = (struct tl_arena){0};
}

void tl_arena_clear(struct tl_arena *a)
{
	struct tl_block *block = a->blocks;

	while (block) {
		struct tl_block *next = block->next;

		bytes_wipe(block->data, block->used);
		free(block);
		block = next;
	}
	a->blocks = NULL;
	a->used_bytes = 0;
}

static struct tl_block *block_new(struct tl_arena *a, size_t n)
{
	size_t cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	struct tl_block *block = malloc(sizeof(*block) + cap);

	if (!block)
		return NULL;
	block->used = 0;
	block->cap = cap;
	block->next = a->blocks;
	a->blocks = block;
	return block;
}

int tl_arena_take(void **pp, struct tl_arena *a, size_t n)
{
	size_t limit = a->limit_bytes ? a->limit_bytes : ARENA_LIMIT_BYTES;
	size_t step = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	struct tl_block *block = a->blocks;

	if (n > limit || step > limit - a->used_bytes)
		return -EMSGSIZE;
	if (!BLOCK_BYTES)
		step = n;
	if (!block || step > block->cap - block->used || !BLOCK_BYTES)
		block = block_new(a, step);
	if (!block)
		return -ENOMEM;
	*pp = block->data + block->used;
	block->used += step;
	a->used_bytes += step;
	memset(*pp, 0, n);
	return 0;
}

void *tl_arena_alloc(struct tl_arena *a, size_t n)
{
	void *p = NULL;

	return tl_arena_take(&p, a, n) ? NULL : p;
}

struct bytes tl_arena_copy(struct tl_arena *a, struct bytes b)
{
	void *p = b.n ? tl_arena_alloc(a, b.n) : NULL;

	if (!p)
		return (struct bytes){0};
	memcpy(p, b.p, b.n);
	return bytes_of(p, b.n);
}

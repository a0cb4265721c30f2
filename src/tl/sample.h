/* Invented objects of any constructor, for tests, the fuzz corpus and the
 * benchmarks. Never linked into the program.
 */
#ifndef TL_SAMPLE_H
#define TL_SAMPLE_H

#include "tl/tl.h"

enum tl_sample_mode {
	TL_SAMPLE_LEAST,  /* no optional field, empty vectors */
	TL_SAMPLE_MOST,   /* every optional field, vectors of two items */
	TL_SAMPLE_RANDOM, /* coin tosses */
};

struct tl_sample {
	struct tl_arena *arena;
	uint64_t seed;
	enum tl_sample_mode mode;
	unsigned depth; /* of objects filled by mode; deeper ones get least */
};

struct tl_obj *tl_sample_new(struct tl_sample *s, enum tl_ctor_no no);
/* An object that may stand where `type` of the tables is asked for: the kinds
 * BOXED, BARE and ANY. */
struct tl_type;
struct tl_obj *tl_sample_of_type(struct tl_sample *s,
				 const struct tl_type *type);

#endif

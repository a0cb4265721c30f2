/* Objects as the files of this folder share them. */
#ifndef TL_OBJECT_H
#define TL_OBJECT_H

#include "tl/table.h"

/* Deepest nesting read or written; the schema's real values stay below 20. */
#define TL_DEPTH_MAX 64

/* As tl_arena_alloc(), telling -EMSGSIZE (the arena's limit) from -ENOMEM. */
int tl_arena_take(void **pp, struct tl_arena *a, size_t n);

/* An empty object with room for its fields. */
int tl_obj_alloc(struct tl_obj **op, struct tl_arena *a, enum tl_ctor_no no);
/* Room for n items; refuses what would overflow a size. */
int tl_vec_alloc(struct tl_vec *vec, struct tl_arena *a, uint32_t n);

/* Position of a TL_<ctor>_<field> constant (or plain position) in o; negative
 * when o is NULL or has no such field. */
int tl_obj_position(const struct tl_obj *o, int field);

#endif

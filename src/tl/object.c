#include "tl/object.h"

#include <errno.h>

int tl_obj_alloc(struct tl_obj **op, struct tl_arena *a, enum tl_ctor_no no)
{
	size_t count = tl_ctors[no].field_count;
	struct tl_obj *o;
	void *p = NULL;
	int err = tl_arena_take(&p, a, sizeof(*o) + count * sizeof(*o->v));

	if (err)
		return err;
	o = p;
	o->no = no;
	o->v = (struct tl_val *)(o + 1);
	*op = o;
	return 0;
}

int tl_vec_alloc(struct tl_vec *vec, struct tl_arena *a, uint32_t n)
{
	void *p = NULL;
	size_t size;
	int err = 0;

	if (__builtin_mul_overflow(n, sizeof(*vec->v), &size))
		return -EMSGSIZE;
	if (n)
		err = tl_arena_take(&p, a, size);
	if (err)
		return err;
	*vec = (struct tl_vec){.n = n, .v = p};
	return 0;
}

int tl_obj_position(const struct tl_obj *o, int field)
{
	int no = field >> 8, position = field & 0xff;

	if (!o || (no && no != (int)o->no + 1))
		return -1;
	return position < tl_ctors[o->no].field_count ? position : -1;
}

/* The field when it is present and of one of the kinds, or NULL. */
static const struct tl_val *value(const struct tl_obj *o, int field,
				  unsigned kinds)
{
	int position = tl_obj_position(o, field);
	const struct tl_val *v = position < 0 ? NULL : &o->v[position];

	return v && v->set && kinds >> v->kind & 1 ? v : NULL;
}

static const struct tl_val *item(const struct tl_obj *o, int field, uint32_t i,
				 unsigned kinds)
{
	const struct tl_val *v = value(o, field, 1u << TL_KIND_VECTOR);

	if (!v || i >= v->vec.n)
		return NULL;
	v = &v->vec.v[i];
	return v->set && kinds >> v->kind & 1 ? v : NULL;
}

#define KINDS_OBJECT                                                           \
	(1u << TL_KIND_BOXED | 1u << TL_KIND_BARE | 1u << TL_KIND_ANY)

bool tl_has(const struct tl_obj *o, int field)
{
	return value(o, field, ~0u) != NULL;
}

int32_t tl_int(const struct tl_obj *o, int field)
{
	const struct tl_val *v =
		value(o, field, 1u << TL_KIND_INT | 1u << TL_KIND_FLAGS);

	return v ? v->i : 0;
}

int64_t tl_long(const struct tl_obj *o, int field)
{
	const struct tl_val *v = value(o, field, 1u << TL_KIND_LONG);

	return v ? v->l : 0;
}

double tl_double(const struct tl_obj *o, int field)
{
	const struct tl_val *v = value(o, field, 1u << TL_KIND_DOUBLE);

	return v ? v->d : 0;
}

struct bytes tl_bytes(const struct tl_obj *o, int field)
{
	const struct tl_val *v = value(o, field, 1u << TL_KIND_BYTES);

	return v ? v->b : (struct bytes){0};
}

const uint8_t *tl_raw(const struct tl_obj *o, int field)
{
	const struct tl_val *v =
		value(o, field, 1u << TL_KIND_INT128 | 1u << TL_KIND_INT256);

	return v ? v->raw : NULL;
}

struct tl_obj *tl_child(const struct tl_obj *o, int field)
{
	const struct tl_val *v = value(o, field, KINDS_OBJECT);

	return v ? v->o : NULL;
}

bool tl_bool(const struct tl_obj *o, int field)
{
	return tl_is(tl_child(o, field), TL_boolTrue);
}

uint32_t tl_count(const struct tl_obj *o, int field)
{
	const struct tl_val *v = value(o, field, 1u << TL_KIND_VECTOR);

	return v ? v->vec.n : 0;
}

struct tl_obj *tl_item(const struct tl_obj *o, int field, uint32_t i)
{
	const struct tl_val *v = item(o, field, i, KINDS_OBJECT);

	return v ? v->o : NULL;
}

int64_t tl_item_long(const struct tl_obj *o, int field, uint32_t i)
{
	const struct tl_val *v =
		item(o, field, i, 1u << TL_KIND_LONG | 1u << TL_KIND_INT);

	if (!v)
		return 0;
	return v->kind == TL_KIND_INT ? v->i : v->l;
}

struct bytes tl_item_bytes(const struct tl_obj *o, int field, uint32_t i)
{
	const struct tl_val *v = item(o, field, i, 1u << TL_KIND_BYTES);

	return v ? v->b : (struct bytes){0};
}

bool tl_is(const struct tl_obj *o, enum tl_ctor_no no)
{
	return o && o->no == no;
}

#include "tl/object.h"

#include <errno.h>

struct tl_obj *tl_new(struct tl_arena *a, enum tl_ctor_no no)
{
	struct tl_obj *o = NULL;

	if ((unsigned)no >= TL_CTOR_COUNT)
		return NULL;
	return tl_obj_alloc(&o, a, no) ? NULL : o;
}

static const struct tl_type *field_type(const struct tl_obj *o, int position)
{
	const struct tl_ctor *ctor = &tl_ctors[o->no];

	return &tl_types[tl_fields[ctor->field_first + position].type];
}

/* Where to put a field of one of the kinds, marked as set; or NULL, with the
 * object marked as bad. */
static struct tl_val *slot(struct tl_obj *o, int field, unsigned kinds)
{
	int position = tl_obj_position(o, field);
	struct tl_val *v;

	if (!o)
		return NULL;
	if (position < 0 || !(kinds >> field_type(o, position)->kind & 1)) {
		o->bad = true;
		return NULL;
	}
	v = &o->v[position];
	v->set = true;
	v->kind = field_type(o, position)->kind;
	return v;
}

/* The same for an item of a vector field. Items of TL_vector itself are of no
 * certain kind: they get the one named `loose`. */
static struct tl_val *item_slot(struct tl_obj *o, int field, uint32_t i,
				unsigned kinds, enum tl_kind loose)
{
	int position = tl_obj_position(o, field);
	struct tl_val *v = position < 0 ? NULL : &o->v[position];
	const struct tl_type *type;

	if (!o)
		return NULL;
	if (!v || !v->set || v->kind != TL_KIND_VECTOR || i >= v->vec.n)
		goto bad;
	type = &tl_types[field_type(o, position)->about];
	v = &v->vec.v[i];
	v->kind = o->no == TL_vector ? loose : type->kind;
	if (!(kinds >> v->kind & 1))
		goto bad;
	v->set = true;
	return v;
bad:
	o->bad = true;
	return NULL;
}

void tl_set_true(struct tl_obj *o, int field)
{
	(void)slot(o, field, 1u << TL_KIND_TRUE);
}

void tl_set_int(struct tl_obj *o, int field, int32_t n)
{
	struct tl_val *v = slot(o, field, 1u << TL_KIND_INT);

	if (v)
		v->i = n;
}

void tl_set_long(struct tl_obj *o, int field, int64_t n)
{
	struct tl_val *v = slot(o, field, 1u << TL_KIND_LONG);

	if (v)
		v->l = n;
}

void tl_set_double(struct tl_obj *o, int field, double n)
{
	struct tl_val *v = slot(o, field, 1u << TL_KIND_DOUBLE);

	if (v)
		v->d = n;
}

void tl_set_raw(struct tl_obj *o, int field, const uint8_t *raw)
{
	struct tl_val *v =
		slot(o, field, 1u << TL_KIND_INT128 | 1u << TL_KIND_INT256);

	if (v)
		v->raw = raw;
}

void tl_set_bytes(struct tl_obj *o, int field, const void *p, size_t n)
{
	struct tl_val *v = slot(o, field, 1u << TL_KIND_BYTES);

	if (v)
		v->b = bytes_of(p, n);
}

void tl_set_str(struct tl_obj *o, int field, const char *text)
{
	struct tl_val *v = slot(o, field, 1u << TL_KIND_BYTES);

	if (v)
		v->b = bytes_str(text);
}

void tl_set_child(struct tl_obj *o, int field, struct tl_obj *child)
{
	struct tl_val *v = slot(o, field,
				1u << TL_KIND_BOXED | 1u << TL_KIND_BARE |
					1u << TL_KIND_ANY);

	if (v)
		v->o = child;
}

void tl_set_bool(struct tl_arena *a, struct tl_obj *o, int field, bool v)
{
	tl_set_child(o, field, tl_new(a, v ? TL_boolTrue : TL_boolFalse));
}

int tl_set_vector(struct tl_arena *a, struct tl_obj *o, int field, uint32_t n)
{
	struct tl_val *v = slot(o, field, 1u << TL_KIND_VECTOR);
	int err = v ? tl_vec_alloc(&v->vec, a, n) : -EINVAL;

	if (err && o)
		o->bad = true;
	return err;
}

void tl_put_obj(struct tl_obj *o, int field, uint32_t i, struct tl_obj *child)
{
	struct tl_val *v = item_slot(o, field, i,
				     1u << TL_KIND_BOXED | 1u << TL_KIND_BARE |
					     1u << TL_KIND_ANY,
				     TL_KIND_ANY);

	if (v)
		v->o = child;
}

void tl_put_long(struct tl_obj *o, int field, uint32_t i, int64_t n)
{
	struct tl_val *v =
		item_slot(o, field, i, 1u << TL_KIND_LONG | 1u << TL_KIND_INT,
			  TL_KIND_LONG);

	if (!v)
		return;
	if (v->kind == TL_KIND_LONG)
		v->l = n;
	else if (n >= INT32_MIN && n <= INT32_MAX)
		v->i = (int32_t)n;
	else
		o->bad = true;
}

void tl_put_bytes(struct tl_obj *o, int field, uint32_t i, const void *p,
		  size_t n)
{
	struct tl_val *v =
		item_slot(o, field, i, 1u << TL_KIND_BYTES, TL_KIND_BYTES);

	if (v)
		v->b = bytes_of(p, n);
}

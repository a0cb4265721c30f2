/* Reading: one recursive walk along the tables.
 *
 *   object_read   id -> constructor -> fields_read
 *   fields_read   each field that its flags word announces -> value_read
 *   value_read    by kind; vectors and objects come back here
 *
 * What comes in is a peer's: every step is bounded by the bytes left, the
 * nesting by TL_DEPTH_MAX, the memory by the arena's limit.
 */
#include "tl/object.h"

#include <errno.h>
#include <string.h>

#include "base/plant.h"

struct reader {
	struct tl_arena *arena;
	struct rd *r;
	unsigned depth;
};

static int value_read(struct reader *c, struct tl_val *v,
		      const struct tl_type *type);

/* A.3: length < 254: one length byte, data, zero padding to a multiple of 4
 * (length byte included); otherwise 0xfe, 3 bytes LE length, data, padding
 * to 4. A long form of a short length is accepted; 0xff is not assigned. */
static int bytes_read(struct reader *c, struct bytes *b)
{
	struct rd *r = c->r;
	size_t n = rd_u8(r), head = 1;
	struct bytes data;

	if (n == 255)
		return -EBADMSG;
	if (n == 254) {
		n = rd_u8(r);
		n |= (size_t)rd_le16(r) << 8;
		head = 4;
	}
	data = rd_bytes(r, n);
	rd_skip(r, -(head + n) & 3);
	if (r->bad)
		return -EBADMSG;
	PLANT_OVERFLOW(head == 4 && n < 254 && c->depth > 2, data.p, n);
	*b = data;
	return 0;
}

static int fields_read(struct reader *c, struct tl_obj **op, enum tl_ctor_no no)
{
	const struct tl_ctor *ctor = &tl_ctors[no];
	const struct tl_field *field = &tl_fields[ctor->field_first];
	struct tl_obj *o = NULL;
	int err;

	if (c->depth >= TL_DEPTH_MAX)
		return -EBADMSG;
	err = tl_obj_alloc(&o, c->arena, no);
	c->depth++;
	for (unsigned i = 0; !err && i < ctor->field_count; i++, field++) {
		if (field->flags != TL_NO_FLAGS &&
		    !(o->v[field->flags].flags >> field->bit & 1))
			continue;
		err = value_read(c, &o->v[i], &tl_types[field->type]);
	}
	c->depth--;
	if (!err)
		*op = o;
	return err;
}

static int object_read(struct reader *c, struct tl_obj **op,
		       const struct tl_type *type)
{
	enum tl_ctor_no no;
	uint32_t id = rd_le32(c->r);
	int err = c->r->bad ? -EBADMSG : tl_ctor_by_id(&no, id);

	if (err)
		return err;
	if (!tl_type_takes(type, no))
		return -EBADMSG;
	return fields_read(c, op, no);
}

/* The fewest bytes a value may take, to refuse a count that the rest of the
 * message cannot hold before any memory is spent on it. */
static size_t type_size_min(const struct tl_type *type)
{
	switch (type->kind) {
	case TL_KIND_LONG:
	case TL_KIND_DOUBLE:
		return 8;
	case TL_KIND_INT128:
		return 16;
	case TL_KIND_INT256:
		return 32;
	default:
		return 4;
	}
}

static int items_read(struct reader *c, struct tl_vec *vec,
		      const struct tl_type *item)
{
	uint32_t n = rd_le32(c->r);
	int err;

	if (c->r->bad || n > c->r->n / type_size_min(item))
		return -EBADMSG;
	err = tl_vec_alloc(vec, c->arena, n);
	for (uint32_t i = 0; !err && i < n; i++)
		err = value_read(c, &vec->v[i], item);
	return err;
}

static int vector_read(struct reader *c, struct tl_vec *vec,
		       const struct tl_type *type)
{
	if (!type->bare && rd_le32(c->r) != tl_ctor_id(TL_vector))
		return -EBADMSG;
	return items_read(c, vec, &tl_types[type->about]);
}

static int number_read(struct rd *r, struct tl_val *v)
{
	uint64_t bits;

	switch (v->kind) {
	case TL_KIND_FLAGS:
	case TL_KIND_INT:
		v->flags = rd_le32(r);
		break;
	case TL_KIND_DOUBLE:
		bits = rd_le64(r);
		memcpy(&v->d, &bits, sizeof(v->d));
		break;
	case TL_KIND_INT128:
		v->raw = rd_bytes(r, 16).p;
		break;
	case TL_KIND_INT256:
		v->raw = rd_bytes(r, 32).p;
		break;
	default:
		v->l = (int64_t)rd_le64(r);
		break;
	}
	return r->bad ? -EBADMSG : 0;
}

static int value_read(struct reader *c, struct tl_val *v,
		      const struct tl_type *type)
{
	v->set = true;
	v->kind = type->kind;
	switch (type->kind) {
	case TL_KIND_TRUE:
		return 0;
	case TL_KIND_BYTES:
		return bytes_read(c, &v->b);
	case TL_KIND_VECTOR:
		return vector_read(c, &v->vec, type);
	case TL_KIND_BARE:
		return fields_read(c, &v->o, (enum tl_ctor_no)type->about);
	case TL_KIND_BOXED:
	case TL_KIND_ANY:
		return object_read(c, &v->o, type);
	default:
		return number_read(c->r, v);
	}
}

int tl_read(struct tl_obj **op, struct tl_arena *a, struct rd *r)
{
	static const struct tl_type any = {.kind = TL_KIND_ANY};
	struct reader c = {.arena = a, .r = r};
	int err = object_read(&c, op, &any);

	if (err)
		rd_fail(r);
	return err;
}

/* A vector stands in an object of its own, so that callers have one kind of
 * result. */
static int vector_result_read(struct reader *c, struct tl_obj **op,
			      const struct tl_type *type)
{
	struct tl_obj *o = NULL;
	int err = tl_obj_alloc(&o, c->arena, TL_vector);

	c->depth++;
	if (!err)
		err = value_read(c, &o->v[0], type);
	if (!err)
		*op = o;
	return err;
}

int tl_read_result(struct tl_obj **op, struct tl_arena *a, struct rd *r,
		   enum tl_ctor_no fn)
{
	struct reader c = {.arena = a, .r = r};
	const struct tl_type *type;
	struct tl_val v = {0};
	int err = -EINVAL;

	if (!tl_ctor_is_function(fn))
		goto out;
	type = &tl_types[tl_ctors[fn].type];
	if (type->kind == TL_KIND_VECTOR)
		err = vector_result_read(&c, op, type);
	else
		err = value_read(&c, &v, type);
	if (!err && type->kind != TL_KIND_VECTOR)
		*op = v.o;
out:
	if (err)
		rd_fail(r);
	return err;
}

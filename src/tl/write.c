#include "tl/object.h"

#include <errno.h>
#include <string.h>

static int value_write(struct buf *b, const struct tl_type *type,
		       const struct tl_val *v, unsigned depth);

/* A.3, see bytes_read(). The length has 24 bits. */
static int bytes_write(struct buf *b, struct bytes data)
{
	size_t head = data.n < 254 ? 1 : 4;

	if (data.n >= 1u << 24 || (data.n && !data.p))
		return -EINVAL;
	if (head == 1)
		buf_u8(b, (uint8_t)data.n);
	else
		buf_le32(b, (uint32_t)data.n << 8 | 254);
	buf_put(b, data.p, data.n);
	buf_fill(b, 0, -(head + data.n) & 3);
	return 0;
}

/* The flags word at `position`: a bit for every field that is set. */
static uint32_t flags_word(const struct tl_obj *o, unsigned position)
{
	const struct tl_ctor *ctor = &tl_ctors[o->no];
	const struct tl_field *field = &tl_fields[ctor->field_first];
	uint32_t word = 0;

	for (unsigned i = 0; i < ctor->field_count; i++)
		if (field[i].flags == position && o->v[i].set)
			word |= UINT32_C(1) << field[i].bit;
	return word;
}

static int fields_write(struct buf *b, const struct tl_obj *o, unsigned depth)
{
	const struct tl_ctor *ctor = &tl_ctors[o->no];
	const struct tl_field *field = &tl_fields[ctor->field_first];
	uint32_t words[TL_NO_FLAGS];
	int err = 0;

	for (unsigned i = 0; !err && i < ctor->field_count; i++, field++) {
		const struct tl_type *type = &tl_types[field->type];

		if (type->kind == TL_KIND_FLAGS) {
			words[i] = flags_word(o, i);
			buf_le32(b, words[i]);
			continue;
		}
		/* Fields may share a bit: then all or none are set. */
		if (field->flags != TL_NO_FLAGS &&
		    !(words[field->flags] >> field->bit & 1))
			continue;
		if (type->kind != TL_KIND_TRUE)
			err = value_write(b, type, &o->v[i], depth);
	}
	return err;
}

static int object_write(struct buf *b, const struct tl_type *type,
			const struct tl_obj *o, unsigned depth)
{
	if (!o || o->bad || depth >= TL_DEPTH_MAX ||
	    (unsigned)o->no >= TL_CTOR_COUNT || !tl_type_takes(type, o->no))
		return -EINVAL;
	if (type->kind != TL_KIND_BARE)
		buf_le32(b, tl_ctors[o->no].id);
	return fields_write(b, o, depth + 1);
}

/* Items of TL_vector are typed as objects by the table; those read as the
 * result of a function, or put one by one, know their kind themselves. */
static struct tl_type item_type(const struct tl_type *item,
				const struct tl_val *v)
{
	switch (item->kind == TL_KIND_ANY ? v->kind : TL_KIND_ANY) {
	case TL_KIND_INT:
	case TL_KIND_LONG:
	case TL_KIND_DOUBLE:
	case TL_KIND_INT128:
	case TL_KIND_INT256:
	case TL_KIND_BYTES:
		return (struct tl_type){.kind = v->kind};
	default:
		return *item;
	}
}

static int vector_write(struct buf *b, const struct tl_type *type,
			const struct tl_vec *vec, unsigned depth)
{
	const struct tl_type *item = &tl_types[type->about];
	int err = 0;

	if (!type->bare)
		buf_le32(b, tl_ctor_id(TL_vector));
	buf_le32(b, vec->n);
	for (uint32_t i = 0; !err && i < vec->n; i++) {
		struct tl_type own = item_type(item, &vec->v[i]);

		err = value_write(b, &own, &vec->v[i], depth);
	}
	return err;
}

static int raw_write(struct buf *b, const uint8_t *raw, size_t n)
{
	if (!raw)
		return -EINVAL;
	buf_put(b, raw, n);
	return 0;
}

static int number_write(struct buf *b, const struct tl_val *v)
{
	uint64_t bits;

	switch (v->kind) {
	case TL_KIND_INT:
		buf_le32(b, (uint32_t)v->i);
		return 0;
	case TL_KIND_LONG:
		buf_le64(b, (uint64_t)v->l);
		return 0;
	case TL_KIND_DOUBLE:
		memcpy(&bits, &v->d, sizeof(bits));
		buf_le64(b, bits);
		return 0;
	case TL_KIND_INT128:
		return raw_write(b, v->raw, 16);
	case TL_KIND_INT256:
		return raw_write(b, v->raw, 32);
	default:
		return -EINVAL;
	}
}

static int value_write(struct buf *b, const struct tl_type *type,
		       const struct tl_val *v, unsigned depth)
{
	bool boxed = type->kind == TL_KIND_ANY && v->kind == TL_KIND_BOXED;

	if (!v->set || (v->kind != type->kind && !boxed))
		return -EINVAL;
	switch (type->kind) {
	case TL_KIND_BYTES:
		return bytes_write(b, v->b);
	case TL_KIND_VECTOR:
		return vector_write(b, type, &v->vec, depth);
	case TL_KIND_BOXED:
	case TL_KIND_BARE:
	case TL_KIND_ANY:
		return object_write(b, type, v->o, depth);
	default:
		return number_write(b, v);
	}
}

int tl_write(struct buf *b, const struct tl_obj *o)
{
	static const struct tl_type any = {.kind = TL_KIND_ANY};
	int err = object_write(b, &any, o, 0);

	return !err && b->bad ? -ENOMEM : err;
}

int tl_write_vector(struct buf *b, struct tl_obj *const *items, uint32_t n)
{
	int err = 0;

	buf_le32(b, tl_ctor_id(TL_vector));
	buf_le32(b, n);
	for (uint32_t i = 0; !err && i < n; i++)
		err = tl_write(b, items[i]);
	return !err && b->bad ? -ENOMEM : err;
}

int tl_write_vector_long(struct buf *b, const int64_t *items, uint32_t n)
{
	buf_le32(b, tl_ctor_id(TL_vector));
	buf_le32(b, n);
	for (uint32_t i = 0; i < n; i++)
		buf_le64(b, (uint64_t)items[i]);
	return b->bad ? -ENOMEM : 0;
}

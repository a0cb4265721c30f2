#include "tl/object.h"

#include <errno.h>
#include <string.h>

struct writer {
	struct buf *b;
	const struct tl_spelling *list;
	size_t n;
};

static int value_write(const struct writer *w, const struct tl_type *type,
		       const struct tl_val *v, unsigned depth);

static const struct tl_spelling *spelling_of(const struct writer *w,
					     enum tl_ctor_no no)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].no == no)
			return &w->list[i];
	return NULL;
}

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

/* One field that is there, and what the other layer has behind it. */
static int field_write(const struct writer *w, const struct tl_obj *o,
		       unsigned i, unsigned depth)
{
	const struct tl_ctor *ctor = &tl_ctors[o->no];
	const struct tl_field *field = &tl_fields[ctor->field_first + i];
	const struct tl_spelling *s = spelling_of(w, o->no);
	int err = 0;

	if (!s || !s->omit || tl_obj_position(o, s->omit) != (int)i)
		err = value_write(w, &tl_types[field->type], &o->v[i], depth);
	if (s && s->zero_after && tl_obj_position(o, s->zero_after) == (int)i)
		buf_le32(w->b, 0);
	return err;
}

static int fields_write(const struct writer *w, const struct tl_obj *o,
			unsigned depth)
{
	const struct tl_ctor *ctor = &tl_ctors[o->no];
	const struct tl_field *field = &tl_fields[ctor->field_first];
	uint32_t words[TL_NO_FLAGS];
	int err = 0;

	for (unsigned i = 0; !err && i < ctor->field_count; i++, field++) {
		const struct tl_type *type = &tl_types[field->type];

		if (type->kind == TL_KIND_FLAGS) {
			words[i] = flags_word(o, i);
			buf_le32(w->b, words[i]);
			continue;
		}
		/* Fields may share a bit: then all or none are set. */
		if (field->flags != TL_NO_FLAGS &&
		    !(words[field->flags] >> field->bit & 1))
			continue;
		if (type->kind != TL_KIND_TRUE)
			err = field_write(w, o, i, depth);
	}
	return err;
}

static int object_write(const struct writer *w, const struct tl_type *type,
			const struct tl_obj *o, unsigned depth)
{
	const struct tl_spelling *s;

	if (!o || o->bad || depth >= TL_DEPTH_MAX ||
	    (unsigned)o->no >= TL_CTOR_COUNT || !tl_type_takes(type, o->no))
		return -EINVAL;
	s = spelling_of(w, o->no);
	if (type->kind != TL_KIND_BARE)
		buf_le32(w->b, s ? s->id : tl_ctors[o->no].id);
	return fields_write(w, o, depth + 1);
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

static int vector_write(const struct writer *w, const struct tl_type *type,
			const struct tl_vec *vec, unsigned depth)
{
	const struct tl_type *item = &tl_types[type->about];
	int err = 0;

	if (!type->bare)
		buf_le32(w->b, tl_ctor_id(TL_vector));
	buf_le32(w->b, vec->n);
	for (uint32_t i = 0; !err && i < vec->n; i++) {
		struct tl_type own = item_type(item, &vec->v[i]);

		err = value_write(w, &own, &vec->v[i], depth);
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

static int value_write(const struct writer *w, const struct tl_type *type,
		       const struct tl_val *v, unsigned depth)
{
	bool boxed = type->kind == TL_KIND_ANY && v->kind == TL_KIND_BOXED;

	if (!v->set || (v->kind != type->kind && !boxed))
		return -EINVAL;
	switch (type->kind) {
	case TL_KIND_BYTES:
		return bytes_write(w->b, v->b);
	case TL_KIND_VECTOR:
		return vector_write(w, type, &v->vec, depth);
	case TL_KIND_BOXED:
	case TL_KIND_BARE:
	case TL_KIND_ANY:
		return object_write(w, type, v->o, depth);
	default:
		return number_write(w->b, v);
	}
}

int tl_write_spelled(struct buf *b, const struct tl_obj *o,
		     const struct tl_spelling *list, size_t n)
{
	static const struct tl_type any = {.kind = TL_KIND_ANY};
	const struct writer w = {b, list, n};
	int err = object_write(&w, &any, o, 0);

	return !err && b->bad ? -ENOMEM : err;
}

int tl_write(struct buf *b, const struct tl_obj *o)
{
	return tl_write_spelled(b, o, NULL, 0);
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

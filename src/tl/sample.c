#include "tl/sample.h"

#include "tl/object.h"

#define HEIGHT_UNKNOWN 255

/* How deep the least object of each constructor is: least objects must end
 * though types refer to themselves (RichText, PageBlock). */
static uint8_t heights[TL_CTOR_COUNT];

static uint64_t draw(struct tl_sample *s)
{
	s->seed = s->seed * UINT64_C(6364136223846793005) +
		  UINT64_C(1442695040888963407);
	return s->seed >> 29;
}

static const struct tl_type *field_type(enum tl_ctor_no no, unsigned position)
{
	return &tl_types[tl_fields[tl_ctors[no].field_first + position].type];
}

static unsigned type_height(const struct tl_type *type)
{
	unsigned least = HEIGHT_UNKNOWN;

	if (type->kind == TL_KIND_BARE)
		return heights[type->about];
	if (type->kind != TL_KIND_BOXED)
		return 1;
	for (unsigned no = 0; no < TL_CTOR_COUNT; no++)
		if (tl_type_takes(type, (enum tl_ctor_no)no) &&
		    heights[no] < least)
			least = heights[no];
	return least;
}

static unsigned ctor_height(enum tl_ctor_no no)
{
	const struct tl_ctor *ctor = &tl_ctors[no];
	unsigned most = 0;

	for (unsigned i = 0; i < ctor->field_count; i++) {
		unsigned height = 0;

		if (tl_fields[ctor->field_first + i].flags == TL_NO_FLAGS)
			height = type_height(field_type(no, i));
		if (height > most)
			most = height;
	}
	return most < HEIGHT_UNKNOWN ? most + 1 : HEIGHT_UNKNOWN;
}

static void heights_find(void)
{
	bool changed = true;

	for (unsigned no = 0; no < TL_CTOR_COUNT; no++)
		heights[no] = HEIGHT_UNKNOWN;
	while (changed) {
		changed = false;
		for (unsigned no = 0; no < TL_CTOR_COUNT; no++) {
			unsigned old = heights[no];

			if (old == HEIGHT_UNKNOWN)
				heights[no] = (uint8_t)ctor_height(
					(enum tl_ctor_no)no);
			changed |= heights[no] != old;
		}
	}
}

/* The least constructor of a boxed type, or any of them. */
static enum tl_ctor_no ctor_choose(struct tl_sample *s,
				   const struct tl_type *type)
{
	unsigned first = (unsigned)(draw(s) % TL_CTOR_COUNT), best = 0;
	unsigned least = HEIGHT_UNKNOWN;

	for (unsigned i = 0; i < TL_CTOR_COUNT; i++) {
		unsigned no = (first + i) % TL_CTOR_COUNT;

		if (!tl_type_takes(type, (enum tl_ctor_no)no) ||
		    heights[no] >= least)
			continue;
		best = no;
		if (s->mode != TL_SAMPLE_LEAST && s->depth)
			break;
		least = heights[no];
	}
	return (enum tl_ctor_no)best;
}

struct tl_obj *tl_sample_of_type(struct tl_sample *s,
				 const struct tl_type *type)
{
	enum tl_ctor_no no = TL_help_getConfig;

	if (!heights[TL_boolTrue])
		heights_find();
	if (type->kind == TL_KIND_BARE)
		no = (enum tl_ctor_no)type->about;
	else if (type->kind == TL_KIND_BOXED)
		no = ctor_choose(s, type);
	return tl_sample_new(s, no);
}

static uint8_t *noise(struct tl_sample *s, size_t n)
{
	uint8_t *p = tl_arena_alloc(s->arena, n + 1);

	for (size_t i = 0; p && i < n; i++)
		p[i] = (uint8_t)draw(s);
	return p;
}

static bool is_object(const struct tl_type *type)
{
	return type->kind == TL_KIND_BOXED || type->kind == TL_KIND_BARE ||
	       type->kind == TL_KIND_ANY;
}

static void item_fill(struct tl_sample *s, struct tl_obj *o, int field,
		      uint32_t i, const struct tl_type *item)
{
	size_t length = draw(s) % 12;

	if (is_object(item))
		tl_put_obj(o, field, i, tl_sample_of_type(s, item));
	else if (item->kind == TL_KIND_BYTES)
		tl_put_bytes(o, field, i, noise(s, length), length);
	else
		tl_put_long(o, field, i, (int32_t)draw(s));
}

static void vector_fill(struct tl_sample *s, struct tl_obj *o, int field,
			const struct tl_type *item)
{
	unsigned depth = s->depth;
	uint32_t n = s->mode == TL_SAMPLE_LEAST || !depth ? 0 : 2;

	if (n && s->mode == TL_SAMPLE_RANDOM)
		n = (uint32_t)(draw(s) % 4);
	if (tl_set_vector(s->arena, o, field, n))
		return;
	s->depth = depth ? depth - 1 : 0;
	for (uint32_t i = 0; i < n; i++)
		item_fill(s, o, field, i, item);
	s->depth = depth;
}

static void child_fill(struct tl_sample *s, struct tl_obj *o, int field,
		       const struct tl_type *type)
{
	unsigned depth = s->depth;

	s->depth = depth ? depth - 1 : 0;
	tl_set_child(o, field, tl_sample_of_type(s, type));
	s->depth = depth;
}

static void field_fill(struct tl_sample *s, struct tl_obj *o, unsigned position)
{
	const struct tl_type *type = field_type(o->no, position);
	int field = TL_FIELD(o->no, (int)position);
	size_t length = draw(s) % 12;

	switch (type->kind) {
	case TL_KIND_FLAGS:
		break;
	case TL_KIND_TRUE:
		tl_set_true(o, field);
		break;
	case TL_KIND_INT:
		tl_set_int(o, field, (int32_t)draw(s));
		break;
	case TL_KIND_LONG:
		tl_set_long(o, field, (int64_t)(draw(s) << 32 ^ draw(s)));
		break;
	case TL_KIND_DOUBLE:
		tl_set_double(o, field, (double)draw(s) / 7);
		break;
	case TL_KIND_INT128:
	case TL_KIND_INT256:
		tl_set_raw(o, field, noise(s, 32));
		break;
	case TL_KIND_BYTES:
		if (s->mode == TL_SAMPLE_RANDOM && length == 11)
			length = 250 + draw(s) % 10;
		tl_set_bytes(o, field, noise(s, length), length);
		break;
	case TL_KIND_VECTOR:
		vector_fill(s, o, field, &tl_types[type->about]);
		break;
	default:
		child_fill(s, o, field, type);
		break;
	}
}

/* Fields that share a bit share its fate: it is drawn once for all. */
static bool field_wanted(const struct tl_sample *s, const struct tl_field *f,
			 uint64_t coins)
{
	if (f->flags == TL_NO_FLAGS)
		return true;
	if (s->mode == TL_SAMPLE_LEAST || !s->depth)
		return false;
	return s->mode == TL_SAMPLE_MOST ||
	       (coins >> (f->bit + f->flags) % 32 & 1);
}

struct tl_obj *tl_sample_new(struct tl_sample *s, enum tl_ctor_no no)
{
	const struct tl_ctor *ctor = &tl_ctors[no];
	struct tl_obj *o = tl_new(s->arena, no);
	uint64_t coins = draw(s);

	if (!heights[TL_boolTrue])
		heights_find();
	for (unsigned i = 0; o && i < ctor->field_count; i++)
		if (field_wanted(s, &tl_fields[ctor->field_first + i], coins))
			field_fill(s, o, i);
	return o;
}

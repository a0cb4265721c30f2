/* Text of objects, for logs and tests. */
#include "tl/object.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Writes no further than `end` in the buffer. */
struct printer {
	struct buf *b;
	size_t end;
	unsigned depth;
};

static void text_put(struct printer *p, const char *text)
{
	for (; *text && p->b->n < p->end && !p->b->bad; text++)
		buf_u8(p->b, (uint8_t)*text);
}

__attribute__((format(printf, 2, 3))) static void
text_printf(struct printer *p, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_put(p, text);
}

static void hex_put(struct printer *p, const uint8_t *data, size_t n)
{
	char digits[3];

	for (size_t i = 0; i < n && p->b->n < p->end; i++) {
		hex_encode(digits, data + i, 1);
		text_put(p, digits);
	}
}

static void object_put(struct printer *p, const struct tl_obj *o);

static void value_put(struct printer *p, const struct tl_val *v)
{
	switch (v->kind) {
	case TL_KIND_FLAGS:
		text_printf(p, "0x%" PRIx32, v->flags);
		break;
	case TL_KIND_TRUE:
		text_put(p, "true");
		break;
	case TL_KIND_INT:
		text_printf(p, "%" PRId32, v->i);
		break;
	case TL_KIND_LONG:
		text_printf(p, "%" PRId64, v->l);
		break;
	case TL_KIND_DOUBLE:
		text_printf(p, "%g", v->d);
		break;
	case TL_KIND_INT128:
	case TL_KIND_INT256:
		hex_put(p, v->raw,
			!v->raw                     ? 0
			: v->kind == TL_KIND_INT128 ? 16
						    : 32);
		break;
	case TL_KIND_BYTES:
		text_put(p, "#");
		hex_put(p, v->b.p, v->b.n);
		break;
	case TL_KIND_VECTOR:
		text_put(p, "[");
		for (uint32_t i = 0; i < v->vec.n && p->b->n < p->end; i++) {
			text_put(p, i ? ", " : "");
			value_put(p, &v->vec.v[i]);
		}
		text_put(p, "]");
		break;
	default:
		object_put(p, v->o);
		break;
	}
}

static void object_put(struct printer *p, const struct tl_obj *o)
{
	const struct tl_ctor *ctor;
	const char *between = "{";

	if (!o || p->depth >= TL_DEPTH_MAX) {
		text_put(p, o ? "..." : "(none)");
		return;
	}
	ctor = &tl_ctors[o->no];
	text_put(p, tl_ctor_name(o->no));
	p->depth++;
	for (unsigned i = 0; i < ctor->field_count && p->b->n < p->end; i++) {
		const struct tl_field *f = &tl_fields[ctor->field_first + i];

		if (!o->v[i].set)
			continue;
		text_put(p, between);
		text_put(p, tl_field_names + f->name);
		text_put(p, ": ");
		value_put(p, &o->v[i]);
		between = ", ";
	}
	p->depth--;
	text_put(p, between[0] == ',' ? "}" : "");
}

void tl_print(struct buf *b, const struct tl_obj *o, size_t max)
{
	struct printer p = {.b = b, .end = b->n + max};

	object_put(&p, o);
}

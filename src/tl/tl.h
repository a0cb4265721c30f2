/* TL objects: reading, building and writing values of the schema in schema/.
 *
 * Table driven: schema/mtproto.tl and schema/api.tl are turned into tables at
 * build time (src/tl/generate.py -> tl_schema.h, tl_schema.c).  One generic,
 * bounds-checked reader and one writer serve every constructor, so an object
 * nobody uses is still read to its exact end (TL is not self-delimiting), and
 * the simulator refuses whatever the schema does not allow.
 * Wire rules: telegram-wire A.3.
 *
 * tl_schema.h defines, generated:
 *   enum tl_ctor_no { TL_boolFalse, ..., TL_auth_sendCode, ... }
 *       one per constructor and function; dots become underscores. The names
 *       of mtproto.tl and api.tl share one space; its rules stand on top of
 *       tl_schema.h. Today one name is changed by them: the message of
 *       mtproto.tl is TL_mt_message.
 *   enum tl_field_no { TL_auth_sendCode_phone_number, ... }
 *       one per field: TL_FIELD(constructor, position). The accessors find
 *       nothing, and the setters make the object unwritable, when the field
 *       is not one of the object's constructor. A plain position (0, 1, ..)
 *       is taken as the object's own.
 *   #define TL_LAYER 223
 *
 * Memory: everything read or built lives in a struct tl_arena and dies with
 * it; byte strings of a read object point into the caller's input.
 * Values and arenas belong to one thread; tables are constant.
 */
#ifndef TL_TL_H
#define TL_TL_H

#include "base/bytes.h"
#include "tl_schema.h"

/* -- arena ---------------------------------------------------------------- */

struct tl_arena {
	struct tl_block *blocks;
	size_t used_bytes;
	size_t limit_bytes; /* 0: 16 MiB */
};

void tl_arena_init(struct tl_arena *a);
void tl_arena_clear(struct tl_arena *a);
void *tl_arena_alloc(struct tl_arena *a, size_t n); /* zeroed; NULL when full */
struct bytes tl_arena_copy(struct tl_arena *a, struct bytes b);

/* -- schema --------------------------------------------------------------- */

enum tl_kind {
	TL_KIND_FLAGS, /* "#"; computed on writing, kept on reading */
	TL_KIND_TRUE,  /* flags.N?true: no bytes */
	TL_KIND_INT,
	TL_KIND_LONG,
	TL_KIND_DOUBLE,
	TL_KIND_INT128,
	TL_KIND_INT256,
	TL_KIND_BYTES, /* bytes and string */
	TL_KIND_BOXED, /* any constructor of one type */
	TL_KIND_BARE, /* one constructor without its id (%Type or lower case) */
	TL_KIND_VECTOR, /* boxed vector (1cb5c415) or bare vector, see item */
	TL_KIND_ANY,    /* !X and Object: any constructor or function */
};

struct tl_ctor; /* one constructor or function */

uint32_t tl_ctor_id(enum tl_ctor_no no);
const char *tl_ctor_name(enum tl_ctor_no no); /* "auth.sendCode" */
bool tl_ctor_is_function(enum tl_ctor_no no);
/* Look-up by wire id; -ENOENT when the schema has no such id. */
int tl_ctor_by_id(enum tl_ctor_no *nop, uint32_t id);

/* -- values --------------------------------------------------------------- */

struct tl_obj;

struct tl_vec {
	uint32_t n;
	struct tl_val *v;
};

/* One field. `set` is false for an absent optional field. TRUE fields have
 * only `set`. BOOL is a BOXED object boolTrue/boolFalse: use tl_bool(). */
struct tl_val {
	bool set;
	uint8_t kind; /* enum tl_kind of what is set */
	union {
		uint32_t flags;
		int32_t i;
		int64_t l;
		double d;
		const uint8_t *raw; /* int128: 16 bytes, int256: 32 bytes */
		struct bytes b;
		struct tl_obj *o;
		struct tl_vec vec;
	};
};

struct tl_obj {
	enum tl_ctor_no no;
	bool bad;         /* a setter was misused: tl_write refuses */
	struct tl_val *v; /* one per field, in schema order */
};

/* Field accessors; `field` is a TL_<ctor>_<field> constant. A missing field, a
 * NULL object or a field of another kind yields 0, empty bytes, NULL. */
bool tl_has(const struct tl_obj *o, int field);
int32_t tl_int(const struct tl_obj *o, int field); /* or a flags word */
int64_t tl_long(const struct tl_obj *o, int field);
double tl_double(const struct tl_obj *o, int field);
struct bytes tl_bytes(const struct tl_obj *o, int field);
/* int128 / int256; 16 or 32 bytes, or NULL. */
const uint8_t *tl_raw(const struct tl_obj *o, int field);
struct tl_obj *tl_child(const struct tl_obj *o, int field);
bool tl_bool(const struct tl_obj *o, int field);
uint32_t tl_count(const struct tl_obj *o, int field); /* vector length */
struct tl_obj *tl_item(const struct tl_obj *o, int field, uint32_t i);
int64_t tl_item_long(const struct tl_obj *o, int field,
		     uint32_t i); /* or int */
struct bytes tl_item_bytes(const struct tl_obj *o, int field, uint32_t i);
bool tl_is(const struct tl_obj *o, enum tl_ctor_no no); /* false for NULL */

/* -- reading -------------------------------------------------------------- */

/* One boxed constructor or function. Advances r to its exact end; nesting is
 * limited to 64. Where the schema says Object a vector is read as a vector of
 * objects; one of numbers or strings needs tl_read_result(). Padding that is
 * not zero is accepted. Errors: -EBADMSG (short, a constructor of another type
 * than the schema wants, bad vector, nested too deep), -ENOENT (id not in the
 * schema), -EMSGSIZE (arena limit), -ENOMEM. On error *op is untouched and r
 * is bad; the arena may have grown. */
int tl_read(struct tl_obj **op, struct tl_arena *a, struct rd *r);
/* The result of function `fn`: its declared type, which may be Vector<..>,
 * Bool or X. A vector comes back as an object of TL_vector with one VECTOR
 * field, TL_vector_items. For "X" results (wrappers) any object.
 * -EINVAL when fn is no function; the caller handles rpc_error. */
int tl_read_result(struct tl_obj **op, struct tl_arena *a, struct rd *r,
		   enum tl_ctor_no fn);

/* -- building and writing ------------------------------------------------- */

struct tl_obj *tl_new(struct tl_arena *a, enum tl_ctor_no no); /* or NULL */
/* Setters mark the field as present. They accept o == NULL (a failed tl_new)
 * and do nothing then: tl_write reports it. A field of another constructor or
 * kind, an item out of range or a number too big sets o->bad, and tl_write
 * reports that too. Bytes are borrowed, not copied. */
void tl_set_true(struct tl_obj *o, int field);
void tl_set_int(struct tl_obj *o, int field, int32_t v);
void tl_set_long(struct tl_obj *o, int field, int64_t v);
void tl_set_double(struct tl_obj *o, int field, double v);
void tl_set_raw(struct tl_obj *o, int field, const uint8_t *v);
void tl_set_bytes(struct tl_obj *o, int field, const void *p, size_t n);
void tl_set_str(struct tl_obj *o, int field, const char *text);
void tl_set_child(struct tl_obj *o, int field, struct tl_obj *child);
void tl_set_bool(struct tl_arena *a, struct tl_obj *o, int field, bool v);
/* Room for n items in a vector field; fill them with the tl_put_* calls.
 * Errors: -EINVAL, -EMSGSIZE (arena limit), -ENOMEM; tl_write repeats them. */
int tl_set_vector(struct tl_arena *a, struct tl_obj *o, int field, uint32_t n);
void tl_put_obj(struct tl_obj *o, int field, uint32_t i, struct tl_obj *item);
void tl_put_long(struct tl_obj *o, int field, uint32_t i,
		 int64_t v); /* or int */
void tl_put_bytes(struct tl_obj *o, int field, uint32_t i, const void *p,
		  size_t n);

/* Appends the boxed object. Flags words are computed from what is set.
 * Errors: -EINVAL (NULL object, a mandatory field unset, wrong kind or type),
 * -ENOMEM; *b may then hold a partial object: the caller drops it. */
int tl_write(struct buf *b, const struct tl_obj *o);

/* How another layer spells a constructor of ours: its id; a field it lacks
 * (omit); a field of type int, written as 0, that it has behind one of ours
 * (zero_after). 0: no such field. */
struct tl_spelling {
	enum tl_ctor_no no;
	uint32_t id;
	int omit, zero_after; /* TL_<ctor>_<field> */
};

/* As tl_write(), with these constructors spelled so wherever they stand. */
int tl_write_spelled(struct buf *b, const struct tl_obj *o,
		     const struct tl_spelling *list, size_t n);
/* A boxed Vector of the given objects, as answers of type Vector<..>. */
int tl_write_vector(struct buf *b, struct tl_obj *const *items, uint32_t n);
int tl_write_vector_long(struct buf *b, const int64_t *items, uint32_t n);

/* One line of text for logs and tests: name and fields, byte strings as hex,
 * at most `max` characters. Never for objects that hold secrets. */
void tl_print(struct buf *b, const struct tl_obj *o, size_t max);

#endif

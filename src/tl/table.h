/* The generated tables (tl_schema.c), for the files of this folder.
 *
 * Numbers instead of pointers keep them small and constant: 2368 lines of
 * schema take about 150 kB. Constant data; any thread.
 */
#ifndef TL_TABLE_H
#define TL_TABLE_H

#include "tl/tl.h"

#define TL_NO_FLAGS 255

struct tl_type {
	uint8_t kind;   /* enum tl_kind */
	uint8_t bare;   /* VECTOR: not preceded by its id */
	uint16_t about; /* VECTOR: index of the item's type; BARE: enum
			 * tl_ctor_no; BOXED: equals tl_ctor.type of its
			 * constructors */
};

struct tl_field {
	uint16_t name; /* offset in tl_field_names */
	uint16_t type; /* index in tl_types */
	uint8_t flags; /* position of the flags word, or TL_NO_FLAGS */
	uint8_t bit;
};

struct tl_ctor {
	uint32_t id;
	uint32_t name;        /* offset in tl_ctor_names */
	uint16_t field_first; /* index in tl_fields */
	uint16_t type;        /* constructor: number of its boxed type;
			       * function: index in tl_types of its result */
	uint8_t field_count;
	uint8_t is_function;
};

extern const struct tl_type tl_types[];
extern const struct tl_field tl_fields[];
extern const struct tl_ctor tl_ctors[TL_CTOR_COUNT];
extern const unsigned tl_slot_bits;
extern const uint16_t tl_slots[]; /* 1 + enum tl_ctor_no, or 0; by id */
extern const char tl_field_names[];
extern const char tl_ctor_names[];

/* Whether an object of constructor `no` may stand where `type` is asked for;
 * for the kinds BOXED, BARE and ANY. */
bool tl_type_takes(const struct tl_type *type, enum tl_ctor_no no);

#endif

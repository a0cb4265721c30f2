#include "tl/table.h"

#include <errno.h>

uint32_t tl_ctor_id(enum tl_ctor_no no)
{
	return (unsigned)no < TL_CTOR_COUNT ? tl_ctors[no].id : 0;
}

const char *tl_ctor_name(enum tl_ctor_no no)
{
	if ((unsigned)no >= TL_CTOR_COUNT)
		return "?";
	return tl_ctor_names + tl_ctors[no].name;
}

bool tl_ctor_is_function(enum tl_ctor_no no)
{
	return (unsigned)no < TL_CTOR_COUNT && tl_ctors[no].is_function;
}

/* Open addressing; the generator fills the slots by the same rule and leaves
 * more than half of them empty, so a miss ends soon. */
int tl_ctor_by_id(enum tl_ctor_no *nop, uint32_t id)
{
	uint32_t mask = (1u << tl_slot_bits) - 1;
	uint32_t at = id * UINT32_C(0x9e3779b1) >> (32 - tl_slot_bits);

	for (; tl_slots[at]; at = (at + 1) & mask) {
		unsigned no = tl_slots[at] - 1u;

		if (tl_ctors[no].id == id) {
			*nop = (enum tl_ctor_no)no;
			return 0;
		}
	}
	return -ENOENT;
}

bool tl_type_takes(const struct tl_type *type, enum tl_ctor_no no)
{
	switch (type->kind) {
	case TL_KIND_ANY:
		return true;
	case TL_KIND_BARE:
		return type->about == (unsigned)no;
	case TL_KIND_BOXED:
		return !tl_ctors[no].is_function &&
		       tl_ctors[no].type == type->about;
	default:
		return false;
	}
}

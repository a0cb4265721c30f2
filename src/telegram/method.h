/* Every request an account may make (behaviour 2.4): one table says for which
 * feature, whether it may be repeated, and on which line of the flood gates it
 * runs. What is not in the table is refused.
 */
#ifndef TELEGRAM_METHOD_H
#define TELEGRAM_METHOD_H

#include "telegram/account.h"
#include "telegram/flood.h"

enum method_repeat {
	METHOD_READ, /* changes nothing: repeated after a lost connection and
		      * after 500 (1 s, 2 s) */
	METHOD_SAME, /* twice is once (random_id, or the state it asks for):
		      * repeated after a lost connection, and where Telegram
		      * itself asks for it */
	METHOD_ONCE, /* never repeated unless it certainly did not arrive */
};

struct method {
	enum tl_ctor_no no;
	unsigned features; /* any of them (account.h) */
	enum method_repeat repeat;
	enum flood_line line;
};

/* NULL: in no feature's list. */
const struct method *method_find(enum tl_ctor_no no);
#endif

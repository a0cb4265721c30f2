/* Prints docs/errors.md. */
#include <stdio.h>

#include "base/cause.h"

int main(void)
{
	struct buf text;
	int bad;

	buf_init(&text);
	cause_document(&text);
	bad = text.bad || fputs(buf_cstr(&text), stdout) < 0;
	buf_clear(&text);
	return bad;
}

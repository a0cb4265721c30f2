/* Questions on the terminal. Main thread only. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Prints "PROMPT: " and reads a line into dst. hidden: typed without echo when
 * standard input is a terminal; its former state comes back, also when the
 * program is interrupted. Nothing is kept but dst: the caller wipes it.
 * Errors: -EIO (end of input), -EMSGSIZE. An empty line is 0 and "". */
int terminal_ask(const char *prompt, char *dst, size_t room, bool hidden);

#endif

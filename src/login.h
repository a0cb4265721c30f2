/* `gramline login`: a Telegram account is logged in from the terminal. */
#ifndef LOGIN_H
#define LOGIN_H

#include "settings.h"

/* Asks for phone and code on the terminal (or takes phone when given), through
 * the running gateway when its control socket answers, else by itself. Returns
 * the exit status. */
int login_run(const struct settings *s, const char *session,
	      const char *phone);

#endif

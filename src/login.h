/* `gramline login`, `logout`, `logins`, `account`: a Telegram account from the
 * terminal. */
#ifndef LOGIN_H
#define LOGIN_H

#include "settings.h"

enum login_verb {
	LOGIN_BY_PHONE, /* code, password, recovery: whatever is asked for */
	LOGIN_BY_QR,    /* drawn here, scanned by another app of the account */
	LOGIN_BY_TOKEN, /* a bot */
	LOGIN_OUT,
	LOGIN_LIST,    /* log-ins of the account */
	LOGIN_ACCOUNT, /* its settings, shown or set */
};

/* Asks on the terminal what is needed (phone may be given), through the running
 * gateway when its control socket answers, else by itself. Codes, passwords and
 * tokens come from the terminal only. detail: the phone number of LOGIN_BY_PHONE
 * (NULL: the configured one), the setting of LOGIN_ACCOUNT ("all": each; NULL:
 * they are shown). Returns the exit status. */
int login_run(const struct settings *s, enum login_verb verb,
	      const char *session, const char *detail);

#endif

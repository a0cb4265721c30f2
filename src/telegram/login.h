/* Every way to log an account in, and what belongs to it (telegram-wire B).
 *
 *   send_code -> (resend_code)* -> sign_in ---.--> logged in
 *   qr (shown, repeated) ---------------------+--> SESSION_PASSWORD_NEEDED:
 *   bot --------------------------------------'    password_ask, then password
 *                                                  or recovery_start, recover
 *
 * All run on the account's loop; done-handlers exactly once, never inside the
 * call. Errors of all: -ENOTCONN, -ENOMEM; done does not run then. Codes,
 * passwords and tokens are copied, wiped after use and never logged.
 */
#ifndef TELEGRAM_LOGIN_H
#define TELEGRAM_LOGIN_H

#include "telegram/account.h"

/* The same code another way: next_type of the last answer, after its time-out.
 * -EINVAL: no code was sent. */
int tg_login_resend_code(struct tg_account *a, tg_code_h *done, void *arg);
/* The code sent last is void. -EINVAL: there is none. self is NULL. */
int tg_login_cancel_code(struct tg_account *a, tg_login_h *done, void *arg);

/* token: of @BotFather. Brings a dead account back. -EISCONN, -EINVAL. */
int tg_login_bot(struct tg_account *a, const char *token, tg_login_h *done,
		 void *arg);

/* -- QR codes (B.2) ------------------------------------------------------- */

struct tg_qr {
	char url[160]; /* "tg://login?token=.." */
	int seconds;   /* that it is good for */
};
/* Either a code to be shown, or somebody is logged in. */
typedef void(tg_qr_h)(const struct mtp_error *err, const struct tg_qr *show,
		      const struct tg_user *self, void *arg);
/* shown false: a code at once. true: the last one is on show; answers when
 * somebody has scanned it, or with a new one when it expires (within 60 s).
 * SESSION_PASSWORD_NEEDED: scanned, the password is still owed.
 * A call that waits already ends with 400 "LOGIN_SUPERSEDED". -EISCONN. */
int tg_login_qr(struct tg_account *a, bool shown, tg_qr_h *done, void *arg);

/* -- two-step verification (B.4) ------------------------------------------ */

struct tg_password {
	bool on, has_recovery;
	char hint[128]; /* the owner's; may be empty */
};
typedef void(tg_password_h)(const struct mtp_error *err,
			    const struct tg_password *password, void *arg);
int tg_login_password_ask(struct tg_account *a, tg_password_h *done, void *arg);
/* Errors of Telegram: PASSWORD_HASH_INVALID (wrong; may be tried again),
 * FLOOD_WAIT_n; ours: "PASSWORD_TERMS_REFUSED" (the data centre's numbers do
 * not pass the checks; nothing was sent), "UPDATE_APP_TO_LOGIN" (an algorithm
 * we do not know). -EINVAL: empty or longer than 255 bytes. */
int tg_login_password(struct tg_account *a, const char *password,
		      tg_login_h *done, void *arg);

/* -- recovery by e-mail (B.5) --------------------------------------------- */

typedef void(tg_recovery_h)(const struct mtp_error *err,
			    const char *email_pattern, void *arg);
int tg_login_recovery_start(struct tg_account *a, tg_recovery_h *done,
			    void *arg);
/* code: from the e-mail. new_password NULL or empty: the account has no
 * password from then on. A wrong code: 400 "CODE_INVALID". */
int tg_login_recover(struct tg_account *a, const char *code,
		     const char *new_password, tg_login_h *done, void *arg);

/* -- sessions of the account (B.6) ---------------------------------------- */

struct tg_authorization {
	int64_t hash; /* 0: this log-in */
	bool current, official, password_pending, unconfirmed;
	int32_t created, active; /* unix time */
	char app[96], device[96], ip[48], country[48];
};
typedef void(tg_authorizations_h)(const struct mtp_error *err,
				  const struct tg_authorization *list, size_t n,
				  void *arg);
int tg_authorizations(struct tg_account *a, tg_authorizations_h *done,
		      void *arg);
/* Ends another log-in of the account. self is NULL. */
int tg_authorization_end(struct tg_account *a, int64_t hash, tg_login_h *done,
			 void *arg);

#endif

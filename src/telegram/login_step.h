/* What the files login*.c share. */
#ifndef TELEGRAM_LOGIN_STEP_H
#define TELEGRAM_LOGIN_STEP_H

#include "telegram/account_core.h"
#include "telegram/login.h"

/* What a query of the log-in has to come back to. */
struct step {
	struct tg_account *account;
	union {
		tg_code_h *code;
		tg_login_h *login;
		tg_password_h *password;
		tg_recovery_h *recovery;
		tg_authorizations_h *authorizations;
	} done;
	void *arg;
};

/* NULL: no memory. */
struct step *step_new(struct tg_account *a, void *arg);
/* Sends q; s is freed when that fails. */
int step_query(struct step *s, const struct tl_obj *q, tg_answer_h *done);
/* A tg_login_h's end of a step. */
void step_login_done(struct step *s, const struct mtp_error *err,
		     const struct tg_user *self);

/* auth.authorization: we are in. NULL when it is not one. */
const struct tg_user *login_authorised(struct tg_account *a,
				       const struct tl_obj *o);
/* An answer whose authorization ends a log-in; a step with done.login. */
void login_answered(const struct mtp_error *err, const struct tl_obj *answer,
		    void *arg);
/* Before the first query of a log-in: -EISCONN when there is one. */
int login_begin(struct tg_account *a);

#endif

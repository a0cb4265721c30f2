/* Logging in by a QR code that another app of the owner scans (B.2).
 *
 *   export -> token shown -(expired)-> export ...
 *                |  updateLoginToken
 *                '-> export -> success
 *                           '-> migrate: import at the other data centre
 */
#include "telegram/login_step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIGRATIONS_MAX 3
#define TOKEN_MAX 87 /* longer ones fit no code of ours */
/* A new one is asked for this long before the old one expires. */
#define EARLY_S 2
#define SHOWN_MIN_S 5
#define SHOWN_MAX_S 50

/* One call of tg_login_qr(). */
struct qr_wait {
	struct tg_account *account;
	tg_qr_h *done;
	void *arg;
	struct tmr tmr; /* the shown token expires */
	unsigned migrations;
};

static const struct mtp_error internal = {500, "INTERNAL"};
static const struct mtp_error superseded = {400, "LOGIN_SUPERSEDED"};
static const struct mtp_error unusable = {400, "LOGIN_TOKEN_UNUSABLE"};

static void qr_done(struct qr_wait *q, const struct mtp_error *err,
		    const struct tg_qr *shown, const struct tg_user *self)
{
	tmr_cancel(&q->tmr);
	if (q->account->qr == q)
		q->account->qr = NULL;
	if (q->done)
		q->done(err, err ? NULL : shown, err ? NULL : self, q->arg);
	free(q);
}

static void token_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg);

static int export_send(struct qr_wait *w)
{
	struct tg_account *a = w->account;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	tl_arena_init(&arena);
	q = tl_new(&arena, TL_auth_exportLoginToken);
	tl_set_int(q, TL_auth_exportLoginToken_api_id, a->api_id);
	tl_set_str(q, TL_auth_exportLoginToken_api_hash, a->api_hash);
	err = tl_set_vector(&arena, q, TL_auth_exportLoginToken_except_ids, 0);
	if (!err)
		err = tg_account_query(a, q, 0, token_answered, w);
	tl_arena_clear(&arena);
	return err;
}

/* "loginTokenMigrateTo (dc_id, token) -> connect to that DC and call
 * auth.importLoginToken" */
static void migrate(struct qr_wait *w, const struct tl_obj *o)
{
	struct bytes token = tl_bytes(o, TL_auth_loginTokenMigrateTo_token);
	int dc = tl_int(o, TL_auth_loginTokenMigrateTo_dc_id);
	struct tg_account *a = w->account;
	struct tl_arena arena;
	struct tl_obj *q;
	int err = -EPROTO;

	if (dc > 0 && dc < 1000 && w->migrations++ < MIGRATIONS_MAX) {
		a->migrate_to = dc;
		a->rebuild_wanted = true;
		tl_arena_init(&arena);
		q = tl_new(&arena, TL_auth_importLoginToken);
		tl_set_bytes(q, TL_auth_importLoginToken_token, token.p,
			     token.n);
		err = tg_account_query(a, q, 0, token_answered, w);
		tl_arena_clear(&arena);
		account_wake(a);
	}
	if (err)
		qr_done(w, &unusable, NULL, NULL);
}

/* "tg://login?token= + base64url(token)" */
static bool url_make(struct tg_qr *shown, struct bytes token)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n;

	if (!token.n || token.n > TOKEN_MAX)
		return false;
	n = (size_t)snprintf(shown->url, sizeof(shown->url), "%s",
			     "tg://login?token=");
	for (size_t i = 0; i < token.n; i++) {
		bits = bits << 8 | token.p[i];
		for (have += 8; have >= 6; have -= 6)
			shown->url[n++] = digits[bits >> (have - 6) & 63];
	}
	if (have)
		shown->url[n++] = digits[bits << (6 - have) & 63];
	shown->url[n] = '\0';
	return true;
}

static void show(struct qr_wait *w, const struct tl_obj *o)
{
	int64_t left = tl_int(o, TL_auth_loginToken_expires) -
		       clock_wall().us / 1000000 - EARLY_S;
	struct tg_qr shown = {.url = ""};

	if (!url_make(&shown, tl_bytes(o, TL_auth_loginToken_token))) {
		qr_done(w, &unusable, NULL, NULL);
		return;
	}
	/* Clocks may differ. */
	if (left < SHOWN_MIN_S)
		left = SHOWN_MIN_S;
	if (left > SHOWN_MAX_S)
		left = SHOWN_MAX_S;
	shown.seconds = (int)left;
	w->account->qr_until = clock_now() + (usec_t)left * USEC_S;
	qr_done(w, NULL, &shown, NULL);
}

static void token_answered(const struct mtp_error *err,
			   const struct tl_obj *answer, void *arg)
{
	struct qr_wait *w = arg;
	const struct tg_user *self = NULL;

	if (err) {
		w->account->qr_until = 0;
		qr_done(w, err, NULL, NULL);
	} else if (tl_is(answer, TL_auth_loginToken)) {
		show(w, answer);
	} else if (tl_is(answer, TL_auth_loginTokenMigrateTo)) {
		migrate(w, answer);
	} else {
		w->account->qr_until = 0;
		if (tl_is(answer, TL_auth_loginTokenSuccess))
			self = login_authorised(
				w->account,
				tl_child(
					answer,
					TL_auth_loginTokenSuccess_authorization));
		qr_done(w, self ? NULL : &unusable, NULL, self);
	}
}

static void ask_again(void *arg)
{
	struct qr_wait *w = arg;

	tmr_cancel(&w->tmr);
	w->account->qr = NULL;
	w->account->qr_accepted = false;
	if (export_send(w))
		qr_done(w, &internal, NULL, NULL);
}

int tg_login_qr(struct tg_account *a, bool shown, tg_qr_h *done, void *arg)
{
	usec_t now = clock_now();
	struct qr_wait *w;
	int err;

	err = login_begin(a);
	if (err)
		return err;
	if (a->qr) /* of somebody who has gone, perhaps */
		qr_done(a->qr, &superseded, NULL, NULL);
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct qr_wait){.account = a, .done = done, .arg = arg};
	tmr_init(&w->tmr);
	if (shown && !a->qr_accepted && a->qr_until > now) {
		a->qr = w;
		tmr_start(&w->tmr, (a->qr_until - now) / USEC_MS, ask_again, w);
		return 0;
	}
	a->qr_accepted = false;
	err = export_send(w);
	if (err)
		free(w);
	return err;
}

/* Only noted here: this runs inside the connection's handler. */
void login_token_accepted(struct tg_account *a)
{
	a->qr_accepted = true;
	if (a->qr)
		tmr_start(&a->qr->tmr, 0, ask_again, a->qr);
}

void login_qr_drop(struct tg_account *a)
{
	static const struct mtp_error closed = {-ECANCELED, "CLOSED"};

	if (a->qr)
		qr_done(a->qr, &closed, NULL, NULL);
}

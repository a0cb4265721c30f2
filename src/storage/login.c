/* Log-ins on request (storage.S.login.*, telegram-wire B). Each request gets
 * one answer: {ok: true, ...}, or {ok: false, code, text}.
 *
 * Where the second password is still owed the answer is
 * {ok: true, password: {hint, recovery}} and no user.
 */
#include "storage/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/manager_storage.h"
#include "bus/text.h"
#include "telegram/login.h"

struct login_request {
	struct storage *storage;
	struct session *session;
	char *inbox;
};

static void login_destroy(void *arg)
{
	struct login_request *r = arg;

	mem_deref(r->inbox);
}

static struct login_request *login_request(struct storage *s,
					   const struct bus_message *m)
{
	struct login_request *r = mem_zalloc(sizeof(*r), login_destroy);

	if (!r || str_dup(&r->inbox, m->inbox ? m->inbox : ""))
		return mem_deref(r);
	r->storage = s;
	r->session = storage_session(s, text_of(m->body, "session"));
	return r;
}

static void reply(struct login_request *r, json_t *body)
{
	bus_reply(r->storage->conf.bus, r->inbox, body);
	mem_deref(r);
}

static void login_failed(struct login_request *r, int code, const char *text)
{
	reply(r, json_pack("{sb si ss}", "ok", 0, "code", code, "text", text));
}

/* Why a function of telegram/login.h did not begin. */
static void login_refused(struct login_request *r, int err)
{
	switch (err) {
	case -EISCONN:
		login_failed(r, 400, "ALREADY_LOGGED_IN");
		break;
	case -EINVAL:
		login_failed(r, 400, "ARGUMENT_INVALID");
		break;
	case -EPERM:
		login_failed(r, 403, "FEATURE_OFF");
		break;
	default:
		login_failed(r, 503, "NOT_CONNECTED");
	}
}

/* -- answers -------------------------------------------------------------- */

static void on_code_sent(const struct mtp_error *err,
			 const struct tg_code_sent *sent, void *arg)
{
	struct login_request *r = arg;

	if (err)
		login_failed(r, err->code, err->text);
	else
		reply(r, json_pack("{sb ss si ss ss si}", "ok", 1, "how",
				   sent->how, "length", sent->length, "pattern",
				   sent->pattern, "next", sent->next,
				   "timeout_s", sent->timeout_s));
}

static void on_password_known(const struct mtp_error *err,
			      const struct tg_password *password, void *arg)
{
	struct login_request *r = arg;

	if (err)
		login_failed(r, err->code, err->text);
	else
		reply(r, json_pack("{sb s{ss sb}}", "ok", 1, "password", "hint",
				   password->hint, "recovery",
				   password->has_recovery));
}

static void on_logged_in(const struct mtp_error *err,
			 const struct tg_user *self, void *arg)
{
	struct login_request *r = arg;

	if (!err) {
		(void)store_flush(r->storage->conf.store);
		reply(r, json_pack("{sb so}", "ok", 1, "user",
				   storage_user_json(self)));
	} else if (strcmp(err->text, "SESSION_PASSWORD_NEEDED") != 0 ||
		   tg_login_password_ask(r->session->account, on_password_known,
					 r)) {
		login_failed(r, err->code, err->text);
	}
}

static void on_qr(const struct mtp_error *err, const struct tg_qr *show,
		  const struct tg_user *self, void *arg)
{
	struct login_request *r = arg;

	if (err || self)
		on_logged_in(err, self, arg);
	else
		reply(r, json_pack("{sb ss si}", "ok", 1, "url", show->url,
				   "seconds", show->seconds));
}

static void on_done(const struct mtp_error *err, const struct tg_user *self,
		    void *arg)
{
	struct login_request *r = arg;

	if (err)
		login_failed(r, err->code, err->text);
	else
		reply(r, json_pack("{sb}", "ok", 1));
}

static void on_recovery(const struct mtp_error *err, const char *email_pattern,
			void *arg)
{
	struct login_request *r = arg;

	if (err)
		login_failed(r, err->code, err->text);
	else
		reply(r, json_pack("{sb ss}", "ok", 1, "email", email_pattern));
}

static void on_authorizations(const struct mtp_error *err,
			      const struct tg_authorization *list, size_t n,
			      void *arg)
{
	struct login_request *r = arg;
	json_t *rows = json_array();
	char hash[24];

	if (err) {
		json_decref(rows);
		login_failed(r, err->code, err->text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct tg_authorization *t = &list[i];

		/* A number of 64 bits does not survive every JSON reader. */
		re_snprintf(hash, sizeof(hash), "%lld", (long long)t->hash);
		json_array_append_new(
			rows,
			json_pack("{ss sb sb ss ss ss ss sI sI}", "login", hash,
				  "current", t->current, "official",
				  t->official, "app", t->app, "device",
				  t->device, "ip", t->ip, "country", t->country,
				  "created", (json_int_t)t->created, "active",
				  (json_int_t)t->active));
	}
	reply(r, json_pack("{sb so}", "ok", 1, "rows", rows));
}

/* -- requests ------------------------------------------------------------- */

static int run_start(struct tg_account *a, json_t *q, void *r)
{
	const char *phone = text_of(q, "phone");

	return tg_login_send_code(a, phone + (*phone == '+'), on_code_sent, r);
}

static int run_resend(struct tg_account *a, json_t *q, void *r)
{
	return tg_login_resend_code(a, on_code_sent, r);
}

static int run_cancel(struct tg_account *a, json_t *q, void *r)
{
	return tg_login_cancel_code(a, on_done, r);
}

static int run_code(struct tg_account *a, json_t *q, void *r)
{
	return tg_login_sign_in(a, text_of(q, "code"), on_logged_in, r);
}

static int run_password(struct tg_account *a, json_t *q, void *r)
{
	return tg_login_password(a, text_of(q, "password"), on_logged_in, r);
}

/* Without a code: have one sent. */
static int run_recover(struct tg_account *a, json_t *q, void *r)
{
	const char *code = text_of(q, "code");

	if (!*code)
		return tg_login_recovery_start(a, on_recovery, r);
	return tg_login_recover(a, code, text_of(q, "password"), on_logged_in,
				r);
}

static int run_qr_code(struct tg_account *a, json_t *q, void *r)
{
	return tg_login_qr(a, json_is_true(json_object_get(q, "shown")), on_qr,
			   r);
}

static int run_bot(struct tg_account *a, json_t *q, void *r)
{
	return tg_login_bot(a, text_of(q, "token"), on_logged_in, r);
}

static int run_logout(struct tg_account *a, json_t *q, void *r)
{
	return tg_log_out(a, on_done, r);
}

static int run_list(struct tg_account *a, json_t *q, void *r)
{
	return tg_authorizations(a, on_authorizations, r);
}

static int run_end(struct tg_account *a, json_t *q, void *r)
{
	return tg_authorization_end(a, strtoll(text_of(q, "login"), NULL, 10),
				    on_done, r);
}

static void run_request(struct storage *s, const struct bus_message *m,
			int (*run)(struct tg_account *a, json_t *q, void *r))
{
	struct login_request *r = login_request(s, m);
	int err;

	if (!r)
		return;
	if (!r->session) {
		login_failed(r, 404, "SESSION_UNKNOWN");
		return;
	}
	err = run(r->session->account, m->body, r);
	if (err)
		login_refused(r, err);
}

#define REQUEST(noun)                                                          \
	static void on_##noun(const struct bus_message *m, void *arg)          \
	{                                                                      \
		run_request(arg, m, run_##noun);                               \
	}

REQUEST(start)
REQUEST(resend)
REQUEST(cancel)
REQUEST(code)
REQUEST(password)
REQUEST(recover)
REQUEST(qr_code)
REQUEST(bot)
REQUEST(logout)
REQUEST(list)
REQUEST(end)

int storage_login_subscribe(struct storage *s)
{
	static const struct {
		const char *subject;
		bus_h *handler;
	} table[] = {
		{BUS_STORAGE_LOGIN_START, on_start},
		{BUS_STORAGE_LOGIN_RESEND, on_resend},
		{BUS_STORAGE_LOGIN_CANCEL, on_cancel},
		{BUS_STORAGE_LOGIN_CODE, on_code},
		{BUS_STORAGE_LOGIN_PASSWORD, on_password},
		{BUS_STORAGE_LOGIN_RECOVER, on_recover},
		{BUS_STORAGE_LOGIN_QR, on_qr_code},
		{BUS_STORAGE_LOGIN_BOT, on_bot},
		{BUS_STORAGE_LOGINS, on_list},
		{BUS_STORAGE_LOGINS_END, on_end},
		{BUS_STORAGE_LOGOUT, on_logout},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table) && !err; i++)
		err = storage_subscribe(s, table[i].subject, table[i].handler);
	return err;
}

/* Settings of the accounts on request (storage.S.settings). One request runs
 * one after the other through what it asks. */
#include "telegram/settings.h"

#include <errno.h>
#include <string.h>

#include "bus/manager_storage.h"
#include "bus/text.h"
#include "storage/internal.h"

struct settings_request {
	struct storage *storage;
	struct tg_account *account;
	enum tg_setting setting; /* being read */
	json_t *rows;
	char *inbox;
};

static void request_destroy(void *arg)
{
	struct settings_request *r = arg;

	json_decref(r->rows);
	mem_deref(r->inbox);
}

static void reply(struct settings_request *r, json_t *body)
{
	bus_reply(r->storage->conf.bus, r->inbox, body);
	mem_deref(r);
}

static void fail(struct settings_request *r, int code, const char *text)
{
	reply(r, json_pack("{sb si ss}", "ok", 0, "code", code, "text", text));
}

/* Why a function of telegram/settings.h did not begin. */
static const char *refusal(int err)
{
	return err == -EPERM ? "FEATURE_OFF" : "NOT_CONNECTED";
}

/* -- reading: all of them ---------------------------------------------------
 */

static void read_next(struct settings_request *r);

static void on_read(const struct mtp_error *err, bool is_set, unsigned left,
		    void *arg)
{
	struct settings_request *r = arg;

	json_array_append_new(r->rows,
			      json_pack("{ss sb si ss ss}", "setting",
					tg_setting_name(r->setting), "set",
					is_set, "left", (int)left, "text",
					tg_setting_text(r->setting), "error",
					err ? err->text : ""));
	r->setting++;
	read_next(r);
}

static void read_next(struct settings_request *r)
{
	int err;

	if (r->setting == TG_SETTINGS) {
		reply(r, json_pack("{sb sO}", "ok", 1, "rows", r->rows));
		return;
	}
	err = tg_setting_read(r->account, r->setting, on_read, r);
	if (err)
		fail(r, 503, refusal(err));
}

/* -- applying: one ----------------------------------------------------------
 */

static void on_applied(const struct mtp_error *err, bool is_set, unsigned left,
		       void *arg)
{
	struct settings_request *r = arg;

	if (err)
		fail(r, err->code, err->text);
	else if (!is_set)
		fail(r, 500, "SETTING_NOT_TAKEN");
	else
		reply(r, json_pack("{sb si}", "ok", 1, "left", (int)left));
}

/* -- requests ---------------------------------------------------------------
 */

static struct settings_request *request_new(struct storage *s,
					    const struct bus_message *m)
{
	struct session *session =
		storage_session(s, text_of(m->body, "session"));
	struct settings_request *r = mem_zalloc(sizeof(*r), request_destroy);

	if (!r || str_dup(&r->inbox, m->inbox ? m->inbox : ""))
		return mem_deref(r);
	r->storage = s;
	r->rows = json_array();
	if (!session) {
		fail(r, 404, "SESSION_UNKNOWN");
		return NULL;
	}
	r->account = session->account;
	return r;
}

static void on_settings(const struct bus_message *m, void *arg)
{
	struct settings_request *r = request_new(arg, m);

	if (r)
		read_next(r);
}

static void on_apply(const struct bus_message *m, void *arg)
{
	struct settings_request *r = request_new(arg, m);
	int err;

	if (!r)
		return;
	if (tg_setting_of(&r->setting, text_of(m->body, "setting"))) {
		fail(r, 400, "SETTING_UNKNOWN");
		return;
	}
	err = tg_setting_apply(r->account, r->setting, on_applied, r);
	if (err)
		fail(r, 503, refusal(err));
}

int storage_settings_subscribe(struct storage *s)
{
	int err = storage_subscribe(s, BUS_STORAGE_SETTINGS, on_settings);

	if (!err)
		err = storage_subscribe(s, BUS_STORAGE_SETTINGS_APPLY,
					on_apply);
	return err;
}

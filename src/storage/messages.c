/* Requests about messages (storage.S.message, service/service.h). Peers are
 * looked up first; then the function of telegram/ runs. Texts are not logged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/manager_storage.h"
#include "bus/text.h"
#include "storage/message_core.h"

#define IDS_MAX 100

/* -- a request ------------------------------------------------------------- */

static void request_destroy(void *arg)
{
	struct message_request *r = arg;

	mem_deref(r->inbox);
	json_decref(r->q);
}

void message_reply(struct message_request *r, json_t *body)
{
	bus_reply(r->storage->conf.bus, r->inbox, body);
	mem_deref(r);
}

void message_failed(struct message_request *r, int code, const char *text)
{
	message_reply(r, json_pack("{sb si ss}", "ok", 0, "code", code, "text",
				   text));
}

void message_refused(struct message_request *r, int err)
{
	switch (err) {
	case -EINVAL:
		message_failed(r, 400, "ARGUMENT_INVALID");
		break;
	case -EMSGSIZE:
		message_failed(r, 400, "MESSAGE_TOO_LONG");
		break;
	case -EBADMSG:
	case -EILSEQ:
		message_failed(r, 400, "FORMAT_INVALID");
		break;
	case -EFBIG:
		message_failed(r, 400, "FILE_TOO_BIG");
		break;
	case -EPERM:
		message_failed(r, 403, "FEATURE_OFF");
		break;
	case -ENOTCONN:
	case -EHOSTUNREACH:
		message_failed(r, 503, "NOT_CONNECTED");
		break;
	default:
		message_failed(r, 500, strerrorname_np(-err));
	}
}

void message_on_sent(const struct mtp_error *err, const struct tg_message *sent,
		     void *arg)
{
	struct message_request *r = arg;

	if (err)
		message_failed(r, err->code, err->text);
	else
		message_reply(r,
			      json_pack("{sb si so}", "ok", 1, "id", sent->id,
					"message", message_json(sent)));
}

void message_on_done(const struct mtp_error *err, void *arg)
{
	struct message_request *r = arg;

	if (err)
		message_failed(r, err->code, err->text);
	else
		message_reply(r, json_pack("{sb}", "ok", 1));
}

/* -- messages -------------------------------------------------------------- */

static int run_send(struct message_request *r)
{
	struct draft_json d;
	int err = draft_of(&d, r->q, "text");

	if (!err)
		err = tg_message_send(r->session->account, &r->to, &d.draft,
				      message_on_sent, r);
	draft_clear(&d);
	return err;
}

static int run_edit(struct message_request *r)
{
	struct draft_json d;
	int err = draft_of(&d, r->q, "text");

	if (!err)
		err = tg_message_edit(r->session->account, &r->to,
				      int_of(r->q, "id", 0), &d.draft,
				      message_on_sent, r);
	draft_clear(&d);
	return err;
}

static int run_delete(struct message_request *r)
{
	json_t *list = json_object_get(r->q, "ids"), *v;
	bool own = json_is_false(json_object_get(r->q, "for_all"));
	int32_t ids[IDS_MAX];
	size_t n = 0, i;

	if (json_array_size(list) > IDS_MAX)
		return -EINVAL;
	json_array_foreach(list, i, v) ids[n++] =
		(int32_t)json_integer_value(v);
	if (!n)
		ids[n++] = int_of(r->q, "id", 0);
	return tg_messages_delete(r->session->account, ids, n, !own,
				  message_on_done, r);
}

static json_t *row_json(const struct tg_message *m)
{
	json_t *o = message_json(m);
	const struct tg_document *d = m->document;

	json_object_set_new(o, "file_name",
			    d ? json_stringn((const char *)d->name.p, d->name.n)
			      : json_string(""));
	json_object_set_new(o, "size", d ? id_json(d->size) : json_string(""));
	return o;
}

static void on_listed(const struct mtp_error *err,
		      const struct tg_message *list, size_t n, void *arg)
{
	struct message_request *r = arg;
	json_t *rows;

	if (err) {
		message_failed(r, err->code, err->text);
		return;
	}
	rows = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rows, row_json(&list[i]));
	message_reply(r, json_pack("{sb so}", "ok", 1, "rows", rows));
}

static int run_list(struct message_request *r)
{
	return tg_messages_history(r->session->account, &r->to,
				   int_of(r->q, "before", 0),
				   int_of(r->q, "limit", 20), on_listed, r);
}

static void on_alert(const struct mtp_error *err, const struct tg_alert *alert,
		     void *arg)
{
	struct message_request *r = arg;

	if (err)
		message_failed(r, err->code, err->text);
	else
		message_reply(
			r, json_pack("{sb ss% ss% sb}", "ok", 1, "answer",
				     alert->text.n ? (const char *)alert->text.p
						   : "",
				     alert->text.n, "url",
				     alert->url.n ? (const char *)alert->url.p
						  : "",
				     alert->url.n, "alert", alert->alert));
}

static int run_press(struct message_request *r)
{
	uint8_t room[TG_BUTTON_DATA_MAX];

	return tg_press(r->session->account, &r->to, int_of(r->q, "id", 0),
			button_data_of(r->q, room), on_alert, r);
}

static int run_press_answer(struct message_request *r)
{
	return tg_press_answer(r->session->account, id_of(r->q, "query"),
			       json_string_value(json_object_get(r->q, "text")),
			       json_is_true(json_object_get(r->q, "alert")),
			       int_of(r->q, "cache_s", 0), message_on_done, r);
}

/* -- inline ---------------------------------------------------------------- */

static json_t *offer_json(const struct tg_offer *o)
{
	return json_pack("{ss% ss% ss%}", "result",
			 o->id.n ? (const char *)o->id.p : "", o->id.n, "title",
			 o->title.n ? (const char *)o->title.p : "", o->title.n,
			 "description",
			 o->description.n ? (const char *)o->description.p : "",
			 o->description.n);
}

static void on_offers(const struct mtp_error *err,
		      const struct tg_offers *offers, void *arg)
{
	struct message_request *r = arg;
	json_t *rows;

	if (err) {
		message_failed(r, err->code, err->text);
		return;
	}
	rows = json_array();
	for (size_t i = 0; i < offers->n; i++)
		json_array_append_new(rows, offer_json(&offers->list[i]));
	message_reply(r, json_pack("{sb so so}", "ok", 1, "query",
				   id_json(offers->query_id), "rows", rows));
}

static int run_inline_ask(struct message_request *r)
{
	return tg_inline_ask(r->session->account, &r->bot, &r->to,
			     text_of(r->q, "query"), text_of(r->q, "offset"),
			     on_offers, r);
}

static int run_inline_send(struct message_request *r)
{
	return tg_inline_send(r->session->account, &r->bot, &r->to,
			      id_of(r->q, "query"),
			      bytes_str(text_of(r->q, "result")),
			      id_of(r->q, "random"), message_on_sent, r);
}

static int run_inline_answer(struct message_request *r)
{
	json_t *list = json_object_get(r->q, "results"), *o;
	struct draft_json drafts[TG_RESULTS_MAX];
	struct tg_result results[TG_RESULTS_MAX];
	size_t n = 0, i;
	int err = 0;

	if (json_array_size(list) > TG_RESULTS_MAX)
		return -EINVAL;
	json_array_foreach(list, i, o)
	{
		int bad = draft_of(&drafts[n], o, "text");

		err = err ? err : bad;
		results[n] = (struct tg_result){
			.id = text_of(o, "id"),
			.title = text_of(o, "title"),
			.description = json_string_value(
				json_object_get(o, "description")),
			.draft = drafts[n].draft,
		};
		n++;
	}
	if (!err)
		err = tg_inline_answer(
			r->session->account, id_of(r->q, "query"), results, n,
			int_of(r->q, "cache_s", 0),
			json_is_true(json_object_get(r->q, "personal")),
			message_on_done, r);
	while (n)
		draft_clear(&drafts[--n]);
	return err;
}

static int run_inline_edit(struct message_request *r)
{
	struct tg_inline_id id;
	struct draft_json d;
	int err = draft_of(&d, r->q, "text");

	if (!err && !inline_id_of(&id, text_of(r->q, "message")))
		err = -EINVAL;
	if (!err)
		err = tg_inline_edit(r->session->account, &id, &d.draft,
				     message_on_done, r);
	draft_clear(&d);
	return err;
}

/* -- peers ----------------------------------------------------------------- */

static void run_or_refuse(struct message_request *r)
{
	int err = r->run(r);

	if (err)
		message_refused(r, err);
}

/* "me", "+digits", "@name" or "name", an id. */
static int peer_find(struct message_request *r, struct tg_user *user,
		     const char *who, tg_user_h *found)
{
	const struct tg_user *self = tg_account_self(r->session->account);
	enum tg_peer_kind kind = TG_PEER_USERNAME;

	if (!strcmp(who, "me") && self) {
		*user = *self;
		user->self = true;
		found(NULL, user, r);
		return 0;
	}
	if (*who == '+')
		kind = TG_PEER_PHONE;
	else if (*who && strspn(who, "0123456789") == strlen(who))
		kind = TG_PEER_ID;
	return tg_resolve(r->session->account, kind,
			  who + (*who == '+' || *who == '@'), found, r);
}

static void on_to(const struct mtp_error *err, const struct tg_user *user,
		  void *arg)
{
	struct message_request *r = arg;

	if (err) {
		message_failed(r, err->code, err->text);
		return;
	}
	r->to = *user;
	run_or_refuse(r);
}

static void on_bot(const struct mtp_error *err, const struct tg_user *user,
		   void *arg)
{
	struct message_request *r = arg;
	int fail;

	if (err) {
		message_failed(r, err->code, err->text);
		return;
	}
	r->bot = *user;
	fail = peer_find(r, &r->to, text_of(r->q, "to"), on_to);
	if (fail)
		message_refused(r, fail);
}

/* -- requests -------------------------------------------------------------- */

static const struct {
	const char *command;
	bool to, bot; /* names these peers */
	int (*run)(struct message_request *r);
} requests[] = {
	{"message send", true, false, run_send},
	{"message edit", true, false, run_edit},
	{"message delete", false, false, run_delete},
	{"message list", true, false, run_list},
	{"message press", true, false, run_press},
	{"message answer", false, false, run_press_answer},
	{"inline ask", true, true, run_inline_ask},
	{"inline send", true, true, run_inline_send},
	{"inline answer", false, false, run_inline_answer},
	{"inline edit", false, false, run_inline_edit},
	{"file send", true, false, file_send_run},
	{"file receive", false, false, file_receive_run},
	{"events", false, false, events_run},
};

#define REQUESTS (sizeof(requests) / sizeof(*requests))

static struct message_request *request_new(struct storage *s,
					   const struct bus_message *m)
{
	struct message_request *r = mem_zalloc(sizeof(*r), request_destroy);

	if (!r || str_dup(&r->inbox, m->inbox ? m->inbox : ""))
		return mem_deref(r);
	r->storage = s;
	r->q = json_incref(m->body);
	r->session = storage_session(s, text_of(m->body, "session"));
	return r;
}

static void on_request(const struct bus_message *m, void *arg)
{
	struct message_request *r = request_new(arg, m);
	int err = 0;
	size_t i = 0;

	if (!r)
		return;
	while (i < REQUESTS &&
	       strcmp(requests[i].command, text_of(r->q, "command")) != 0)
		i++;
	if (i == REQUESTS || !r->session) {
		message_failed(r, 404,
			       r->session ? "COMMAND_UNKNOWN"
					  : "SESSION_UNKNOWN");
		return;
	}
	r->run = requests[i].run;
	if (requests[i].bot)
		err = peer_find(r, &r->bot, text_of(r->q, "bot"), on_bot);
	else if (requests[i].to)
		err = peer_find(r, &r->to, text_of(r->q, "to"), on_to);
	else
		run_or_refuse(r);
	if (err)
		message_refused(r, err);
}

int storage_messages_subscribe(struct storage *s)
{
	return storage_subscribe(s, BUS_STORAGE_MESSAGE, on_request);
}

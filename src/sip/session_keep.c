/* Dialogs on disk: after a crash the far end must not talk to nobody, so a new
 * stack says BYE for the old one. */
#include "sip/session_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

struct kept {
	struct le le;
	struct dialog dialog;
	struct sip_request *request;
};

int sip_session_keep(const struct sip_session *s, struct buf *json)
{
	json_t *object;
	char *text;

	if (!s->dialog.remote_tag)
		return -EINVAL;
	object = dialog_pack(&s->dialog);
	text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!text)
		return -ENOMEM;
	buf_str(json, text);
	free(text);
	return json->bad ? -ENOMEM : 0;
}

static void kept_destructor(void *p)
{
	struct kept *k = p;

	list_unlink(&k->le);
	mem_deref(k->request);
	dialog_clear(&k->dialog);
}

static void kept_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct kept *k = arg;

	if (!err && msg && msg->scode < 200)
		return;
	log_info("sip", k->dialog.call_id, "call of a former run: BYE %s",
		 err ? "not answered" : "answered");
	mem_deref(k);
}

int sip_stack_bye_kept(struct sip_stack *stack, const char *json)
{
	struct kept *k = mem_zalloc(sizeof(*k), kept_destructor);
	const struct dialog_request r = {
		.method = "BYE",
		.stateful = true,
		.answered = kept_answered,
		.arg = k,
	};
	json_t *object = json_loads(json, 0, NULL);
	int err = -EBADMSG;

	if (!k) {
		json_decref(object);
		return -ENOMEM;
	}
	if (object)
		err = dialog_unpack(&k->dialog, object);
	json_decref(object);
	if (!err)
		err = dialog_send(&k->dialog, stack, &k->request, &r);
	if (err) {
		mem_deref(k);
		return err;
	}
	list_append(&stack->kept, &k->le, k);
	return 0;
}

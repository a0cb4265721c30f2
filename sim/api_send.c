/* messages.*: what changes a chat: sending texts and files, editing,
 * deleting. */
#include <stdlib.h>
#include <string.h>

#include "sim/api.h"
#include "sim/content.h"
#include "sim/document.h"
#include "sim/send.h"
#include "sim/update.h"

enum {
	SIM_DELETE_MAX = 100,
	SIM_EDIT_SECONDS = 48 * 3600,
};

/* -- what all sending has in common ---------------------------------------- */

const struct sim_fault *sim_send_check(const struct sim_request *r,
				       const struct sim_account *to,
				       int64_t random_id)
{
	if (!to)
		return SIM_FAULT(400, "PEER_ID_INVALID", "peer-input");
	if (to->deleted)
		return SIM_FAULT(400, "INPUT_USER_DEACTIVATED",
				 "message-deleted");
	if (sim_account_blocks(to, r->me->id))
		return SIM_FAULT(400, "USER_IS_BLOCKED", "message-blocked");
	if (sim_account_blocks(r->me, to->id))
		return SIM_FAULT(400, "YOU_BLOCKED_USER", "message-blocking");
	for (size_t i = 0; i < r->me->message_count; i++)
		if (r->me->messages[i].random_id == random_id)
			return SIM_FAULT(500, "RANDOM_ID_DUPLICATE",
					 "message-random-id");
	return NULL;
}

static void sim_answer_sent(struct sim_request *r, struct sim_account *to,
			    const struct sim_message *sent)
{
	struct sim_event e = {.kind = SIM_EVENT_NEW,
			      .pts = sent->pts,
			      .message_id = sent->id,
			      .peer = sent->peer};
	struct tl_obj *list[2];
	struct sim_mentions m = {.n = 0};

	list[0] = tl_new(r->arena, TL_updateMessageID);
	tl_set_int(list[0], TL_updateMessageID_id, sent->id);
	tl_set_long(list[0], TL_updateMessageID_random_id, sent->random_id);
	list[1] = sim_object_event(r->arena, r->me, &e);
	sim_mention(&m, r->me);
	sim_mention(&m, to);
	sim_mention(&m, sim_world_account(r->world, sent->via_bot));
	sim_answer(r, sim_object_updates(r->arena, r->world, list, 2, &m, r->me,
					 0));
}

const struct sim_message *sim_send_run(struct sim_request *r,
				       struct sim_account *to,
				       const struct sim_message *content)
{
	struct sim_sending s = {.from = r->me,
				.to = to,
				.content = content,
				.except = r->key->id};
	const struct sim_message *sent = sim_message_send(&s);

	if (sent)
		sim_answer_sent(r, to, sent);
	return sent;
}

static void sim_send_content(struct sim_request *r, struct sim_account *to,
			     struct sim_content *c, struct sim_message *m)
{
	m->text = c->text;
	m->entities = c->entities;
	m->markup = c->markup;
	sim_send_run(r, to, m);
}

/* The message in our own box that is answered. */
static const struct sim_fault *sim_reply_read(int32_t *id,
					      const struct sim_request *r,
					      const struct tl_obj *reply,
					      const struct sim_account *to)
{
	const struct sim_message *m;

	*id = 0;
	if (!reply)
		return NULL;
	*id = tl_int(reply, TL_inputReplyToMessage_reply_to_msg_id);
	m = sim_account_message(r->me, *id);
	if (!m || m->peer != to->id)
		return SIM_FAULT(400, "REPLY_MESSAGE_ID_INVALID",
				 "message-reply");
	return NULL;
}

/* -- texts ------------------------------------------------------------------
 */

static void sim_messages_send(struct sim_request *r)
{
	static const struct sim_content_fields fields = {
		TL_messages_sendMessage_message,
		TL_messages_sendMessage_entities,
		TL_messages_sendMessage_reply_markup};
	struct sim_message m = {
		.random_id = tl_long(r->q, TL_messages_sendMessage_random_id)};
	struct sim_account *to =
		sim_input_user(r, tl_child(r->q, TL_messages_sendMessage_peer));
	const struct sim_fault *f = sim_send_check(r, to, m.random_id);
	struct sim_content c = {.text = NULL};

	if (!f && !tl_bytes(r->q, TL_messages_sendMessage_message).n)
		f = SIM_FAULT(400, "MESSAGE_EMPTY", "message-empty");
	if (!f)
		f = sim_content_read(&c, r->me, r->q, &fields, SIM_TEXT_UNITS);
	if (!f)
		f = sim_reply_read(
			&m.reply_to, r,
			tl_child(r->q, TL_messages_sendMessage_reply_to), to);
	if (f)
		sim_refuse(r, f);
	else
		sim_send_content(r, to, &c, &m);
	sim_content_clear(&c);
}

/* -- files ------------------------------------------------------------------
 */

static const struct sim_fault *sim_media_known(int64_t *idp,
					       const struct sim_request *r,
					       const struct tl_obj *media)
{
	const struct tl_obj *in = tl_child(media, TL_inputMediaDocument_id);
	int64_t id = tl_long(in, TL_inputDocument_id);

	if (!sim_document(r->world, id) ||
	    tl_long(in, TL_inputDocument_access_hash) !=
		    sim_document_access_hash(r->world, r->me->id, id))
		return SIM_FAULT(400, "MEDIA_EMPTY", "media-unknown");
	*idp = id;
	return NULL;
}

static const struct sim_fault *sim_media_read(int64_t *idp,
					      const struct sim_request *r,
					      const struct sim_account *to,
					      const struct tl_obj *media,
					      char text[64])
{
	struct sim_document *d = NULL;
	const struct sim_fault *f;

	if (tl_is(media, TL_inputMediaDocument))
		return sim_media_known(idp, r, media);
	if (!tl_is(media, TL_inputMediaUploadedDocument))
		return SIM_FAULT(400, "MEDIA_INVALID", "media-kind");
	f = sim_document_new(&d, r->world, r->me->id, r->session->dc, media,
			     text);
	if (f)
		return f;
	if (to->forbids_voice && sim_document_is_voice(d))
		return SIM_FAULT(400, "VOICE_MESSAGES_FORBIDDEN",
				 "media-voice");
	*idp = d->id;
	return NULL;
}

static void sim_messages_send_media(struct sim_request *r)
{
	static const struct sim_content_fields fields = {
		TL_messages_sendMedia_message, TL_messages_sendMedia_entities,
		TL_messages_sendMedia_reply_markup};
	struct sim_message m = {
		.random_id = tl_long(r->q, TL_messages_sendMedia_random_id)};
	struct sim_account *to =
		sim_input_user(r, tl_child(r->q, TL_messages_sendMedia_peer));
	const struct sim_fault *f = sim_send_check(r, to, m.random_id);
	struct sim_content c = {.text = NULL};
	char text[64] = "";

	if (!f)
		f = sim_content_read(&c, r->me, r->q, &fields,
				     SIM_CAPTION_UNITS);
	if (!f)
		f = sim_reply_read(
			&m.reply_to, r,
			tl_child(r->q, TL_messages_sendMedia_reply_to), to);
	if (!f)
		f = sim_media_read(&m.document, r, to,
				   tl_child(r->q, TL_messages_sendMedia_media),
				   text);
	if (f && text[0]) {
		sim_world_refused(r->world, f->kind);
		sim_refuse_text(r, f->code, text);
	} else if (f) {
		sim_refuse(r, f);
	} else {
		sim_send_content(r, to, &c, &m);
	}
	sim_content_clear(&c);
}

/* A file that is uploaded now and sent later, by its id. */
static void sim_messages_upload_media(struct sim_request *r)
{
	const struct sim_account *to =
		sim_input_user(r, tl_child(r->q, TL_messages_uploadMedia_peer));
	struct tl_obj *o = tl_new(r->arena, TL_messageMediaDocument);
	const struct sim_fault *f =
		to ? NULL : SIM_FAULT(400, "PEER_ID_INVALID", "peer-input");
	char text[64] = "";
	int64_t id = 0;

	if (!f)
		f = sim_media_read(
			&id, r, to,
			tl_child(r->q, TL_messages_uploadMedia_media), text);
	if (f) {
		sim_world_refused(r->world, f->kind);
		sim_refuse_text(r, f->code, text[0] ? text : f->text);
		return;
	}
	tl_set_child(o, TL_messageMediaDocument_document,
		     sim_object_document(r->arena, r->world, r->me->id, id));
	sim_answer(r, o);
}

/* -- edits ------------------------------------------------------------------
 */

static const struct sim_fault *sim_edit_check(const struct sim_request *r,
					      const struct sim_account *peer,
					      const struct sim_message *m)
{
	if (!peer)
		return SIM_FAULT(400, "PEER_ID_INVALID", "peer-input");
	if (!m || m->peer != peer->id || !m->text)
		return SIM_FAULT(400, "MESSAGE_ID_INVALID", "edit-unknown");
	if (!m->outgoing || m->via_bot)
		return SIM_FAULT(403, "MESSAGE_AUTHOR_REQUIRED", "edit-author");
	if (!r->me->bot_token[0] &&
	    sim_world_date(r->world) - m->date > SIM_EDIT_SECONDS)
		return SIM_FAULT(400, "MESSAGE_EDIT_TIME_EXPIRED", "edit-late");
	if (tl_has(r->q, TL_messages_editMessage_media))
		return SIM_FAULT(400, "MEDIA_NEW_INVALID", "edit-media");
	return NULL;
}

const struct sim_fault *sim_edit_content(struct sim_content *c,
					 const struct sim_account *author,
					 const struct tl_obj *q,
					 const struct sim_content_fields *f,
					 const struct sim_message *m)
{
	const struct sim_fault *fault = sim_content_read(
		c, author, q, f,
		m->document ? SIM_CAPTION_UNITS : SIM_TEXT_UNITS);

	if (fault)
		return fault;
	if (c->text && !c->text[0] && !m->document)
		return SIM_FAULT(400, "MESSAGE_EMPTY", "message-empty");
	sim_content_keep(c, m);
	if (sim_content_is(c, m))
		return SIM_FAULT(400, "MESSAGE_NOT_MODIFIED", "edit-same");
	return NULL;
}

static void sim_messages_edit(struct sim_request *r)
{
	static const struct sim_content_fields fields = {
		TL_messages_editMessage_message,
		TL_messages_editMessage_entities,
		TL_messages_editMessage_reply_markup};
	struct sim_account *peer =
		sim_input_user(r, tl_child(r->q, TL_messages_editMessage_peer));
	struct sim_message *m = sim_account_message(
		r->me, tl_int(r->q, TL_messages_editMessage_id));
	const struct sim_fault *f = sim_edit_check(r, peer, m);
	struct sim_content c = {.text = NULL};
	struct sim_mentions mentions = {.n = 0};
	struct tl_obj *update;

	if (!f)
		f = sim_edit_content(&c, r->me, r->q, &fields, m);
	if (f || sim_message_edit(r->me, m, &c, r->key->id)) {
		if (f)
			sim_refuse(r, f);
		sim_content_clear(&c);
		return;
	}
	sim_content_clear(&c);
	update = sim_object_event(r->arena, r->me,
				  &r->me->events[r->me->event_count - 1]);
	sim_mention(&mentions, r->me);
	sim_mention(&mentions, peer);
	sim_answer(r, sim_object_updates(r->arena, r->world, &update, 1,
					 &mentions, r->me, 0));
}

/* -- deletions --------------------------------------------------------------
 */

static void sim_delete_one(struct sim_request *r, struct sim_message *m,
			   bool revoke)
{
	struct sim_account *other = NULL;
	struct sim_message *twin = sim_message_twin(&other, r->me, m);

	if (revoke && twin && !sim_account_message_drop(other, twin))
		sim_update_event(other, 0);
	else if (twin)
		twin->twin = 0;
	if (!sim_account_message_drop(r->me, m))
		sim_update_event(r->me, r->key->id);
}

/* Ids that are not ours are left out, as Telegram does. */
static void sim_messages_delete(struct sim_request *r)
{
	uint32_t n = tl_count(r->q, TL_messages_deleteMessages_id);
	bool revoke = tl_has(r->q, TL_messages_deleteMessages_revoke);
	struct tl_obj *o = tl_new(r->arena, TL_messages_affectedMessages);
	int32_t before = r->me->pts;

	if (!n || n > SIM_DELETE_MAX) {
		sim_refuse(r,
			   SIM_FAULT(400, "MESSAGE_IDS_EMPTY", "delete-ids"));
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct sim_message *m = sim_account_message(
			r->me, (int32_t)tl_item_long(
				       r->q, TL_messages_deleteMessages_id, i));

		if (m)
			sim_delete_one(r, m, revoke);
	}
	tl_set_int(o, TL_messages_affectedMessages_pts, r->me->pts);
	tl_set_int(o, TL_messages_affectedMessages_pts_count,
		   r->me->pts - before);
	sim_answer(r, o);
}

const struct sim_method sim_methods_send[] = {
	{TL_messages_sendMessage, SIM_ACCESS_LOGIN, sim_messages_send},
	{TL_messages_sendMedia, SIM_ACCESS_LOGIN, sim_messages_send_media},
	{TL_messages_uploadMedia, SIM_ACCESS_LOGIN, sim_messages_upload_media},
	{TL_messages_editMessage, SIM_ACCESS_LOGIN, sim_messages_edit},
	{TL_messages_deleteMessages, SIM_ACCESS_LOGIN, sim_messages_delete},
	{0, SIM_ACCESS_OPEN, NULL},
};

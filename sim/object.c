#include "sim/object.h"

#include "sim/content.h"
#include "sim/document.h"

void sim_mention(struct sim_mentions *m, struct sim_account *a)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i] == a)
			return;
	if (a && m->n < sizeof(m->list) / sizeof(m->list[0]))
		m->list[m->n++] = a;
}

void sim_mentions_put(const struct sim_mentions *m, struct tl_arena *a,
		      struct tl_obj *o, int field,
		      const struct sim_account *viewer)
{
	tl_set_vector(a, o, field, (uint32_t)m->n);
	for (size_t i = 0; i < m->n; i++)
		tl_put_obj(o, field, (uint32_t)i,
			   sim_object_user(a, viewer, m->list[i]));
}

void sim_object_empty(struct tl_arena *a, struct tl_obj *o, int field)
{
	tl_set_vector(a, o, field, 0);
}

static void sim_user_names(struct tl_obj *o, const struct sim_account *viewer,
			   const struct sim_account *target)
{
	const struct sim_contact *c = sim_account_contact(viewer, target->id);
	const char *first = target->first_name, *last = target->last_name;

	if (c && c->first_name[0]) {
		first = c->first_name;
		last = c->last_name;
	}
	tl_set_str(o, TL_user_first_name, first);
	if (last[0])
		tl_set_str(o, TL_user_last_name, last);
	if (target->username[0])
		tl_set_str(o, TL_user_username, target->username);
	if (c || viewer == target ||
	    sim_account_allows(target, SIM_PRIVACY_PHONE, viewer->id))
		tl_set_str(o, TL_user_phone, target->phone);
	if (!c)
		return;
	tl_set_true(o, TL_user_contact);
	if (sim_account_contact(target, viewer->id))
		tl_set_true(o, TL_user_mutual_contact);
}

struct tl_obj *sim_object_user(struct tl_arena *a,
			       const struct sim_account *viewer,
			       const struct sim_account *target)
{
	struct tl_obj *o = tl_new(a, TL_user);

	tl_set_long(o, TL_user_id, target->id);
	tl_set_long(
		o, TL_user_access_hash,
		sim_world_access_hash(viewer->world, viewer->id, target->id));
	if (target->deleted) {
		tl_set_true(o, TL_user_deleted);
		return o;
	}
	if (viewer == target)
		tl_set_true(o, TL_user_self);
	if (target->bot_token[0]) {
		tl_set_true(o, TL_user_bot);
		tl_set_int(o, TL_user_bot_info_version, 1);
		if (target->inline_hint[0])
			tl_set_str(o, TL_user_bot_inline_placeholder,
				   target->inline_hint);
	}
	sim_user_names(o, viewer, target);
	tl_set_child(o, TL_user_status, tl_new(a, TL_userStatusRecently));
	return o;
}

struct tl_obj *sim_object_peer(struct tl_arena *a, int64_t id)
{
	struct tl_obj *o = tl_new(a, TL_peerUser);

	tl_set_long(o, TL_peerUser_user_id, id);
	return o;
}

struct tl_obj *sim_object_notify(struct tl_arena *a)
{
	return tl_new(a, TL_peerNotifySettings);
}

struct tl_obj *sim_object_json(struct tl_arena *a, const char *text)
{
	struct tl_obj *o = tl_new(a, TL_dataJSON);

	tl_set_str(o, TL_dataJSON_data, text);
	return o;
}

/* -- messages
 * ------------------------------------------------------------------ */

static struct tl_obj *sim_object_reason(struct tl_arena *a, enum sim_reason r)
{
	switch (r) {
	case SIM_REASON_MISSED:
		return tl_new(a, TL_phoneCallDiscardReasonMissed);
	case SIM_REASON_DISCONNECT:
		return tl_new(a, TL_phoneCallDiscardReasonDisconnect);
	case SIM_REASON_HANGUP:
		return tl_new(a, TL_phoneCallDiscardReasonHangup);
	case SIM_REASON_BUSY:
		return tl_new(a, TL_phoneCallDiscardReasonBusy);
	default:
		return NULL;
	}
}

enum sim_reason sim_reason_read(const struct tl_obj *o)
{
	if (tl_is(o, TL_phoneCallDiscardReasonMissed))
		return SIM_REASON_MISSED;
	if (tl_is(o, TL_phoneCallDiscardReasonDisconnect))
		return SIM_REASON_DISCONNECT;
	if (tl_is(o, TL_phoneCallDiscardReasonHangup))
		return SIM_REASON_HANGUP;
	if (tl_is(o, TL_phoneCallDiscardReasonBusy))
		return SIM_REASON_BUSY;
	return SIM_REASON_NONE;
}

static struct tl_obj *sim_object_service(struct tl_arena *a,
					 const struct sim_account *owner,
					 const struct sim_message *m)
{
	struct tl_obj *o = tl_new(a, TL_messageService);
	struct tl_obj *act = tl_new(a, TL_messageActionPhoneCall);
	struct tl_obj *reason =
		sim_object_reason(a, (enum sim_reason)m->call_reason);

	tl_set_long(act, TL_messageActionPhoneCall_call_id, m->call_id);
	if (reason)
		tl_set_child(act, TL_messageActionPhoneCall_reason, reason);
	if (m->call_duration_s)
		tl_set_int(act, TL_messageActionPhoneCall_duration,
			   m->call_duration_s);
	tl_set_int(o, TL_messageService_id, m->id);
	tl_set_int(o, TL_messageService_date, m->date);
	tl_set_child(o, TL_messageService_peer_id, sim_object_peer(a, m->peer));
	tl_set_child(o, TL_messageService_from_id,
		     sim_object_peer(a, m->outgoing ? owner->id : m->peer));
	tl_set_child(o, TL_messageService_action, act);
	if (m->outgoing)
		tl_set_true(o, TL_messageService_out);
	return o;
}

static struct tl_obj *sim_object_media(struct tl_arena *a,
				       const struct sim_account *owner,
				       int64_t document)
{
	const struct sim_document *d = sim_document(owner->world, document);
	struct tl_obj *o = tl_new(a, TL_messageMediaDocument);

	if (!d)
		return tl_new(a, TL_messageMediaEmpty);
	if (sim_document_is_voice(d))
		tl_set_true(o, TL_messageMediaDocument_voice);
	tl_set_child(o, TL_messageMediaDocument_document,
		     sim_object_document(a, owner->world, owner->id, document));
	return o;
}

static void sim_object_message_extras(struct tl_arena *a, struct tl_obj *o,
				      const struct sim_account *owner,
				      const struct sim_message *m)
{
	struct tl_obj *reply;

	sim_content_put_entities(a, o, TL_message_entities, &m->entities);
	if (m->markup.n)
		tl_set_child(o, TL_message_reply_markup,
			     sim_content_markup(a, &m->markup));
	if (m->document)
		tl_set_child(o, TL_message_media,
			     sim_object_media(a, owner, m->document));
	if (m->via_bot)
		tl_set_long(o, TL_message_via_bot_id, m->via_bot);
	if (m->edited)
		tl_set_int(o, TL_message_edit_date, m->edited);
	if (!m->reply_to)
		return;
	reply = tl_new(a, TL_messageReplyHeader);
	tl_set_int(reply, TL_messageReplyHeader_reply_to_msg_id, m->reply_to);
	tl_set_child(o, TL_message_reply_to, reply);
}

struct tl_obj *sim_object_message(struct tl_arena *a,
				  const struct sim_account *owner,
				  const struct sim_message *m)
{
	struct tl_obj *o;

	if (!m->text)
		return sim_object_service(a, owner, m);
	o = tl_new(a, TL_message);
	tl_set_int(o, TL_message_id, m->id);
	tl_set_int(o, TL_message_date, m->date);
	tl_set_child(o, TL_message_peer_id, sim_object_peer(a, m->peer));
	if (m->outgoing)
		tl_set_child(o, TL_message_from_id,
			     sim_object_peer(a, owner->id));
	tl_set_str(o, TL_message_message, m->text);
	if (m->outgoing)
		tl_set_true(o, TL_message_out);
	sim_object_message_extras(a, o, owner, m);
	return o;
}

static struct tl_obj *sim_object_read(struct tl_arena *a,
				      const struct sim_account *owner,
				      const struct sim_event *e)
{
	struct tl_obj *o = tl_new(a, e->outbox ? TL_updateReadHistoryOutbox
					       : TL_updateReadHistoryInbox);

	if (e->outbox) {
		tl_set_child(o, TL_updateReadHistoryOutbox_peer,
			     sim_object_peer(a, e->peer));
		tl_set_int(o, TL_updateReadHistoryOutbox_max_id, e->max_id);
		tl_set_int(o, TL_updateReadHistoryOutbox_pts, e->pts);
		tl_set_int(o, TL_updateReadHistoryOutbox_pts_count, 1);
		return o;
	}
	tl_set_child(o, TL_updateReadHistoryInbox_peer,
		     sim_object_peer(a, e->peer));
	tl_set_int(o, TL_updateReadHistoryInbox_max_id, e->max_id);
	tl_set_int(o, TL_updateReadHistoryInbox_still_unread_count,
		   sim_account_unread(owner, e->peer));
	tl_set_int(o, TL_updateReadHistoryInbox_pts, e->pts);
	tl_set_int(o, TL_updateReadHistoryInbox_pts_count, 1);
	return o;
}

static struct tl_obj *sim_object_deleted(struct tl_arena *a,
					 const struct sim_event *e)
{
	struct tl_obj *o = tl_new(a, TL_updateDeleteMessages);

	tl_set_vector(a, o, TL_updateDeleteMessages_messages, 1);
	tl_put_long(o, TL_updateDeleteMessages_messages, 0, e->message_id);
	tl_set_int(o, TL_updateDeleteMessages_pts, e->pts);
	tl_set_int(o, TL_updateDeleteMessages_pts_count, 1);
	return o;
}

static struct tl_obj *sim_object_new(struct tl_arena *a, struct tl_obj *message,
				     int32_t pts)
{
	struct tl_obj *o = tl_new(a, TL_updateNewMessage);

	tl_set_child(o, TL_updateNewMessage_message, message);
	tl_set_int(o, TL_updateNewMessage_pts, pts);
	tl_set_int(o, TL_updateNewMessage_pts_count, 1);
	return o;
}

static struct tl_obj *sim_object_edited(struct tl_arena *a,
					struct tl_obj *message, int32_t pts)
{
	struct tl_obj *o = tl_new(a, TL_updateEditMessage);

	tl_set_child(o, TL_updateEditMessage_message, message);
	tl_set_int(o, TL_updateEditMessage_pts, pts);
	tl_set_int(o, TL_updateEditMessage_pts_count, 1);
	return o;
}

struct tl_obj *sim_object_event(struct tl_arena *a,
				const struct sim_account *owner,
				const struct sim_event *e)
{
	const struct sim_message *m;
	struct tl_obj *o;

	if (e->kind == SIM_EVENT_READ)
		return sim_object_read(a, owner, e);
	if (e->kind == SIM_EVENT_DELETE)
		return sim_object_deleted(a, e);
	m = sim_account_message(owner, e->message_id);
	if (!m)
		return NULL;
	o = sim_object_message(a, owner, m);
	if (e->kind == SIM_EVENT_EDIT)
		return sim_object_edited(a, o, e->pts);
	return sim_object_new(a, o, e->pts);
}

struct tl_obj *sim_object_state(struct tl_arena *a,
				const struct sim_account *owner,
				const struct sim_key *k)
{
	struct tl_obj *o = tl_new(a, TL_updates_state);
	int unread = 0;

	for (size_t i = 0; i < owner->dialog_count; i++)
		unread += sim_account_unread(owner, owner->dialogs[i].peer);
	tl_set_int(o, TL_updates_state_pts, owner->pts);
	tl_set_int(o, TL_updates_state_qts, 0);
	tl_set_int(o, TL_updates_state_date, sim_world_date(owner->world));
	tl_set_int(o, TL_updates_state_seq, k ? k->seq : 0);
	tl_set_int(o, TL_updates_state_unread_count, unread);
	return o;
}

struct tl_obj *sim_object_updates(struct tl_arena *a, struct sim_world *w,
				  struct tl_obj *const *list, uint32_t n,
				  const struct sim_mentions *m,
				  const struct sim_account *viewer, int32_t seq)
{
	struct tl_obj *o = tl_new(a, TL_updates);

	tl_set_vector(a, o, TL_updates_updates, n);
	for (uint32_t i = 0; i < n; i++)
		tl_put_obj(o, TL_updates_updates, i, list[i]);
	sim_mentions_put(m, a, o, TL_updates_users, viewer);
	sim_object_empty(a, o, TL_updates_chats);
	tl_set_int(o, TL_updates_date, sim_world_date(w));
	tl_set_int(o, TL_updates_seq, seq);
	return o;
}

/* -- calls
 * ---------------------------------------------------------------------- */

static struct tl_obj *sim_object_protocol(struct tl_arena *a,
					  const struct sim_protocol *p)
{
	struct tl_obj *o = tl_new(a, TL_phoneCallProtocol);

	if (p->udp_p2p)
		tl_set_true(o, TL_phoneCallProtocol_udp_p2p);
	if (p->udp_reflector)
		tl_set_true(o, TL_phoneCallProtocol_udp_reflector);
	tl_set_int(o, TL_phoneCallProtocol_min_layer, p->min_layer);
	tl_set_int(o, TL_phoneCallProtocol_max_layer, p->max_layer);
	tl_set_vector(a, o, TL_phoneCallProtocol_library_versions,
		      (uint32_t)p->versions.n);
	for (int i = 0; i < p->versions.n; i++) {
		struct bytes v = tl_arena_copy(a, bytes_str(p->versions.v[i]));

		tl_put_bytes(o, TL_phoneCallProtocol_library_versions,
			     (uint32_t)i, v.p, v.n);
	}
	return o;
}

static struct tl_obj *sim_object_reflector(struct tl_arena *a,
					   const struct sim_call *c, int i,
					   int side)
{
	const struct sim_connection *n = &c->world->config->connections[i];
	struct tl_obj *o = tl_new(a, TL_phoneConnection);
	uint8_t tag[16];
	struct bytes kept;

	sim_call_peer_tag(c, i, side, tag);
	kept = tl_arena_copy(a, bytes_of(tag, sizeof(tag)));
	if (n->tcp)
		tl_set_true(o, TL_phoneConnection_tcp);
	tl_set_long(o, TL_phoneConnection_id, i + 1);
	tl_set_str(o, TL_phoneConnection_ip, n->ip);
	tl_set_str(o, TL_phoneConnection_ipv6, n->ipv6);
	tl_set_int(o, TL_phoneConnection_port, n->port);
	tl_set_bytes(o, TL_phoneConnection_peer_tag, kept.p, kept.n);
	return o;
}

static struct tl_obj *sim_object_connection(struct tl_arena *a,
					    const struct sim_call *c, int i,
					    int side)
{
	const struct sim_connection *n = &c->world->config->connections[i];
	struct tl_obj *o;

	if (n->reflector)
		return sim_object_reflector(a, c, i, side);
	o = tl_new(a, TL_phoneConnectionWebrtc);
	if (n->turn)
		tl_set_true(o, TL_phoneConnectionWebrtc_turn);
	if (n->stun)
		tl_set_true(o, TL_phoneConnectionWebrtc_stun);
	tl_set_long(o, TL_phoneConnectionWebrtc_id, i + 1);
	tl_set_str(o, TL_phoneConnectionWebrtc_ip, n->ip);
	tl_set_str(o, TL_phoneConnectionWebrtc_ipv6, n->ipv6);
	tl_set_int(o, TL_phoneConnectionWebrtc_port, n->port);
	tl_set_str(o, TL_phoneConnectionWebrtc_username, n->username);
	tl_set_str(o, TL_phoneConnectionWebrtc_password, n->password);
	return o;
}

/* The fields that all but the ended kinds share, by their constants. */
struct sim_call_fields {
	enum tl_ctor_no no;
	int video, id, access_hash, date, admin, participant, protocol;
};

static struct tl_obj *sim_object_call_open(struct tl_arena *a,
					   const struct sim_call *c, int side,
					   const struct sim_call_fields *f,
					   const struct sim_protocol *p)
{
	struct tl_obj *o = tl_new(a, f->no);

	if (c->video)
		tl_set_true(o, f->video);
	tl_set_long(o, f->id, c->id);
	tl_set_long(o, f->access_hash, sim_call_access_hash(c, side));
	tl_set_int(o, f->date, c->date);
	tl_set_long(o, f->admin, c->legs[0].account->id);
	tl_set_long(o, f->participant, c->legs[1].account->id);
	tl_set_child(o, f->protocol, sim_object_protocol(a, p));
	return o;
}

#define SIM_CALL_FIELDS(ctor)                                                  \
	&(const struct sim_call_fields)                                        \
	{                                                                      \
		TL_##ctor, TL_##ctor##_video, TL_##ctor##_id,                  \
			TL_##ctor##_access_hash, TL_##ctor##_date,             \
			TL_##ctor##_admin_id, TL_##ctor##_participant_id,      \
			TL_##ctor##_protocol                                   \
	}

static struct tl_obj *sim_object_waiting(struct tl_arena *a,
					 const struct sim_call *c, int side)
{
	struct tl_obj *o = sim_object_call_open(
		a, c, side, SIM_CALL_FIELDS(phoneCallWaiting),
		&c->legs[side].protocol);

	if (c->receive_date)
		tl_set_int(o, TL_phoneCallWaiting_receive_date,
			   c->receive_date);
	return o;
}

static struct tl_obj *sim_object_requested(struct tl_arena *a,
					   const struct sim_call *c)
{
	struct tl_obj *o = sim_object_call_open(
		a, c, 1, SIM_CALL_FIELDS(phoneCallRequested),
		&c->legs[0].protocol);

	tl_set_bytes(o, TL_phoneCallRequested_g_a_hash, c->g_a_hash, 32);
	return o;
}

static struct tl_obj *sim_object_accepted(struct tl_arena *a,
					  const struct sim_call *c)
{
	struct tl_obj *o = sim_object_call_open(
		a, c, 0, SIM_CALL_FIELDS(phoneCallAccepted),
		&c->legs[1].protocol);

	tl_set_bytes(o, TL_phoneCallAccepted_g_b, c->g_b.p, c->g_b.n);
	return o;
}

static struct tl_obj *sim_object_active(struct tl_arena *a,
					const struct sim_call *c, int side)
{
	const struct sim_config *config = c->world->config;
	const struct sim_public *other = side ? &c->g_a : &c->g_b;
	struct sim_protocol p;
	struct tl_obj *o;

	sim_call_protocol(c, &p);
	o = sim_object_call_open(a, c, side, SIM_CALL_FIELDS(phoneCall), &p);
	if (sim_call_p2p(c))
		tl_set_true(o, TL_phoneCall_p2p_allowed);
	tl_set_bytes(o, TL_phoneCall_g_a_or_b, other->p, other->n);
	tl_set_long(o, TL_phoneCall_key_fingerprint, c->fingerprint);
	tl_set_vector(a, o, TL_phoneCall_connections,
		      (uint32_t)config->connection_count);
	for (int i = 0; i < config->connection_count; i++)
		tl_put_obj(o, TL_phoneCall_connections, (uint32_t)i,
			   sim_object_connection(a, c, i, side));
	tl_set_int(o, TL_phoneCall_start_date, c->start_date);
	if (config->custom_parameters)
		tl_set_child(o, TL_phoneCall_custom_parameters,
			     sim_object_json(a, config->custom_parameters));
	return o;
}

static struct tl_obj *sim_object_discarded(struct tl_arena *a,
					   const struct sim_call *c)
{
	struct tl_obj *o = tl_new(a, TL_phoneCallDiscarded);
	struct tl_obj *reason = sim_object_reason(a, c->reason);

	if (c->video)
		tl_set_true(o, TL_phoneCallDiscarded_video);
	tl_set_long(o, TL_phoneCallDiscarded_id, c->id);
	if (reason)
		tl_set_child(o, TL_phoneCallDiscarded_reason, reason);
	if (c->start_date)
		tl_set_int(o, TL_phoneCallDiscarded_duration, c->duration_s);
	if (c->start_date && c->world->config->ask_after) {
		tl_set_true(o, TL_phoneCallDiscarded_need_rating);
		tl_set_true(o, TL_phoneCallDiscarded_need_debug);
	}
	return o;
}

struct tl_obj *sim_object_call(struct tl_arena *a, const struct sim_call *c,
			       int side)
{
	switch (c->state) {
	case SIM_CALL_REQUESTED:
	case SIM_CALL_RINGING:
		return side ? sim_object_requested(a, c)
			    : sim_object_waiting(a, c, 0);
	case SIM_CALL_ACCEPTED:
		return side ? sim_object_waiting(a, c, 1)
			    : sim_object_accepted(a, c);
	case SIM_CALL_ACTIVE:
		return sim_object_active(a, c, side);
	default:
		return sim_object_discarded(a, c);
	}
}

struct tl_obj *sim_object_authorization(struct tl_arena *a,
					const struct sim_key *k, bool current)
{
	struct tl_obj *o = tl_new(a, TL_authorization);
	static const int texts[] = {
		TL_authorization_device_model,   TL_authorization_platform,
		TL_authorization_system_version, TL_authorization_app_name,
		TL_authorization_app_version,    TL_authorization_country,
		TL_authorization_region,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		tl_set_str(o, texts[i], "simulated");
	if (current)
		tl_set_true(o, TL_authorization_current);
	if (k->calls_off)
		tl_set_true(o, TL_authorization_call_requests_disabled);
	tl_set_long(o, TL_authorization_hash, current ? 0 : (int64_t)k->id);
	tl_set_int(o, TL_authorization_api_id, k->api_id);
	tl_set_int(o, TL_authorization_date_created, k->date);
	tl_set_int(o, TL_authorization_date_active, k->date);
	tl_set_str(o, TL_authorization_ip, "127.0.0.1");
	return o;
}

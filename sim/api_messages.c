/* messages.*: history and dialogs; sending is in api_send.c. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim/api.h"
#include "sim/dh.h"
#include "sim/update.h"

enum {
	SIM_HISTORY_MAX = 100,
	SIM_RANDOM_MAX = 1024,
};

/* -- reading
 * ------------------------------------------------------------------------- */

/* A Messages object of the given ids in the account's box. */
static void sim_answer_messages(struct sim_request *r, const int32_t *ids,
				uint32_t n, struct sim_account *peer)
{
	struct tl_obj *o = tl_new(r->arena, TL_messages_messages);
	struct sim_mentions m = {.n = 0};

	sim_mention(&m, r->me);
	sim_mention(&m, peer);
	tl_set_vector(r->arena, o, TL_messages_messages_messages, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct sim_message *msg =
			sim_account_message(r->me, ids[i]);

		sim_mention(&m, sim_world_account(r->world, msg->peer));
		tl_put_obj(o, TL_messages_messages_messages, i,
			   sim_object_message(r->arena, r->me, msg));
	}
	sim_object_empty(r->arena, o, TL_messages_messages_topics);
	sim_object_empty(r->arena, o, TL_messages_messages_chats);
	sim_mentions_put(&m, r->arena, o, TL_messages_messages_users, r->me);
	sim_answer(r, o);
}

/* Newest first, older than offset_id, with add_offset as Telegram has it for
 * non-negative values. */
static void sim_messages_history(struct sim_request *r)
{
	struct sim_account *peer =
		sim_input_user(r, tl_child(r->q, TL_messages_getHistory_peer));
	int32_t offset_id = tl_int(r->q, TL_messages_getHistory_offset_id);
	int32_t skip = tl_int(r->q, TL_messages_getHistory_add_offset);
	int32_t limit = tl_int(r->q, TL_messages_getHistory_limit);
	int32_t min_id = tl_int(r->q, TL_messages_getHistory_min_id);
	int32_t ids[SIM_HISTORY_MAX];
	uint32_t n = 0;

	if (!peer) {
		sim_refuse(r, SIM_FAULT(400, "PEER_ID_INVALID", "peer-input"));
		return;
	}
	if (limit < 0 || limit > SIM_HISTORY_MAX)
		limit = SIM_HISTORY_MAX;
	for (size_t i = r->me->message_count; i-- > 0;) {
		const struct sim_message *m = &r->me->messages[i];

		if (m->peer != peer->id || m->id <= min_id ||
		    (offset_id && m->id >= offset_id) || skip-- > 0)
			continue;
		if (n < (uint32_t)limit)
			ids[n++] = m->id;
	}
	sim_answer_messages(r, ids, n, peer);
}

static void sim_messages_get(struct sim_request *r)
{
	uint32_t n = tl_count(r->q, TL_messages_getMessages_id), found = 0;
	int32_t ids[SIM_HISTORY_MAX];

	for (uint32_t i = 0; i < n && found < SIM_HISTORY_MAX; i++) {
		int32_t id =
			tl_int(tl_item(r->q, TL_messages_getMessages_id, i),
			       TL_inputMessageID_id);

		if (sim_account_message(r->me, id))
			ids[found++] = id;
	}
	sim_answer_messages(r, ids, found, NULL);
}

static void sim_messages_read(struct sim_request *r)
{
	struct sim_account *peer =
		sim_input_user(r, tl_child(r->q, TL_messages_readHistory_peer));
	int32_t max_id = tl_int(r->q, TL_messages_readHistory_max_id);
	struct tl_obj *o = tl_new(r->arena, TL_messages_affectedMessages);
	const struct sim_message *last = NULL;
	int32_t pts;

	if (!peer) {
		sim_refuse(r, SIM_FAULT(400, "PEER_ID_INVALID", "peer-input"));
		return;
	}
	for (size_t i = 0; i < peer->message_count; i++)
		if (peer->messages[i].peer == r->me->id)
			last = &peer->messages[i];
	pts = sim_account_read(r->me, peer->id, false,
			       max_id ? max_id : r->me->last_message_id);
	tl_set_int(o, TL_messages_affectedMessages_pts, r->me->pts);
	tl_set_int(o, TL_messages_affectedMessages_pts_count, pts ? 1 : 0);
	sim_answer(r, o);
	if (!pts)
		return;
	sim_update_event(r->me, r->key->id);
	if (last && sim_account_read(peer, r->me->id, true, last->id))
		sim_update_event(peer, 0);
}

/* -- dialogs
 * ---------------------------------------------------------------------------
 */

static const struct sim_message *sim_dialog_top(const struct sim_account *a,
						int64_t peer)
{
	for (size_t i = a->message_count; i-- > 0;)
		if (a->messages[i].peer == peer)
			return &a->messages[i];
	return NULL;
}

static struct tl_obj *sim_object_dialog(struct sim_request *r, int64_t peer)
{
	const struct sim_message *top = sim_dialog_top(r->me, peer);
	struct tl_obj *o = tl_new(r->arena, TL_dialog);
	struct sim_dialog none = {0}, *d = &none;

	for (size_t i = 0; i < r->me->dialog_count; i++)
		if (r->me->dialogs[i].peer == peer)
			d = &r->me->dialogs[i];
	tl_set_child(o, TL_dialog_peer, sim_object_peer(r->arena, peer));
	tl_set_int(o, TL_dialog_top_message, top ? top->id : 0);
	tl_set_int(o, TL_dialog_read_inbox_max_id, d->read_inbox);
	tl_set_int(o, TL_dialog_read_outbox_max_id, d->read_outbox);
	tl_set_int(o, TL_dialog_unread_count, sim_account_unread(r->me, peer));
	tl_set_int(o, TL_dialog_unread_mentions_count, 0);
	tl_set_int(o, TL_dialog_unread_reactions_count, 0);
	tl_set_child(o, TL_dialog_notify_settings, sim_object_notify(r->arena));
	return o;
}

/* Fields of the two answers that list dialogs. */
struct sim_dialog_fields {
	enum tl_ctor_no no;
	int dialogs, messages, chats, users;
};

static struct tl_obj *sim_object_dialogs(struct sim_request *r,
					 const struct sim_dialog_fields *f,
					 const struct sim_mentions *peers)
{
	struct tl_obj *o = tl_new(r->arena, f->no);
	struct sim_mentions m = *peers;
	uint32_t n = 0, k = 0;

	for (size_t i = 0; i < peers->n; i++)
		n += sim_dialog_top(r->me, peers->list[i]->id) != NULL;
	tl_set_vector(r->arena, o, f->dialogs, (uint32_t)peers->n);
	tl_set_vector(r->arena, o, f->messages, n);
	for (size_t i = 0; i < peers->n; i++) {
		int64_t id = peers->list[i]->id;
		const struct sim_message *top = sim_dialog_top(r->me, id);

		tl_put_obj(o, f->dialogs, (uint32_t)i,
			   sim_object_dialog(r, id));
		if (top)
			tl_put_obj(o, f->messages, k++,
				   sim_object_message(r->arena, r->me, top));
	}
	sim_mention(&m, r->me);
	sim_object_empty(r->arena, o, f->chats);
	sim_mentions_put(&m, r->arena, o, f->users, r->me);
	return o;
}

static void sim_answer_peer_dialogs(struct sim_request *r,
				    const struct sim_mentions *peers)
{
	static const struct sim_dialog_fields fields = {
		TL_messages_peerDialogs, TL_messages_peerDialogs_dialogs,
		TL_messages_peerDialogs_messages, TL_messages_peerDialogs_chats,
		TL_messages_peerDialogs_users};
	struct tl_obj *o = sim_object_dialogs(r, &fields, peers);

	tl_set_child(o, TL_messages_peerDialogs_state,
		     sim_object_state(r->arena, r->me, r->key));
	sim_answer(r, o);
}

static void sim_messages_peer_dialogs(struct sim_request *r)
{
	uint32_t n = tl_count(r->q, TL_messages_getPeerDialogs_peers);
	struct sim_mentions peers = {.n = 0};

	for (uint32_t i = 0; i < n; i++) {
		const struct tl_obj *in =
			tl_item(r->q, TL_messages_getPeerDialogs_peers, i);
		struct sim_account *a = sim_input_user(
			r, tl_child(in, TL_inputDialogPeer_peer));

		if (!a) {
			sim_refuse(r, SIM_FAULT(400, "PEER_ID_INVALID",
						"peer-input"));
			return;
		}
		sim_mention(&peers, a);
	}
	sim_answer_peer_dialogs(r, &peers);
}

static void sim_messages_pinned(struct sim_request *r)
{
	struct sim_mentions none = {.n = 0};

	sim_answer_peer_dialogs(r, &none);
}

/* All dialogs at once: an offset means the client has them already. */
static void sim_messages_dialogs(struct sim_request *r)
{
	static const struct sim_dialog_fields fields = {
		TL_messages_dialogs, TL_messages_dialogs_dialogs,
		TL_messages_dialogs_messages, TL_messages_dialogs_chats,
		TL_messages_dialogs_users};
	struct sim_mentions peers = {.n = 0};
	bool first = !tl_int(r->q, TL_messages_getDialogs_offset_id) &&
		     !tl_int(r->q, TL_messages_getDialogs_offset_date) &&
		     !tl_int(r->q, TL_messages_getDialogs_folder_id);

	for (size_t i = r->me->message_count; first && i-- > 0;)
		sim_mention(&peers, sim_world_account(r->world,
						      r->me->messages[i].peer));
	sim_answer(r, sim_object_dialogs(r, &fields, &peers));
}

static void sim_messages_filters(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_messages_dialogFilters);

	sim_object_empty(r->arena, o, TL_messages_dialogFilters_filters);
	sim_answer(r, o);
}

static void sim_messages_typing(struct sim_request *r)
{
	sim_answer_bool(r, true);
}

/* -- Diffie-Hellman parameters
 * ------------------------------------------------------------ */

static void sim_messages_dh_config(struct sim_request *r)
{
	int32_t version = tl_int(r->q, TL_messages_getDhConfig_version);
	int32_t n = tl_int(r->q, TL_messages_getDhConfig_random_length);
	enum { CURRENT = 3 };
	uint8_t *noise;
	struct tl_obj *o;

	if (n < 0 || n > SIM_RANDOM_MAX) {
		sim_refuse(r, SIM_FAULT(400, "RANDOM_LENGTH_INVALID",
					"dh-random-length"));
		return;
	}
	/* TDLib asks for 0 bytes and is content with 256. */
	n = n ? n : 256;
	noise = tl_arena_alloc(r->arena, (size_t)n);
	if (noise)
		random_bytes(noise, (size_t)n);
	if (version == CURRENT) {
		o = tl_new(r->arena, TL_messages_dhConfigNotModified);
		tl_set_bytes(o, TL_messages_dhConfigNotModified_random, noise,
			     (size_t)n);
		sim_answer(r, o);
		return;
	}
	o = tl_new(r->arena, TL_messages_dhConfig);
	tl_set_int(o, TL_messages_dhConfig_g, SIM_DH_G);
	tl_set_bytes(o, TL_messages_dhConfig_p, sim_dh_prime(), SIM_DH_BYTES);
	tl_set_int(o, TL_messages_dhConfig_version, CURRENT);
	tl_set_bytes(o, TL_messages_dhConfig_random, noise, (size_t)n);
	sim_answer(r, o);
}

const struct sim_method sim_methods_messages[] = {
	{TL_messages_getHistory, SIM_ACCESS_LOGIN, sim_messages_history},
	{TL_messages_getMessages, SIM_ACCESS_LOGIN, sim_messages_get},
	{TL_messages_readHistory, SIM_ACCESS_LOGIN, sim_messages_read},
	{TL_messages_getDialogs, SIM_ACCESS_LOGIN, sim_messages_dialogs},
	{TL_messages_getPeerDialogs, SIM_ACCESS_LOGIN,
	 sim_messages_peer_dialogs},
	{TL_messages_getPinnedDialogs, SIM_ACCESS_LOGIN, sim_messages_pinned},
	{TL_messages_getDialogFilters, SIM_ACCESS_LOGIN, sim_messages_filters},
	{TL_messages_setTyping, SIM_ACCESS_LOGIN, sim_messages_typing},
	{TL_messages_getDhConfig, SIM_ACCESS_LOGIN, sim_messages_dh_config},
	{0, SIM_ACCESS_OPEN, NULL},
};

/* Updates of an account: from Updates objects and differences into the engine
 * (updates.h), and what may be applied to messages and calls (A.9).
 *
 * Updates of calls carry no pts and are applied where they stand, in any
 * container: a call cannot wait for a gap to be filled.
 */
#include "telegram/message_core.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/plant.h"
#include "base/text.h"

#define STATE_FAILURES_MAX 4

static const struct bytes nothing;

/* -- which updates carry which state -------------------------------------- */

static const struct {
	enum tl_ctor_no no;
	int value, count; /* fields; count -1: 1 */
	enum updates_line line;
} counted[] = {
#define PTS(name)                                                              \
	{                                                                      \
		TL_##name, TL_##name##_pts, TL_##name##_pts_count, UPDATES_PTS \
	}
#define QTS(name)                                                              \
	{                                                                      \
		TL_##name, TL_##name##_qts, -1, UPDATES_QTS                    \
	}
	PTS(updateNewMessage),
	PTS(updateDeleteMessages),
	PTS(updateReadHistoryInbox),
	PTS(updateReadHistoryOutbox),
	PTS(updateWebPage),
	PTS(updateReadMessagesContents),
	PTS(updateEditMessage),
	PTS(updateFolderPeers),
	PTS(updatePinnedMessages),
	QTS(updateNewEncryptedMessage),
	QTS(updateMessagePollVote),
	QTS(updateChatParticipant),
	QTS(updateChannelParticipant),
	QTS(updateBotStopped),
	QTS(updateBotChatInviteRequester),
	QTS(updateBotChatBoost),
	QTS(updateBotMessageReaction),
	QTS(updateBotMessageReactions),
	QTS(updateBotBusinessConnect),
	QTS(updateBotNewBusinessMessage),
	QTS(updateBotEditBusinessMessage),
	QTS(updateBotDeleteBusinessMessage),
	QTS(updateBotPurchasedPaidMedia),
#undef PTS
#undef QTS
};

/* -- keeping -------------------------------------------------------------- */

static void keep_state(struct tg_account *a)
{
	const struct updates *u = &a->updates;
	int32_t now[4] = {u->pts, u->qts, u->date, u->seq};

	if (!u->known || !memcmp(now, a->kept, sizeof(now)))
		return;
	memcpy(a->kept, now, sizeof(now));
	if (a->keep.updates)
		a->keep.updates(u->pts, u->qts, u->date, u->seq, a->arg);
}

/* -- applying ------------------------------------------------------------- */

/* Only updates of the account's features are forwarded (behaviour 2.4). */
static bool is_listed(const struct tg_account *a, unsigned features)
{
	if (a->use.features & features)
		return true;
	count_add("telegram", "update-unlisted", 1);
	return false;
}

static bool call_apply(struct tg_account *a, const struct tl_obj *o)
{
	bool call = tl_is(o, TL_updatePhoneCall) ||
		    tl_is(o, TL_updatePhoneCallSignalingData);

	if (call && !is_listed(a, TG_FEATURE_CALLS))
		return true;
	if (tl_is(o, TL_updatePhoneCall)) {
		phone_update(&a->phone,
			     tl_child(o, TL_updatePhoneCall_phone_call));
		return true;
	}
	if (tl_is(o, TL_updatePhoneCallSignalingData)) {
		phone_signaling(
			&a->phone,
			tl_long(o,
				TL_updatePhoneCallSignalingData_phone_call_id),
			tl_bytes(o, TL_updatePhoneCallSignalingData_data));
		return true;
	}
	return false;
}

/* Who wrote to us is no stranger any more. */
static void message_met(struct tg_account *a, const struct tl_obj *message)
{
	const struct tl_obj *peer = tl_child(message, TL_message_peer_id);

	if (tl_is(message, TL_message) && !tl_has(message, TL_message_out) &&
	    tl_is(peer, TL_peerUser))
		tg_peer_met(a, tl_long(peer, TL_peerUser_user_id));
}

static void message_apply(struct tg_account *a, const struct tl_obj *message)
{
	message_met(a, message);
	if (is_listed(a, TG_FEATURE_MESSAGES | TG_FEATURE_BOT))
		message_new(a, message);
}

static void apply(struct tg_account *a, const struct tl_obj *o)
{
	if (tl_is(o, TL_updateNewMessage))
		message_met(a, tl_child(o, TL_updateNewMessage_message));
	else if (tl_is(o, TL_updateShortMessage) &&
		 !tl_has(o, TL_updateShortMessage_out))
		tg_peer_met(a, tl_long(o, TL_updateShortMessage_user_id));
	if (message_update_is(o) &&
	    is_listed(a, TG_FEATURE_MESSAGES | TG_FEATURE_BOT))
		message_update(a, o);
}

/* Held updates that the newest one has made due. */
static void release(struct tg_account *a)
{
	usec_t now = clock_now();
	struct buf content = {0};

	while (updates_release(&a->updates, &content, now)) {
		struct tl_arena arena;
		struct tl_obj *o;
		struct rd r;

		tl_arena_init(&arena);
		rd_init(&r, content.p, content.n);
		if (content.n && !tl_read(&o, &arena, &r))
			apply(a, o);
		tl_arena_clear(&arena);
	}
	buf_clear(&content);
}

/* One counted update; only those with a message in them are kept while held. */
static void take(struct tg_account *a, const struct tl_obj *o,
		 enum updates_line line, int32_t value, int32_t count)
{
	struct buf content = {0};
	enum updates_verdict verdict;

	if (message_update_is(o) && tl_write(&content, o)) {
		buf_clear(&content);
		updates_lost(&a->updates);
		return;
	}
	verdict = updates_take(&a->updates, line, value, count,
			       buf_bytes(&content), clock_now());
	buf_clear(&content);
	if (verdict != UPDATES_APPLY)
		return;
	apply(a, o);
	release(a);
}

/* Updates of the account itself. */
static bool account_apply(struct tg_account *a, const struct tl_obj *o)
{
	char type[48];

	if (tl_is(o, TL_updateLoginToken)) {
		login_token_accepted(a);
	} else if (tl_is(o, TL_updateConfig)) {
		a->app_config_asked = false; /* a freeze, or its end */
	} else if (tl_is(o, TL_updateServiceNotification)) {
		/* AUTH_KEY_DROP_DUPLICATE and others; never their text. */
		text_clean(type, sizeof(type),
			   tl_bytes(o, TL_updateServiceNotification_type));
		log_warn("telegram", a->name, "Telegram notifies: %s", type);
	} else {
		return false;
	}
	return true;
}

static void update_in(struct tg_account *a, const struct tl_obj *o)
{
	if (call_apply(a, o) || peers_update(a, o) || account_apply(a, o))
		return;
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		if (!tl_is(o, counted[i].no))
			continue;
		take(a, o, counted[i].line, tl_int(o, counted[i].value),
		     counted[i].count < 0 ? 1 : tl_int(o, counted[i].count));
		return;
	}
	/* What is asked of a bot carries no state. */
	apply(a, o);
}

/* -- containers ----------------------------------------------------------- */

static void container_in(struct tg_account *a, const struct tl_obj *o,
			 int updates_field, int32_t seq_start, int32_t seq,
			 int32_t date)
{
	uint32_t n = tl_count(o, updates_field);
	/* A peer's numbers: they may be as far apart as they like. */
	int32_t width = (int32_t)((uint32_t)seq - (uint32_t)seq_start + 1);

	PLANT_OVERFLOW(n > 1 && (int64_t)seq - seq_start > 1 &&
			       a->updates.known,
		       a->kept, sizeof(a->kept));
	for (uint32_t i = 0; i < n; i++)
		update_in(a, tl_item(o, updates_field, i));
	if (updates_take(&a->updates, UPDATES_SEQ, seq, width, nothing,
			 clock_now()) != UPDATES_APPLY)
		return;
	if (seq)
		updates_dated(&a->updates, date);
	release(a);
}

static void short_message_in(struct tg_account *a, const struct tl_obj *o)
{
	struct tg_user from;

	/* A user nobody has told us of: the difference brings it along. */
	if (!tl_has(o, TL_updateShortMessage_out) &&
	    !peers_find(a, tl_long(o, TL_updateShortMessage_user_id), &from)) {
		updates_lost(&a->updates);
		return;
	}
	take(a, o, UPDATES_PTS, tl_int(o, TL_updateShortMessage_pts),
	     tl_int(o, TL_updateShortMessage_pts_count));
}

void feed_updates(struct tg_account *a, const struct tl_obj *o)
{
	switch (o->no) {
	case TL_updatesTooLong:
		updates_lost(&a->updates);
		break;
	case TL_updateShort:
		update_in(a, tl_child(o, TL_updateShort_update));
		break;
	case TL_updates:
		container_in(
			a, o, TL_updates_updates, tl_int(o, TL_updates_seq),
			tl_int(o, TL_updates_seq), tl_int(o, TL_updates_date));
		break;
	case TL_updatesCombined:
		container_in(a, o, TL_updatesCombined_updates,
			     tl_int(o, TL_updatesCombined_seq_start),
			     tl_int(o, TL_updatesCombined_seq),
			     tl_int(o, TL_updatesCombined_date));
		break;
	case TL_updateShortMessage:
		short_message_in(a, o);
		break;
	case TL_updateShortChatMessage:
		take(a, o, UPDATES_PTS,
		     tl_int(o, TL_updateShortChatMessage_pts),
		     tl_int(o, TL_updateShortChatMessage_pts_count));
		break;
	case TL_updateShortSentMessage:
		take(a, o, UPDATES_PTS,
		     tl_int(o, TL_updateShortSentMessage_pts),
		     tl_int(o, TL_updateShortSentMessage_pts_count));
		break;
	case TL_messages_affectedMessages:
		take(a, o, UPDATES_PTS,
		     tl_int(o, TL_messages_affectedMessages_pts),
		     tl_int(o, TL_messages_affectedMessages_pts_count));
		break;
	default:
		return;
	}
	updates_heard(&a->updates, clock_now());
	keep_state(a);
	account_wake(a);
}

void feed_bytes(struct tg_account *a, struct bytes object)
{
	struct tl_arena arena;
	struct tl_obj *o = NULL;
	struct rd r;

	tl_arena_init(&arena);
	rd_init(&r, object.p, object.n);
	/* Unknown objects never kill a session: counted, and repaired. */
	if (tl_read(&o, &arena, &r)) {
		count_bad("telegram", "update", "an update cannot be read");
		updates_lost(&a->updates);
		account_wake(a);
	} else {
		peers_learn(a, o);
		feed_updates(a, o);
	}
	tl_arena_clear(&arena);
}

/* -- differences ---------------------------------------------------------- */

static void difference_items(struct tg_account *a, const struct tl_obj *o,
			     int messages_field, int others_field)
{
	uint32_t n = tl_count(o, messages_field);

	for (uint32_t i = 0; i < n; i++)
		message_apply(a, tl_item(o, messages_field, i));
	n = tl_count(o, others_field);
	for (uint32_t i = 0; i < n; i++) {
		const struct tl_obj *update = tl_item(o, others_field, i);

		/* Part of the difference: their pts is in its state. */
		if (!call_apply(a, update) && !peers_update(a, update))
			apply(a, update);
	}
}

static void difference_in(struct tg_account *a, const struct tl_obj *o)
{
	struct updates *u = &a->updates;
	const struct tl_obj *s;

	switch (o->no) {
	case TL_updates_differenceEmpty:
		updates_empty(u, tl_int(o, TL_updates_differenceEmpty_date),
			      tl_int(o, TL_updates_differenceEmpty_seq),
			      clock_now());
		break;
	case TL_updates_difference:
		s = tl_child(o, TL_updates_difference_state);
		updates_state(u, tl_int(s, TL_updates_state_pts),
			      tl_int(s, TL_updates_state_qts),
			      tl_int(s, TL_updates_state_date),
			      tl_int(s, TL_updates_state_seq), clock_now());
		difference_items(a, o, TL_updates_difference_new_messages,
				 TL_updates_difference_other_updates);
		break;
	case TL_updates_differenceSlice:
		s = tl_child(o, TL_updates_differenceSlice_intermediate_state);
		updates_slice(u, tl_int(s, TL_updates_state_pts),
			      tl_int(s, TL_updates_state_qts),
			      tl_int(s, TL_updates_state_date),
			      tl_int(s, TL_updates_state_seq));
		difference_items(a, o, TL_updates_differenceSlice_new_messages,
				 TL_updates_differenceSlice_other_updates);
		break;
	case TL_updates_differenceTooLong:
		updates_too_long(u,
				 tl_int(o, TL_updates_differenceTooLong_pts));
		break;
	default:
		updates_failed(u, false, clock_now());
		return;
	}
}

/* PERSISTENT_TIMESTAMP_*: our state is of no use. Any other 400 may be meant
 * for this one question; with the state what we missed is forgotten, too. */
static bool is_useless(const struct updates *u, const struct mtp_error *err)
{
	return err->code == 400 &&
	       (!strncmp(err->text, "PERSISTENT_TIMESTAMP", 20) ||
		u->failures >= STATE_FAILURES_MAX);
}

static void pump_answered(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg)
{
	struct tg_account *a = arg;

	if (err) {
		log_info("telegram", a->name, "updates: %d %s", err->code,
			 err->text);
		updates_failed(&a->updates, is_useless(&a->updates, err),
			       clock_now());
		updates_not_before(&a->updates,
				   clock_now() +
					   flood_seconds(err->text) * USEC_S);
	} else if (tl_is(answer, TL_updates_state)) {
		updates_state(&a->updates, tl_int(answer, TL_updates_state_pts),
			      tl_int(answer, TL_updates_state_qts),
			      tl_int(answer, TL_updates_state_date),
			      tl_int(answer, TL_updates_state_seq),
			      clock_now());
	} else {
		difference_in(a, answer);
	}
	release(a);
	keep_state(a);
	if (!err) {
		a->synced = true;
		account_state_update(a);
	}
	account_wake(a);
}

static struct tl_obj *difference_query(struct tg_account *a,
				       struct tl_arena *arena)
{
	const struct updates *u = &a->updates;
	struct tl_obj *q;

	if (!u->known)
		return tl_new(arena, TL_updates_getState);
	q = tl_new(arena, TL_updates_getDifference);
	tl_set_int(q, TL_updates_getDifference_pts, u->pts);
	tl_set_int(q, TL_updates_getDifference_date, u->date);
	tl_set_int(q, TL_updates_getDifference_qts, u->qts);
	return q;
}

void feed_pump(struct tg_account *a, usec_t now)
{
	struct tl_arena arena;

	if (!a->logged_in || !connection_ready(a->connection))
		return;
	updates_timeout(&a->updates, now);
	if (!updates_due(&a->updates, now))
		return;
	tl_arena_init(&arena);
	updates_asked(&a->updates);
	if (tg_account_query(a, difference_query(a, &arena), 0, pump_answered,
			     a))
		updates_failed(&a->updates, false, now);
	tl_arena_clear(&arena);
}

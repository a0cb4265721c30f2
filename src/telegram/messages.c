/* Text messages of private chats (C.3). Their text is never logged. */
#include "telegram/account_core.h"

#include <errno.h>
#include <string.h>

#include "base/random.h"

static void deliver(struct tg_account *a, int64_t user_id, struct bytes text)
{
	struct tg_user from = {.id = user_id};

	/* Empty: a picture or the like; ourselves: saved messages. */
	if (!text.n || !user_id || user_id == a->self.id ||
	    !a->handlers.message)
		return;
	(void)peers_find(a, user_id, &from);
	a->handlers.message(&from, text, a->arg);
}

void message_in(struct tg_account *a, const struct tl_obj *o)
{
	const struct tl_obj *peer = tl_child(o, TL_message_peer_id);
	const struct tl_obj *from = tl_child(o, TL_message_from_id);

	if (!tl_is(o, TL_message) || tl_has(o, TL_message_out) ||
	    !tl_is(peer, TL_peerUser))
		return;
	/* In a private chat from_id is absent or names the same user. */
	if (from && !tl_is(from, TL_peerUser))
		return;
	deliver(a, tl_long(from ? from : peer, TL_peerUser_user_id),
		tl_bytes(o, TL_message_message));
}

void message_short_in(struct tg_account *a, const struct tl_obj *o)
{
	if (tl_has(o, TL_updateShortMessage_out))
		return;
	deliver(a, tl_long(o, TL_updateShortMessage_user_id),
		tl_bytes(o, TL_updateShortMessage_message));
}

int tg_send_text(struct tg_account *a, const struct tg_user *to,
		 const char *text, tg_answer_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *q, *peer;
	int err;

	if (!to->id || !*text)
		return -EINVAL;
	tl_arena_init(&arena);
	if (to->self) {
		peer = tl_new(&arena, TL_inputPeerSelf);
	} else {
		peer = tl_new(&arena, TL_inputPeerUser);
		tl_set_long(peer, TL_inputPeerUser_user_id, to->id);
		tl_set_long(peer, TL_inputPeerUser_access_hash,
			    to->access_hash);
	}
	q = tl_new(&arena, TL_messages_sendMessage);
	tl_set_child(q, TL_messages_sendMessage_peer, peer);
	tl_set_str(q, TL_messages_sendMessage_message, text);
	/* Repeated after a reconnect it is the same message. */
	tl_set_long(q, TL_messages_sendMessage_random_id,
		    (int64_t)random_u64());
	err = tg_account_query(a, q, 0, done, arg);
	tl_arena_clear(&arena);
	return err;
}

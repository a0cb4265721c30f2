/* Perfect forward secrecy (telegram-wire A.4, "PFS").
 *
 *   no key -> permanent key -> temporary key -> bind -> session
 *                                  ^                      | in good time
 *                                  +-- wait for answers --+
 *
 * The next temporary key is made while the present one is used, on the same
 * connection. Then queries wait until all before them are answered; the next
 * key begins a session of its own, whose first message binds it. What still
 * comes for the session before is read for a while, so no update is lost.
 * Temporary keys are kept nowhere.
 */
#include "mtproto/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mtproto/bind.h"
#include "mtproto/wire.h"

#define HANDSHAKE_TIMEOUT (20 * USEC_S)
#define BIND_TIMEOUT (10 * USEC_S)
/* Unanswered for so long, a query is asked again with the next key. */
#define SWITCH_TIMEOUT (5 * USEC_S)
#define RENEW_AGAIN (60 * USEC_S)
#define RETIRED_KEPT (60 * USEC_S)

struct mtp_auth *client_key(struct mtp_client *c)
{
	return c->temporary_s ? &c->temporary : &c->auth;
}

bool client_unbound(const struct mtp_client *c)
{
	return c->temporary_s && !c->bound;
}

/* -- making --------------------------------------------------------------- */

/* td lets them live 23 to 24 h at random: not all accounts renew at once. */
static int32_t lifetime_draw(const struct mtp_client *c)
{
	uint32_t spread = (uint32_t)c->temporary_s / 24, any;

	mtp_random_fill(&c->random, &any, sizeof(any));
	return c->temporary_s - (int32_t)(any % (spread + 1));
}

int client_handshake_begin(struct mtp_client *c)
{
	struct buf request;
	int err;

	buf_init(&request);
	mtp_handshake_free(&c->handshake);
	err = mtp_handshake_new(&c->handshake, c->rsa, c->dc_wire, &c->random);
	if (!err && c->auth.present) {
		c->making_s = lifetime_draw(c);
		mtp_handshake_temporary(c->handshake, c->making_s);
	}
	if (!err)
		err = mtp_handshake_start(c->handshake, &request);
	if (!err)
		client_send_plain(c, buf_bytes(&request));
	buf_clear(&request);
	c->handshake_deadline = c->now + HANDSHAKE_TIMEOUT;
	return err;
}

/* A session of its own for the new key, which it begins with the binding. */
static void temporary_use(struct mtp_client *c, const struct mtp_auth *key)
{
	c->temporary = *key;
	c->bound = false;
	c->salts_n = 0;
	client_session_reset(c);
}

void client_temporary_ready(struct mtp_client *c,
			    const struct mtp_handshake_result *result)
{
	struct mtp_auth key = {.present = true, .salt = result->salt};

	memcpy(key.key, result->key, MTP_KEY_BYTES);
	key.key_id = mtp_key_id(result->key);
	c->auth.time_diff = result->time_diff;
	c->time_trusted = true;
	c->temporary_expires =
		(int32_t)(client_server_us(c) / 1000000) + c->making_s;
	c->temporary_ends = c->now + (usec_t)c->making_s * USEC_S;
	c->renew_at = c->now + (usec_t)c->making_s * USEC_S / 10 * 9;
	if (c->state == CLIENT_HANDSHAKE) {
		c->state = CLIENT_SESSION;
		temporary_use(c, &key);
	} else {
		c->next = key;
		c->switch_at = c->now + SWITCH_TIMEOUT;
	}
	bytes_wipe(&key, sizeof(key));
}

void client_temporary_drop(struct mtp_client *c)
{
	bytes_wipe(&c->temporary, sizeof(c->temporary));
	bytes_wipe(&c->next, sizeof(c->next));
	c->bound = false;
}

/* -- binding -------------------------------------------------------------- */

void client_bind_flush(struct mtp_client *c)
{
	struct mtp_bind bind = {
		.nonce = mtp_random_long(&c->random),
		.temp_key_id = c->temporary.key_id,
		.perm_key_id = c->auth.key_id,
		.temp_session_id = c->session_id,
		.expires_at = c->temporary_expires,
	};
	struct mtp_message m = {
		.salt = c->temporary.salt,
		.session_id = c->session_id,
	};
	struct buf body;

	if (!c->bind.due)
		return;
	c->bind.due = false;
	m.msg_id = mtp_sequence_id(&c->sequence, client_server_us(c), 0);
	m.seqno = mtp_sequence_number(&c->sequence, true);
	c->bind.id = m.msg_id;
	c->bind.deadline = c->now + BIND_TIMEOUT;
	buf_init(&body);
	if (mtp_bind_query(&body, &bind, c->auth.key, m.msg_id, &c->random)) {
		client_close(c, "out of memory");
	} else {
		m.body = buf_bytes(&body);
		client_packet_send(c, &m);
	}
	buf_clear(&body);
}

/* Those of earlier runs of ours would live on at the data centre. */
static void others_drop(struct mtp_client *c)
{
	int64_t own = (int64_t)c->temporary.key_id;
	struct buf query;

	if (c->others_dropped)
		return;
	buf_init(&query);
	buf_le32(&query, WIRE_DROP_TEMP_AUTH_KEYS);
	wire_put_vector_long(&query, &own, 1);
	c->others_dropped = !mtp_client_call(c, buf_bytes(&query), 0, NULL,
					     NULL, c->now, c->wall);
	buf_clear(&query);
}

static void bind_failed(struct mtp_client *c, struct bytes object)
{
	struct bytes text;
	struct rd r;

	rd_init(&r, object.p, object.n);
	rd_skip(&r, 4 + 4);
	text = wire_bytes(&r);
	count_bad("mtproto", "bind", "a temporary key was not bound");
	client_temporary_drop(c);
	/* Whose key it is cannot be read there: the permanent key is gone. */
	if (!r.bad && bytes_equal(text, bytes_str("ENCRYPTED_MESSAGE_INVALID")))
		client_event(c, MTP_EVENT_KEY_UNKNOWN,
			     "the data centre does not know our key: "
			     "ENCRYPTED_MESSAGE_INVALID");
	client_close(c, "the temporary key was not bound");
}

void client_bind_answered(struct mtp_client *c, struct bytes object)
{
	c->bind = (struct client_bind){0};
	if (wire_id(object) != WIRE_BOOL_TRUE) {
		bind_failed(c, object);
		return;
	}
	c->bound = true;
	if (!c->ready) {
		c->ready = true;
		client_event(c, MTP_EVENT_READY, NULL);
	}
	others_drop(c);
}

/* -- renewing ------------------------------------------------------------- */

static bool something_asked(const struct mtp_client *c)
{
	const struct client_query *q;

	TAILQ_FOREACH(q, &c->queries, link)
	if (q->msg_id)
		return true;
	return false;
}

static void retired_free(struct mtp_client *c)
{
	if (!c->retired)
		return;
	bytes_wipe(c->retired, sizeof(*c->retired));
	free(c->retired);
	c->retired = NULL;
}

static void retire(struct mtp_client *c)
{
	retired_free(c);
	c->retired = calloc(1, sizeof(*c->retired));
	if (!c->retired)
		return; /* an update may be lost: the difference repairs it */
	c->retired->auth = c->temporary;
	c->retired->session_id = c->session_id;
	c->retired->window = c->window;
	c->retired->until = c->now + RETIRED_KEPT;
}

void client_switch_try(struct mtp_client *c)
{
	struct mtp_auth next;

	if (!c->next.present || c->state != CLIENT_SESSION || c->busy ||
	    (something_asked(c) && c->now < c->switch_at))
		return;
	retire(c);
	next = c->next;
	bytes_wipe(&c->next, sizeof(c->next));
	c->session_replaced = true;
	temporary_use(c, &next);
	bytes_wipe(&next, sizeof(next));
	count_add("mtproto", "temporary_renewed", 1);
}

const struct client_retired *client_retired_find(struct mtp_client *c,
						 uint64_t key_id)
{
	return c->retired && c->retired->auth.key_id == key_id ? c->retired
							       : NULL;
}

void client_secrecy_disconnected(struct mtp_client *c)
{
	retired_free(c);
	bytes_wipe(&c->next, sizeof(c->next));
	c->bind = (struct client_bind){0};
	if (client_unbound(c))
		client_temporary_drop(c);
}

/* -- time ----------------------------------------------------------------- */

static bool renewal_due(const struct mtp_client *c)
{
	return c->bound && !c->handshake && !c->next.present;
}

void client_secrecy_timeout(struct mtp_client *c)
{
	if (!c->temporary_s)
		return;
	if (c->retired && c->now >= c->retired->until)
		retired_free(c);
	if (c->handshake && c->now >= c->handshake_deadline)
		mtp_handshake_free(&c->handshake);
	if (c->bind.id && c->now >= c->bind.deadline) {
		client_temporary_drop(c);
		client_close(c, "the temporary key was not bound in time");
	} else if (c->bound && c->now >= c->temporary_ends) {
		client_temporary_drop(c);
		client_close(c, "the temporary key has expired");
	} else if (renewal_due(c) && c->now >= c->renew_at) {
		c->renew_at = c->now + RENEW_AGAIN;
		if (client_handshake_begin(c))
			mtp_handshake_free(&c->handshake);
	}
}

usec_t client_secrecy_deadline(const struct mtp_client *c)
{
	usec_t first = USEC_NEVER;

	if (!c->temporary_s)
		return first;
	if (c->bind.id)
		first = c->bind.deadline;
	if (c->retired && c->retired->until < first)
		first = c->retired->until;
	if (c->bound && c->temporary_ends < first)
		first = c->temporary_ends;
	if (renewal_due(c) && c->renew_at < first)
		first = c->renew_at;
	if (c->next.present && c->switch_at < first)
		first = c->switch_at;
	return first;
}

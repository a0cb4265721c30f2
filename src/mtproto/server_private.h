/* What the files of the server engine share. Not for other folders.
 *
 *   server.c          life, packets, key creation, the calls of server.h
 *   server_session.c  sessions and salts that outlive connections
 *   server_send.c     outgoing messages until they are acked
 *   server_receive.c  checks of numbers, service messages
 *   server_query.c    wrappers, order, refusal of queries
 */
#ifndef MTPROTO_SERVER_PRIVATE_H
#define MTPROTO_SERVER_PRIVATE_H

#include <sys/queue.h>

#include "mtproto/handshake_server.h"
#include "mtproto/sequence.h"
#include "mtproto/transport.h"

struct server_outgoing {
	TAILQ_ENTRY(server_outgoing) link;
	int64_t msg_id;
	uint32_t seqno; /* odd: kept until acked */
	int64_t answer_to;
	bool sent;
	bool repeated; /* the id is old: only inside a container */
	struct buf body;
};

TAILQ_HEAD(server_outgoings, server_outgoing);

struct server_query {
	TAILQ_ENTRY(server_query) link;
	int64_t msg_id;
	int64_t condition; /* 0: handed out, not answered yet */
	int32_t layer;
	bool no_updates;
	struct buf body; /* while held back */
};

TAILQ_HEAD(server_queries, server_query);

struct server_session {
	TAILQ_ENTRY(server_session) link;
	uint64_t key_id;
	int64_t session_id;
	struct mtp_server *owner; /* the connection that carries it */
	bool announced;
	int32_t layer;
	struct mtp_sequence sequence;
	struct mtp_window window;
	struct mtp_window done; /* answered queries; seqno 1: failed */
	struct server_outgoings outgoing;
	size_t outgoing_n;
	struct server_queries queries;
	int64_t acks[64];
	size_t acks_n;
};

TAILQ_HEAD(server_session_list, server_session);

struct server_key_salt {
	TAILQ_ENTRY(server_key_salt) link;
	uint64_t key_id;
	int64_t salt;
	int64_t until; /* seconds since 1970 */
};

TAILQ_HEAD(server_key_salts, server_key_salt);

struct mtp_sessions {
	struct server_session_list sessions; /* least recently used first */
	size_t sessions_n;
	struct server_key_salts first_salts;
	uint8_t secret[32];
};

struct mtp_server {
	struct mtp_server_conf conf;
	struct mtp_codec *codec;
	struct mtp_acceptor *acceptor;
	struct mtp_sequence plain_sequence;
	struct buf out, plain;
	usec_t now;
	struct wall wall;
	bool busy; /* inside mtp_server_input */
	uint64_t key_id;
	uint8_t key[MTP_KEY_BYTES];     /* of key_id; 0: none yet */
	struct server_session *session; /* the last one used here */
	usec_t disconnect;              /* from ping_delay_disconnect */
	bool expired;
};

/* -- server.c ------------------------------------------------------------ */
/* Makes s->key the key of that id. False: the owner does not know it. */
bool server_key_select(struct mtp_server *s, uint64_t key_id);

/* -- server_session.c ----------------------------------------------------- */
/* Finds or makes; it then belongs to connection s. NULL: out of memory. */
struct server_session *server_session_take(struct mtp_server *s,
					   uint64_t key_id, int64_t session_id);
bool server_session_destroy(struct mtp_server *s, int64_t session_id);
void server_sessions_release(struct mtp_server *s);
void server_sessions_forget_key(struct mtp_sessions *all, uint64_t key_id);
/* Of the sessions this connection carries, the one where msg_id runs. */
struct server_session *server_session_of(struct mtp_server *s, int64_t msg_id,
					 struct server_query **queryp);
void server_query_free(struct server_query *q);
/* Salts, A.6: each in force for an hour, a new one every half hour. */
int server_salt_first(struct mtp_sessions *all, uint64_t key_id, int64_t salt,
		      int64_t now);
int64_t server_salt_at(const struct mtp_sessions *all, uint64_t key_id,
		       int64_t slot);
bool server_salt_ok(const struct mtp_sessions *all, uint64_t key_id,
		    int64_t salt, int64_t now);
#define SERVER_SALT_SECONDS 1800

/* -- server_send.c -------------------------------------------------------- */
/* Queues a message; content-related ones stay until acked. answer_to: the
 * query a result belongs to, else 0. bits as for mtp_sequence_id(). */
void server_put(struct mtp_server *s, struct server_session *session,
		struct buf *body, bool content, unsigned bits,
		int64_t answer_to);
void server_flush(struct mtp_server *s, struct server_session *session);
void server_ack(struct server_session *session, int64_t msg_id);
void server_acked(struct server_session *session, int64_t msg_id);
/* Sends an unacked message again: by its id, or the answer to a query. */
bool server_repeat(struct server_session *session, int64_t msg_id,
		   int64_t answer_to);
void server_repeat_all(struct server_session *session);
void server_outgoing_clear(struct server_session *session);
void server_transport_error(struct mtp_server *s, int32_t code);
void server_plain(struct mtp_server *s, struct bytes body);

/* -- server_receive.c ----------------------------------------------------- */
void server_message(struct mtp_server *s, struct server_session *session,
		    const struct mtp_message *m);
void server_refused(struct mtp_server *s, const char *what);

/* -- server_query.c ------------------------------------------------------- */
void server_query_take(struct mtp_server *s, struct server_session *session,
		       int64_t msg_id, struct bytes body);
void server_query_end(struct mtp_server *s, struct server_session *session,
		      struct server_query *q, bool failed);
void server_error_put(struct mtp_server *s, struct server_session *session,
		      int64_t msg_id, int code, const char *text);

#endif

/* What the files of the client engine share. Not for other folders, except
 * mtp_client_take(), which fuzzers and tests call behind the cipher.
 *
 *   client.c          life, connection, timers, the calls of client.h
 *   client_query.c    the list of queries: answers, repetition, time-outs
 *   client_send.c     numbering, wrapping, containers, sealing
 *   client_receive.c  opening and checking packets
 *   client_message.c  reading messages
 *   client_secrecy.c  temporary keys: making, binding, renewing
 *   client_event.c    what the owner is told, last of all
 */
#ifndef MTPROTO_CLIENT_PRIVATE_H
#define MTPROTO_CLIENT_PRIVATE_H

#include <sys/queue.h>

#include "mtproto/client.h"
#include "mtproto/handshake.h"
#include "mtproto/sequence.h"

#define CLIENT_ACKS_MAX 64
#define CLIENT_SALTS_MAX 64
#define CLIENT_RESENDS_MAX 64
#define CLIENT_STATES_MAX 512

enum client_state {
	CLIENT_DOWN,      /* no TCP connection */
	CLIENT_HANDSHAKE, /* creating a key */
	CLIENT_SESSION,   /* encrypted messages */
	CLIENT_CLOSING,   /* the owner was asked to close */
};

struct client_query {
	TAILQ_ENTRY(client_query) link;
	struct buf body;
	unsigned flags;
	mtp_answer_h *done;
	void *arg;
	usec_t deadline;
	int64_t msg_id;  /* 0: to be sent */
	int64_t carrier; /* id of the container it went in, or its own */
	unsigned batch;  /* number of the packet being built */
	bool asked;      /* its state was asked for after a reconnect */
	bool unordered;  /* ORDERED had failed: send without a condition */
	int rewraps;     /* repetitions because of CONNECTION_* errors */
};

TAILQ_HEAD(client_queries, client_query);

/* A service message of ours that must be repeated when refused. */
struct client_service {
	bool due;
	int64_t id, carrier;
};

struct client_salt {
	int32_t since, until;
	int64_t salt;
};

struct client_acked {
	int64_t id, carrier;
};

/* What a temporary key leaves behind: answers may still be under way. */
struct client_retired {
	struct mtp_auth auth;
	int64_t session_id;
	struct mtp_window window;
	usec_t until;
};

/* auth.bindTempAuthKey under way. */
struct client_bind {
	bool due;
	int64_t id; /* of the message that carries it, 0: none */
	usec_t deadline;
};

enum delivery_kind {
	DELIVERY_EVENT,
	DELIVERY_UPDATE,
	DELIVERY_ANSWER,
};

struct client_delivery {
	STAILQ_ENTRY(client_delivery) link;
	enum delivery_kind kind;
	enum mtp_event event;
	const char *text;           /* constant */
	struct client_query *query; /* owned */
	bool failed;
	int code;
	char error[256];
	struct bytes object; /* into `own` or the plaintext at hand */
	struct buf own;
};

STAILQ_HEAD(client_deliveries, client_delivery);

struct mtp_client {
	/* configuration */
	enum mtp_transport_kind transport;
	bool obfuscated, has_secret;
	uint8_t secret[MTP_SECRET_BYTES];
	int16_t dc_wire;
	const struct mtp_rsa *rsa;
	char *device_model, *system_version, *app_version, *lang_code;
	int32_t api_id;
	usec_t query_timeout, ping_interval;
	struct mtp_random random;
	struct mtp_handlers handlers;
	void *arg;

	/* the call at hand */
	usec_t now;
	struct wall wall;
	bool busy; /* handlers are running */

	/* connection */
	enum client_state state;
	struct mtp_codec *codec;
	struct mtp_handshake *handshake;
	struct buf out, plain;
	bool ready;
	usec_t handshake_deadline;
	usec_t heard;      /* when bytes last came in */
	unsigned refusals; /* of messages of ours, since one was taken */

	/* session */
	struct mtp_auth auth;
	bool time_trusted; /* time_diff comes from the server itself */
	int64_t session_id;
	int64_t session_before; /* the one given up for it, 0: none */
	bool session_announced; /* new_session_created was seen */
	bool session_replaced;  /* this is not the first of this engine */
	bool inited;            /* initConnection has been answered */
	struct mtp_sequence sequence, plain_sequence;
	struct mtp_window window;

	/* perfect forward secrecy */
	int32_t temporary_s;       /* lifetime of keys, 0: off */
	int32_t making_s;          /* of the one being made */
	struct mtp_auth temporary; /* present: in use, or being bound */
	struct mtp_auth next;      /* made; waits for the last answers */
	bool bound;
	bool others_dropped;       /* of earlier runs */
	int32_t temporary_expires; /* unix time */
	usec_t temporary_ends, renew_at, switch_at;
	struct client_bind bind;
	struct client_retired *retired;
	bool from_retired; /* the message at hand */

	/* to be sent */
	struct client_queries queries;
	unsigned batch;
	int64_t acks[CLIENT_ACKS_MAX];
	size_t acks_n;
	usec_t acks_deadline;
	struct client_acked acked[CLIENT_ACKS_MAX * 2];
	size_t acked_next;
	struct client_service ping, states, ask_salts, destroy;
	bool destroying;
	usec_t ping_next;
	int64_t *state_ids; /* CLIENT_STATES_MAX, while they are asked for */
	size_t states_n;
	usec_t states_deadline;
	int64_t resends[CLIENT_RESENDS_MAX];
	size_t resends_n;
	int64_t info_for; /* a msgs_state_req of the server to be answered */
	struct buf info;
	struct client_salt salts[CLIENT_SALTS_MAX];
	size_t salts_n;

	struct client_deliveries deliveries;
};

/* -- client_event.c ------------------------------------------------------- */
void client_event(struct mtp_client *c, enum mtp_event event, const char *text);
/* Asks the owner to close; nothing more is read from this connection. */
void client_close(struct mtp_client *c, const char *text);
/* The peer failed a mandatory check. Returns -EPROTO. */
int client_refuse(struct mtp_client *c, const char *text);
void client_update(struct mtp_client *c, struct bytes object);
/* Takes the query out of the list; object may be compressed. */
void client_answer(struct mtp_client *c, struct client_query *q,
		   struct bytes object);
void client_answer_error(struct mtp_client *c, struct client_query *q, int code,
			 struct bytes text);
/* Runs the handlers for everything collected. */
void client_deliver(struct mtp_client *c);

/* -- client_secrecy.c ----------------------------------------------------- */
/* The key messages are encrypted with, its id and its salt. */
struct mtp_auth *client_key(struct mtp_client *c);
/* Nothing but the binding may be sent yet. */
bool client_unbound(const struct mtp_client *c);
/* Creates the key that is missing: permanent, else temporary. */
int client_handshake_begin(struct mtp_client *c);
void client_temporary_ready(struct mtp_client *c,
			    const struct mtp_handshake_result *result);
/* It is not known there, has ended, or was never bound. */
void client_temporary_drop(struct mtp_client *c);
void client_bind_flush(struct mtp_client *c);
void client_bind_answered(struct mtp_client *c, struct bytes object);
/* Takes the next key into use once all is answered. */
void client_switch_try(struct mtp_client *c);
void client_secrecy_timeout(struct mtp_client *c);
usec_t client_secrecy_deadline(const struct mtp_client *c);
void client_secrecy_disconnected(struct mtp_client *c);
/* The retired key of that id, or NULL. */
const struct client_retired *client_retired_find(struct mtp_client *c,
						 uint64_t key_id);

/* -- client_query.c ------------------------------------------------------- */
struct client_query *client_query_find(struct mtp_client *c, int64_t msg_id);
void client_query_free(struct client_query *q);
/* The message or container `id` was not accepted: repeat what was in it. */
void client_requeue(struct mtp_client *c, int64_t id);
/* Nothing older than first_id reached the server's present session. */
void client_requeue_before(struct mtp_client *c, int64_t first_id);
/* A session of ours that the server has never seen. */
void client_session_reset(struct mtp_client *c);
/* After a reconnect: ask what became of the unanswered. */
void client_states_ask(struct mtp_client *c);
void client_states_take(struct mtp_client *c, struct bytes states);
void client_states_give_up(struct mtp_client *c);
void client_queries_expire(struct mtp_client *c);
usec_t client_queries_deadline(const struct mtp_client *c);
/* An rpc_error: true when the engine deals with it itself. */
bool client_query_retry(struct mtp_client *c, struct client_query *q, int code,
			struct bytes text);

/* -- client_send.c -------------------------------------------------------- */
/* Everything that is due goes into packets. */
void client_flush(struct mtp_client *c);
void client_send_plain(struct mtp_client *c, struct bytes body);
void client_packet_send(struct mtp_client *c, const struct mtp_message *m);
/* Server time, microseconds since 1970. */
int64_t client_server_us(const struct mtp_client *c);

/* -- client_receive.c ----------------------------------------------------- */
int client_packet(struct bytes packet, void *arg);

/* -- client_message.c ----------------------------------------------------- */
void client_ack_add(struct mtp_client *c, int64_t msg_id);
/* Takes the time from an authentic new message. */
void client_time_adopt(struct mtp_client *c, int64_t msg_id);
/* One decrypted message body, as if it had come in a packet of its own. */
void mtp_client_take(struct mtp_client *c, int64_t msg_id, uint32_t seqno,
		     struct bytes body);
/* The same of a key that was in use before. */
void client_retired_take(struct mtp_client *c, int64_t msg_id, uint32_t seqno,
			 struct bytes body);

#endif

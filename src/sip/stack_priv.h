/* The stack's inside, shared by the files of this folder only. */
#ifndef SIP_STACK_PRIV_H
#define SIP_STACK_PRIV_H

#include "base/cause.h"
#include "sip/digest.h"
#include "sip/rate.h"
#include "sip/registrar.h"
#include "sip/sanity.h"
#include "sip/stack.h"
#include "sip/tls.h"

#define STACK_LISTEN_MAX 32

struct transport_udp {
	struct sip_stack *stack;
	struct udp_sock *socket;
	struct udp_helper *helper;
};

struct websocket_server;

struct sip_stack {
	struct sip *sip;
	struct sip_tls *tls; /* borrowed; NULL: none */
	struct dnsc *dns;
	struct sip_lsnr *requests, *responses;
	struct sip_stack_handlers handlers;
	void *arg;
	char *software, *realm, *public_address;
	struct sa public; /* the same */
	unsigned expires_min_s, expires_max_s, expires_default_s;
	struct digest_server *digest;
	struct registrar *registrar;
	struct bans *bans;
	struct rates *rates, *rates_known;
	struct refused_table *refused;
	char drop_agents[GUARD_AGENTS][GUARD_AGENT_MAX];
	size_t drop_agents_n;
	struct tmr registrar_timer;
	struct list connections; /* that bindings came by */
	struct list sessions;    /* every one holds a reference */
	struct hash *sessions_by_call;
	struct list kept;    /* BYEs of dialogs from disk */
	struct list leaving; /* registrations being given up */
	struct sa listen[STACK_LISTEN_MAX];
	size_t listen_n;
	struct transport_udp udp[STACK_LISTEN_MAX];
	size_t udp_n;
	struct websocket_server *websockets; /* NULL: none */
	char probe[25];           /* Call-ID of our message to ourselves */
	uint64_t passed, decoded; /* datagrams given to libre, and seen again */
	struct sa passed_from;    /* the last one's source */
	bool invite_first;        /* what goes out next is no repetition */
	uint32_t t1_ms;           /* RFC 3261 17.1.1.1; tests shorten it */
	uint32_t second_ms;       /* 1000; tests shorten it */
	bool closing;
};

/* -- stack.c ----------------------------------------------------------------
 */

/* A final refusal of REGISTER or INVITE before there is a call, so that no
 * record tells of it: logged with an event id, which the answer carries
 * (behaviour 8.3), and remembered of its source. The reason is cleaned.
 * lines: more headers, whole, or NULL. */
void stack_refuse(struct sip_stack *s, const struct sip_msg *msg, unsigned code,
		  const char *reason, const char *lines);
/* All of it but the answer; reason: cleaned. */
void stack_refusal(char event[17], struct sip_stack *s,
		   const struct sip_msg *msg, unsigned code,
		   const char *reason);
/* As an offence of its source (behaviour 3.15), counted as kind. */
void stack_refuse_offender(struct sip_stack *s, const struct sip_msg *msg,
			   enum cause_row row, const char *kind,
			   const char *lines);

/* Where a message really came from: of a phone on a WebSocket libre knows only
 * the loopback. */
const struct sa *stack_source(const struct sip_stack *s,
			      const struct sip_msg *msg);

/* -- guard.c --------------------------------------------------------------- */

int guard_init(struct sip_stack *s, const struct sip_stack_conf *conf);
void guard_clear(struct sip_stack *s);
/* False, and counted: banned, or too many requests. */
bool guard_admits(struct sip_stack *s, const struct sa *source,
		  struct bytes text);
/* A request of a scanner, by its name. */
bool guard_drops(struct sip_stack *s, const struct head *h,
		 const struct sa *source, bool datagram);
/* Behaviour 3.15: one more offence of this address; or nothing but noted. */
void stack_offence(struct sip_stack *s, const struct sa *source,
		   enum refused_kind kind, const char *reason);
void stack_refused(struct sip_stack *s, const struct sa *source,
		   enum refused_kind kind, const char *reason);
/* Something that is no SIP. */
void stack_garbage(struct sip_stack *s, const struct sa *source, bool datagram);

/* -- transport.c ----------------------------------------------------------- */

enum transport_kind {
	TRANSPORT_UDP,
	TRANSPORT_UDP_TCP,
	TRANSPORT_TLS,
};
int transport_listen(struct sip_stack *s, const struct sa *address,
		     enum transport_kind kind);
void transport_close(struct sip_stack *s);
/* Puts the sanity layer under libre on the socket this message came by; true
 * if it was not there yet. */
bool transport_learn(struct sip_stack *s, const struct sip_msg *msg);
/* The address we are reached at by dst. */
int transport_local(const struct sip_stack *s, const struct sa *dst,
		    struct sa *local);
/* "udp", "tcp", "tls" */
const char *transport_name(enum sip_transp tp);
/* "sip:192.0.2.1:5060;transport=udp" */
void transport_uri(struct buf *text, enum sip_transp tp, const struct sa *sa);
/* How a message goes. */
struct transport_way {
	enum sip_transp tp;
	const struct sa *local; /* address of ours */
	const struct sa *peer;
};
/* "Contact: <sip:user@host:port;transport=tcp;PARAMS>\r\n"; params NULL: none.
 */
void transport_contact(struct buf *text, const struct sip_stack *s,
		       const struct transport_way *way, const char *user,
		       const char *params);
/* Our address there gives way to the public one, where that is meant: not for
 * peers in private networks, as long as it is not in one itself, nor for the
 * other family. */
void transport_public(struct sa *local, const struct sip_stack *s,
		      const struct sa *peer);

/* -- auth.c ---------------------------------------------------------------- */

/* The owner's word before all else; bool: false when it is answered already.
 */
void auth_verdict(const struct sip_stack *s, bool registering,
		  struct sip_verdict *v);
bool auth_admit(struct sip_stack *s, const struct sip_msg *msg,
		bool registering);
/* Credentials for our realm came with it. */
bool auth_given(const struct sip_stack *s, const struct sip_msg *msg);
/* Digest of a request, RFC 3261 22; false: answered already (401, 403, 404). */
bool auth_check(struct sip_stack *s, const struct sip_msg *msg, char user[128]);

/* What we answer a challenge with. */
struct auth_credentials {
	const char *user, *password; /* NULL: none */
	const char *method, *uri;
	unsigned count; /* of uses of the nonce, from 1 */
};
/* The first challenge of a 401 or 407 that we can answer; -ENOTSUP: none. */
int auth_challenge(struct digest_fields *f, const struct sip_msg *msg);
/* The header line that answers it. -EACCES: no credentials. */
int auth_answer(struct buf *line, const struct digest_fields *f, bool proxy,
		const struct auth_credentials *c);

/* -- connection.c ---------------------------------------------------------- */

/* What came by the connection of this REGISTER ends when it is closed. */
void connection_watch(struct sip_stack *s, const struct sip_msg *msg);
/* "udp:192.0.2.5:5060" */
void connection_path(char path[128], const struct sip_msg *msg);

/* -- register.c, options.c ------------------------------------------------- */

void register_request(struct sip_stack *s, const struct sip_msg *msg);
void register_timer_start(struct sip_stack *s);
void options_request(struct sip_stack *s, const struct sip_msg *msg);

#endif

/* The inside of a session, shared by the session_*.c files only.
 *
 *   session.c          life, handlers, the end, what both directions share
 *   session_in.c       INVITE from the peer: answers, 2xx until ACK, CANCEL
 *   session_out.c      INVITE of ours: credentials, forks, CANCEL
 *   session_servers.c  the servers of a domain, one after the other
 *   session_cancel.c   CANCEL of ours
 *   session_redirect.c 3xx to our INVITE
 *   session_reliable.c provisional answers that are acknowledged, PRACK
 *   session_mid.c      requests of the peer inside the dialog
 *   session_offer.c    his offers among them
 *   session_info.c     digits of ours
 *   session_request.c  requests of ours inside the dialog, with credentials
 *   session_refresh.c  re-INVITE and UPDATE of ours, glare
 *   session_timer.c    when to refresh, and when to give up
 *   session_identity.c who calls, beside From
 *   session_keep.c     dialogs on disk
 */
#ifndef SIP_SESSION_PRIV_H
#define SIP_SESSION_PRIV_H

#include "sip/dialog.h"
#include "sip/session.h"
#include "sip/stack_priv.h"

enum session_state {
	SESSION_NEW,      /* incoming, 100 sent */
	SESSION_CALLING,  /* outgoing, nothing heard */
	SESSION_EARLY,    /* a provisional answer was sent or came */
	SESSION_ACCEPTED, /* 200 sent, ACK awaited */
	SESSION_CONFIRMED,
	SESSION_TERMINATED,
};

/* A 2xx of ours that is sent until its ACK comes (RFC 3261 13.3.1.4). */
struct session_ok {
	struct mbuf *text;       /* NULL: none awaits an ACK */
	struct sip_msg *request; /* what it answers */
	struct sa dst;
	uint32_t seq;
	uint32_t interval_ms;
	bool offer; /* carries our offer: the answer comes with the ACK */
	struct tmr again, give_up;
};

/* Our CANCEL: sent until the INVITE's final answer (RFC 3261 9.1). */
struct session_cancel {
	bool wanted; /* waits for a provisional answer */
	bool sent;
	struct buf via; /* of the INVITE, a whole line */
	enum sip_transp tp;
	struct sa dst;
	uint32_t interval_ms;
	struct tmr again, give_up;
};

/* A provisional answer of ours that is sent until its PRACK (RFC 3262 3). */
struct session_reliable {
	bool required, supported; /* by the peer's INVITE */
	struct mbuf *text;        /* NULL: none awaits a PRACK */
	struct sa dst;
	uint32_t seq;
	uint32_t interval_ms;
	bool offer;      /* carries our offer: the PRACK brings the answer */
	bool answer_due; /* a 2xx waits for the PRACK */
	struct tmr again, give_up;
};

/* One who answered our INVITE provisionally: there may be several. */
struct session_early {
	char tag[64];
	uint32_t seq; /* RSeq of the last one acknowledged, 0: none */
	struct buf sdp;
};
#define SESSION_EARLY_MAX 8

/* RFC 4028 */
struct session_timer {
	unsigned interval_s; /* of the running session, 0: none */
	unsigned min_s;      /* the peer told us, 0: nothing */
	unsigned raised;     /* how often it told us so for one request */
	bool ours;           /* we refresh */
	struct tmr refresh, expire;
};

/* Re-INVITE or UPDATE of ours (session_refresh.c). */
struct session_refresh {
	struct session_request *request; /* open now; of the list below */
	bool offer;                      /* it carries one */
	bool peer_updates;               /* the peer allows UPDATE */
	uint32_t acked_seq;              /* of our last re-INVITE with a 2xx */
	struct tmr again;
};

/* A request of ours inside the dialog. */
struct session_request;
/* The final answer, or an error and NULL. Not for answered challenges. */
typedef void(session_answered_h)(struct session_request *r, int err,
				 const struct sip_msg *msg);

struct session_request {
	struct le le;
	struct sip_session *session; /* holds the request */
	struct dialog fork;          /* has a call_id: it goes there instead */
	const char *method;
	struct buf lines, body;
	struct buf authorization; /* line */
	unsigned challenges;
	uint32_t seq;
	struct sip_request *request;
	session_answered_h *answered; /* or NULL */
};

/* Where a 3xx sent us (RFC 3261 8.1.3.4). */
#define SESSION_TARGETS_MAX 8
struct session_targets {
	char *uris[SESSION_TARGETS_MAX]; /* every one we heard of */
	unsigned q[SESSION_TARGETS_MAX]; /* thousandths */
	size_t n, tried;
	bool through_proxy; /* the next hop stays whatever the target is */
};

/* What the peer's REFER began, and who is told of it (RFC 3515). */
struct session_refer {
	bool running;       /* not over */
	bool subscribed;    /* NOTIFYs go out until expiry */
	bool seen, with_id; /* the first of a dialog has no id */
	uint32_t id;        /* its CSeq */
	int code;           /* last told */
	char reason[129];
	struct tmr expiry;
};

/* Our INVITE at one server, up to its final answer. */
struct session_attempt {
	struct le le; /* of the session's given_up */
	struct sip_session *session;
	struct sip_request *request; /* NULL: answered */
	/* Of one that was given up, for an answer that is late. */
	uint32_t seq;
	char *hop;                /* or NULL */
	struct buf authorization; /* line */
};

struct sip_session {
	struct le list_le, call_le;
	struct sip_stack *stack; /* NULL: the stack is gone */
	enum session_state state;
	bool incoming;
	struct sip_session_handlers handlers;
	void *arg;
	struct dialog dialog;

	/* What the INVITE said. */
	char *call_id, *request_user, *from_user, *from_name, *to_user;
	char *user_agent;
	char *asserted_user, *asserted_name, *diverted_user, *diverted_reason;
	bool private;
	char peer[64];
	char event[33];    /* for the 487 that we answer a CANCEL with; or "" */
	bool peer_no_info; /* its Allow lacks INFO */
	struct sa source;
	struct buf offer;
	char *contact_user;

	/* Incoming. */
	struct sip_strans *transaction;
	struct sip_msg *invite;
	struct session_ok ok;
	struct session_reliable reliable;
	bool bye_after_ack;

	/* Outgoing. */
	struct session_attempt *attempt; /* NULL: none is open */
	struct list given_up;            /* struct session_attempt */
	struct buf headers;              /* the owner's lines */
	struct buf authorization;        /* line for INVITE and its ACK */
	char *auth_user, *auth_password;
	unsigned challenges;
	uint32_t invite_seq;
	bool provisional;
	struct session_cancel cancel;
	struct session_early early[SESSION_EARLY_MAX];
	size_t early_n;
	struct session_targets targets;
	struct sip_servers servers;
	size_t servers_tried;
	const char *servers_transport; /* static */
	struct tmr servers_try;
	struct buf ack_body; /* our answer, when the 2xx brought the offer */

	/* Both. */
	unsigned repeats; /* of our INVITE, or of our 200 */
	struct session_refer refer;
	struct sip_session *replaces; /* while the owner decides on it */
	struct sip_session_terms terms;
	struct session_timer timer;
	struct session_refresh refresh;
	struct list requests; /* struct session_request */
	struct buf local_sdp; /* the last one we sent */
	struct buf warning;   /* lines for the refusal of an offer */
	bool bye_sent;
	struct buf reason_header; /* line, may be empty */
	struct tmr closed_timer;
	bool closed; /* the handler ran or is due */
	enum sip_end end_how;
	int end_code;
	char end_reason[129];
};

/* -- session.c ------------------------------------------------------------- */

struct sip_session *session_new(struct sip_stack *stack, bool incoming);
/* Known to the stack from here on, which holds a reference. */
void session_add(struct sip_session *s, const char *call_id);
struct sip_session *session_find(const struct sip_stack *stack,
				 const struct sip_msg *msg);
void session_set_state(struct sip_session *s, enum session_state state);
/* The end by the peer or by time: the closed handler runs last, inside. */
void session_close(struct sip_session *s, enum sip_end how, int code,
		   const char *reason);
/* The end by us: the closed handler runs from the loop. */
void session_close_later(struct sip_session *s, int code, const char *reason);
/* Leaves the stack once it is closed and no transaction is open. */
void session_settle(struct sip_session *s);
void session_stop_all(struct sip_stack *stack);
/* The usual reason of a code. */
const char *session_reason(int code);
struct bytes session_sdp(const struct sip_msg *msg);
/* Lines for a 2xx or 18x: Contact, Allow, Supported, Accept. */
void session_write_own(struct buf *lines, const struct sip_session *s,
		       const struct sip_msg *msg);
/* Allow, Supported. */
void session_write_abilities(struct buf *lines, const struct sip_session *s);
void session_sdp_sent(struct sip_session *s, struct bytes sdp);
/* What a message says of its sender's abilities. */
void session_abilities_read(struct sip_session *s, const struct sip_msg *msg);

/* -- session_in.c ---------------------------------------------------------- */

/* Known by its origin: needs neither credentials nor a registration. */
bool session_in_is_peer(struct sip_stack *stack, const struct sip_msg *msg,
			char name[64]);
/* The owner's word on a user with a right password. */
void session_in_verdict(const struct sip_stack *stack, const char *user,
			struct sip_verdict *v);
bool session_in_is_registered(const struct sip_stack *stack, const char *user);
void session_in_request(struct sip_stack *stack, const struct sip_msg *msg);
/* 200 with a body, kept until ACK. transaction: NULL or the INVITE's. */
int session_ok_send(struct sip_session *s, struct sip_strans **transaction,
		    const struct sip_msg *msg, struct bytes sdp, bool offer);
void session_ok_stop(struct sip_session *s);
/* 487 to a request that was cancelled. */
void session_in_terminate(struct sip_session *s);
int session_in_reject(struct sip_session *s, int code, const char *reason,
		      struct bytes lines);

/* -- session_out.c --------------------------------------------------------- */

void session_out_stop(struct sip_session *s);
/* To another target, with a new transaction. */
int session_out_again(struct sip_session *s);
/* An INVITE of ours goes out: the first copy, or again. */
void session_out_sent(struct sip_stack *stack, struct bytes datagram);
void session_out_stray(struct sip_session *s, const struct sip_msg *msg);
/* The one with this tag; NULL: too many. */
struct session_early *session_early_find(struct sip_session *s,
					 const struct pl *tag);
void session_early_clear(struct sip_session *s);
void session_out_rejected(struct sip_session *s, const struct sip_msg *msg);

/* -- session_servers.c ----------------------------------------------------- */

/* Before an INVITE is sent: the server in use is its hop. 0 or -ENOMEM. */
int session_attempt_begin(struct sip_session *s);
/* All of them, whatever they still answer. */
void session_attempts_stop(struct sip_session *s);
/* An INVITE awaits its final answer. */
bool session_out_is_open(const struct sip_session *s);
/* Goes to the next server; false: there is none. */
bool session_server_next(struct sip_session *s);
/* The answer to an INVITE, msg NULL: none came. True: to one that was given
 * up, and all is done. */
bool session_given_up_answer(struct session_attempt *a,
			     const struct sip_msg *msg);
/* A 2xx again; true: to one that was given up. */
bool session_given_up_stray(struct sip_session *s, const struct sip_msg *msg);

/* -- session_cancel.c ------------------------------------------------------ */

void session_out_cancel(struct sip_session *s);
void session_cancel_send(struct sip_session *s);
void session_cancel_stop(struct sip_session *s);

/* -- session_redirect.c ---------------------------------------------------- */

/* The contacts of a 3xx join the targets. */
void session_redirect_read(struct sip_session *s, const struct sip_msg *msg);
/* Goes to the best target that was not tried; -ENOENT: none is left. */
int session_redirect_next(struct sip_session *s);
void session_redirect_clear(struct sip_session *s);

/* -- session_reliable.c ---------------------------------------------------- */

/* Our provisional answers are to be acknowledged. */
bool session_reliable_wanted(const struct sip_session *s);
/* Lines that make one of it. */
void session_reliable_write(struct sip_session *s, struct buf *lines);
/* It was sent; takes the text. */
void session_reliable_sent(struct sip_session *s, struct mbuf *text,
			   bool offer);
void session_reliable_stop(struct sip_session *s);
void session_prack_request(struct sip_session *s, const struct sip_msg *msg);
/* A provisional answer of the peer: acknowledged when it asks for that. False:
 * it was heard before, or one before it is missing. */
bool session_prack_send(struct sip_session *s, const struct sip_msg *msg);

/* -- session_mid.c --------------------------------------------------------- */

void session_mid_request(struct sip_session *s, const struct sip_msg *msg);
void session_mid_reply(struct sip_session *s, const struct sip_msg *msg,
		       int code);

/* -- session_offer.c ------------------------------------------------------- */

/* re-INVITE or UPDATE */
void session_offer_request(struct sip_session *s, const struct sip_msg *msg);
/* Why an offer by this request cannot be taken now; 0: it can. */
int session_offer_blocked(struct sip_session *s, const struct sip_msg *msg);
/* The owner's answer to it; 0 or the code of a refusal, -1: all is stopped. */
int session_offer_ask(struct sip_session *s, struct bytes sdp,
		      struct buf *answer);
void session_offer_refuse(struct sip_session *s, const struct sip_msg *msg,
			  int code);

/* -- session_request.c ----------------------------------------------------- */

/* fork: NULL or another dialog than the session's, which is then moved. lines
 * and body are copied; a body is SDP, of INFO a digit. rp: NULL or the request,
 * which lives until its answer. */
int session_request_send(struct session_request **rp, struct sip_session *s,
			 struct dialog *fork, const char *method,
			 struct bytes lines, struct bytes body,
			 session_answered_h *answered);
/* The ACK of a re-INVITE. */
void session_request_ack(struct session_request *r);
void session_bye(struct sip_session *s);

/* -- session_refresh.c ----------------------------------------------------- */

void session_refresh_send(struct sip_session *s);
/* Our own offer is open. */
bool session_refresh_offers(const struct sip_session *s);
void session_refresh_stop(struct sip_session *s);

/* -- session_timer.c ------------------------------------------------------- */

/* Of a request of the peer. 0, or 422 with the line of its answer. */
int session_timer_check(struct sip_session *s, const struct sip_msg *msg,
			struct buf *lines);
/* The 2xx to it: its lines; the timer runs from here. */
void session_timer_answer(struct sip_session *s, const struct sip_msg *msg,
			  struct buf *lines);
/* A request of ours: its lines. */
void session_timer_ask(const struct sip_session *s, struct buf *lines);
/* A 2xx to it. */
void session_timer_take(struct sip_session *s, const struct sip_msg *msg);
/* A 422 to it: true when it can be sent again with more time. */
bool session_timer_raise(struct sip_session *s, const struct sip_msg *msg);
void session_timer_stop(struct sip_session *s);

/* -- session_identity.c ---------------------------------------------------- */

/* 0 or -ENOMEM. */
int session_identity_read(struct sip_session *s, const struct sip_msg *msg);
/* The user of a SIP or tel URI, unescaped; "" without one. NULL: no memory. */
char *session_user_copy(const struct uri *uri);
/* A display name without its quotes and escapes. */
char *session_name_copy(const struct pl *name);

/* -- session_refer.c ------------------------------------------------------- */

void session_refer_request(struct sip_session *s, const struct sip_msg *msg);
void session_refer_subscribe(struct sip_session *s, const struct sip_msg *msg);
void refer_not_allowed(struct sip_stack *stack, const struct sip_msg *msg);
/* The session an INVITE wants to take the place of, NULL: none; or the status
 * that refuses it (RFC 3891 3). */
int session_replaced(struct sip_session **replaced,
		     const struct sip_stack *stack, const struct sip_msg *msg);
void session_refer_stop(struct sip_session *s);

#endif

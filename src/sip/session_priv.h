/* The inside of a session, shared by the session_*.c files only.
 *
 *   session.c      life, handlers, the end, what both directions share
 *   session_in.c   INVITE from the peer: answers, 2xx until ACK, CANCEL
 *   session_out.c  INVITE of ours: credentials, forks, CANCEL
 *   session_mid.c  requests inside the dialog, BYE of ours
 *   session_keep.c dialogs on disk
 */
#ifndef SIP_SESSION_PRIV_H
#define SIP_SESSION_PRIV_H

#include "sip/dialog.h"
#include "sip/session.h"
#include "sip/stack_priv.h"

enum session_state {
	SESSION_NEW,       /* incoming, 100 sent */
	SESSION_CALLING,   /* outgoing, nothing heard */
	SESSION_EARLY,     /* a provisional answer was sent or came */
	SESSION_ACCEPTED,  /* 200 sent, ACK awaited */
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
	bool wanted;  /* waits for a provisional answer */
	bool sent;
	struct buf via; /* of the INVITE, a whole line */
	enum sip_transp tp;
	struct sa dst;
	uint32_t interval_ms;
	struct tmr again, give_up;
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
	char peer[64];
	struct sa source;
	struct buf offer;
	char *contact_user;

	/* Incoming. */
	struct sip_strans *transaction;
	struct sip_msg *invite;
	struct session_ok ok;
	bool bye_after_ack;

	/* Outgoing. */
	struct sip_request *request;
	struct buf headers;       /* the owner's lines */
	struct buf authorization; /* line for INVITE and its ACK */
	char *auth_user, *auth_password;
	unsigned challenges;
	uint32_t invite_seq;
	bool provisional;
	struct session_cancel cancel;

	/* Both. */
	struct sip_request *bye;
	unsigned bye_challenges;
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
/* Lines for a 2xx or 18x: Contact, Allow, Supported. */
void session_write_own(struct buf *lines, const struct sip_session *s,
		       const struct sip_msg *msg);

/* -- session_in.c ---------------------------------------------------------- */

void session_in_request(struct sip_stack *stack, const struct sip_msg *msg);
/* 200 with a body, kept until ACK. transaction: NULL or the INVITE's. */
int session_ok_send(struct sip_session *s, struct sip_strans **transaction,
		    const struct sip_msg *msg, struct bytes sdp, bool offer);
void session_ok_stop(struct sip_session *s);
int session_in_reject(struct sip_session *s, int code, const char *reason,
		      struct bytes lines);

/* -- session_out.c --------------------------------------------------------- */

void session_out_cancel(struct sip_session *s);
void session_out_stop(struct sip_session *s);
void session_out_stray(struct sip_session *s, const struct sip_msg *msg);
/* -- session_mid.c --------------------------------------------------------- */

void session_mid_request(struct sip_session *s, const struct sip_msg *msg);
void session_bye(struct sip_session *s);

#endif

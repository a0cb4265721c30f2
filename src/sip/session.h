/* One INVITE session, either direction (RFC 3261 13-15, 3262 later, 3264).
 *
 * Created by the stack for an incoming INVITE or by sip_session_invite().
 * Reference counted with libre's mem_ref/mem_deref; on the stack's loop. The
 * stack holds its own reference until the dialog is over; sip_session_invite()
 * gives the caller one more, the `incoming` handler none: an owner that keeps
 * the pointer takes mem_ref() there. A deref never ends a call:
 * sip_session_end() does.
 * Handlers run last and may deref the session. After `closed` none runs; it
 * runs exactly once, for a local end too, then from the loop and not inside
 * sip_session_reject() or sip_session_end().
 *
 *   incoming: NEW -(progress)-> EARLY -(answer)-> ACCEPTED -(ACK)-> CONFIRMED
 *   outgoing: CALLING -(1xx)-> EARLY -(2xx, ACK)-> CONFIRMED
 *   any -> TERMINATED
 */
#ifndef SIP_SESSION_H
#define SIP_SESSION_H

#include "sip/stack.h"

enum sip_end {
	SIP_END_LOCAL,    /* our reject, cancel or bye */
	SIP_END_REMOTE,   /* BYE or CANCEL of the peer */
	SIP_END_REJECTED, /* final answer >= 300 to our INVITE */
	SIP_END_TIMEOUT,  /* no answer, no ACK, transport error */
};

struct sip_session_handlers {
	/* Outgoing: 1xx. sdp may be empty. */
	void (*progress)(int code, const char *reason, struct bytes sdp,
			 void *arg);
	/* Outgoing: 2xx with the SDP answer; ACK is sent by the session. */
	void (*answered)(struct bytes sdp, void *arg);
	/* Incoming: ACK arrived (with the SDP of a delayed offer, if any). */
	void (*confirmed)(struct bytes sdp, void *arg);
	/* A re-INVITE or UPDATE offer: fill answer (owned by the caller) and
	 * return 0, or a SIP code to refuse with. Empty sdp: the peer wants
	 * our offer in `answer`; its answer comes by `confirmed`. */
	int (*offer)(struct bytes sdp, struct buf *answer, void *arg);
	/* INFO with application/dtmf-relay or application/dtmf. */
	void (*dtmf)(char digit, unsigned duration_ms, void *arg);
	/* The end; code and reason as sent or received (487 for CANCEL, 200
	 * after BYE). */
	void (*closed)(enum sip_end how, int code, const char *reason,
		       void *arg);
};

/* What an INVITE said. Strings live as long as the session. */
struct sip_session_info {
	const char *call_id;
	const char *request_user; /* Request-URI user, percent-decoded */
	const char *from_user, *from_name;
	const char *to_user;
	const char *user_agent;
	const char *peer; /* who was told by its origin, or "" */
	struct sa source;
	struct bytes sdp; /* offer; empty for a delayed offer */
};

struct sip_header {
	const char *name;
	const char *value;
};

void sip_session_info(const struct sip_session *s, struct sip_session_info *i);
void sip_session_handlers(struct sip_session *s,
			  const struct sip_session_handlers *h, void *arg);

/* -- incoming ------------------------------------------------------------- */
/* 101..199; sdp may be empty. -EINVAL in any state but NEW and EARLY. */
int sip_session_progress(struct sip_session *s, int code, const char *reason,
			 struct bytes sdp);
/* 200 with the answer, or with our offer when info.sdp is empty: then the
 * peer's answer comes by `confirmed`. */
int sip_session_answer(struct sip_session *s, struct bytes sdp);
/* 300..699. An empty or NULL reason stands for the code's usual one. */
int sip_session_reject(struct sip_session *s, int code, const char *reason,
		       const struct sip_header *headers, size_t headers_n);

/* -- outgoing ------------------------------------------------------------- */
struct sip_invite_conf {
	const char *uri;       /* Request-URI, e.g. a binding's contact */
	const char *route;     /* next hop: a binding's path or a SIP URI;
				* NULL: from the URI */
	const char *tls_name;  /* of the peer's certificate; NULL: any */
	bool tls_verify;
	const char *to_uri;    /* NULL: uri */
	const char *from_user, *from_name; /* UTF-8, escaped by us */
	const char *from_host; /* NULL: our address */
	const char *auth_user, *auth_password; /* for 401/407; NULL: none */
	const struct sip_header *headers;
	size_t headers_n;
	struct bytes sdp; /* offer */
};
int sip_session_invite(struct sip_session **sp, struct sip_stack *stack,
		       const struct sip_invite_conf *conf,
		       const struct sip_session_handlers *h, void *arg);

/* -- both ------------------------------------------------------------------ */
/* CANCEL, BYE or final error, whatever fits the state. reason_header: text for
 * a Reason header ("SIP;cause=200;text=\"...\""), or NULL. */
void sip_session_end(struct sip_session *s, int code, const char *reason,
		     const char *reason_header);

/* A dialog as it can be kept on disk, to say BYE after a crash. JSON text. */
int sip_session_keep(const struct sip_session *s, struct buf *json);
int sip_stack_bye_kept(struct sip_stack *stack, const char *json);

#endif

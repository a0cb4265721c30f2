/* One INVITE session, either direction (RFC 3261 13-15, 3262, 3264, 3311,
 * 4028).
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

#include "sip/refer.h"
#include "sip/servers.h"
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
	 * return 0, or a SIP code to refuse with; of 488 `answer` may then
	 * hold whole header lines. Empty sdp: the peer wants our offer in
	 * `answer`; its answer comes by `confirmed`. */
	int (*offer)(struct bytes sdp, struct buf *answer, void *arg);
	/* INFO with application/dtmf-relay or application/dtmf. */
	void (*dtmf)(char digit, unsigned duration_ms, void *arg);
	/* The peer's answer to an offer of ours other than in the INVITE or
	 * its 2xx: in PRACK, or to a re-INVITE that refreshes. */
	void (*changed)(struct bytes sdp, void *arg);
	/* REFER: 0, a call to the target has begun, whose course is told with
	 * sip_session_refer_told(), from the loop; or a code to refuse with.
	 * NULL: 405. */
	int (*refer)(const struct sip_refer *r, void *arg);
	/* The end; code and reason as sent or received (487 for CANCEL, 200
	 * after BYE). */
	void (*closed)(enum sip_end how, int code, const char *reason,
		       void *arg);
	/* The final answer to a digit of ours; 0: none came. */
	void (*dtmf_sent)(int code, void *arg);
};

/* RFC 3262. What the peer requires is done whatever this says. */
enum sip_rel100 {
	SIP_REL100_SUPPORTED, /* announced */
	SIP_REL100_OFF,       /* not announced */
	SIP_REL100_REQUIRED,  /* required of the peer, and done by us */
};

/* What is agreed with a peer before a call. */
struct sip_session_terms {
	unsigned timer_s; /* RFC 4028: refreshed within; 0: if he asks */
	enum sip_rel100 rel100;
};

/* What an INVITE said. Strings live as long as the session. */
struct sip_session_info {
	const char *call_id;
	const char *request_user; /* Request-URI user, percent-decoded */
	const char *from_user, *from_name;
	const char *to_user;
	const char *user_agent;
	const char *asserted_user, *asserted_name;   /* RFC 3325 */
	const char *diverted_user, *diverted_reason; /* RFC 5806, 7044 */
	bool private;     /* RFC 3323: the caller wants not to be shown */
	const char *peer; /* who was told by its origin, or "" */
	/* RFC 3891: the one it is to take the place of, for the `incoming`
	 * handler; NULL: none. */
	struct sip_session *replaces;
	struct sa source;
	struct bytes sdp; /* offer; empty for a delayed offer */
	unsigned repeats; /* of our INVITE, or our 200, for want of an answer */
};

struct sip_header {
	const char *name;
	const char *value;
};

void sip_session_info(const struct sip_session *s, struct sip_session_info *i);
void sip_session_handlers(struct sip_session *s,
			  const struct sip_session_handlers *h, void *arg);

/* -- incoming ------------------------------------------------------------- */
/* Before the first answer. -ENOTSUP: they demand what this peer cannot do;
 * then reject it with 421 and "Require: 100rel". */
int sip_session_agree(struct sip_session *s,
		      const struct sip_session_terms *terms);
/* Provisional answers are acknowledged: the first one must carry our offer
 * when info.sdp is empty (RFC 3261 13.2.1), whose answer comes by `changed`;
 * then there is none in the 200. */
bool sip_session_is_reliable(const struct sip_session *s);
/* 101..199; sdp may be empty. -EINVAL in any state but NEW and EARLY, -EBUSY
 * while another one is not acknowledged. */
int sip_session_progress(struct sip_session *s, int code, const char *reason,
			 struct bytes sdp);
/* 200 with the answer, or with our offer when info.sdp is empty: then the
 * peer's answer comes by `confirmed`. */
int sip_session_answer(struct sip_session *s, struct bytes sdp);
/* The event of the 487 that answers a CANCEL (behaviour 8.3). */
void sip_session_event(struct sip_session *s, const char *event);
/* 300..699. An empty or NULL reason stands for the code's usual one. */
int sip_session_reject(struct sip_session *s, int code, const char *reason,
		       const struct sip_header *headers, size_t headers_n);
/* The same before it is anybody's call, so that no record tells of it: logged
 * with an event id, which the answer carries, and remembered of its source.
 * more: a header, or NULL. */
int sip_session_refuse(struct sip_session *s, int code, const char *reason,
		       const struct sip_header *more);

/* -- outgoing ------------------------------------------------------------- */
struct sip_invite_conf {
	const char *uri;   /* Request-URI, e.g. a binding's contact */
	const char *route; /* next hop: a binding's path or a SIP URI;
			       * NULL: from the URI */
	/* Where it goes, one after the other, when the host is a name that was
	 * looked up; NULL or none: where route or the URI says. */
	const struct sip_servers *servers;
	const char *servers_transport; /* static */
	const char *tls_name; /* of the peer's certificate; NULL: any */
	bool tls_verify;
	const char *to_uri;                /* NULL: uri */
	const char *from_user, *from_name; /* UTF-8, escaped by us */
	const char *from_host;             /* NULL: our address */
	bool anonymous;                    /* RFC 3323: From says nothing */
	bool assert_identity; /* RFC 3325: P-Asserted-Identity does */
	const char *auth_user, *auth_password; /* for 401/407; NULL: none */
	const struct sip_header *headers;
	size_t headers_n;
	struct bytes sdp; /* offer; empty: the peer makes it (`offer`) */
	struct sip_session_terms terms;
};
int sip_session_invite(struct sip_session **sp, struct sip_stack *stack,
		       const struct sip_invite_conf *conf,
		       const struct sip_session_handlers *h, void *arg);

/* -- both ------------------------------------------------------------------ */
/* CANCEL, BYE or final error, whatever fits the state. reason_header: text for
 * a Reason header ("SIP;cause=200;text=\"...\""), or NULL. */
void sip_session_end(struct sip_session *s, int code, const char *reason,
		     const char *reason_header);

/* How the call goes that the peer's REFER began: 1xx, or its end. */
void sip_session_refer_told(struct sip_session *s, int code,
			    const char *reason);
/* The arg of its handlers; NULL when it has none any more. */
void *sip_session_arg(const struct sip_session *s);
/* A digit by INFO, application/dtmf-relay; `dtmf_sent` brings the answer.
 * -ENOTSUP: the peer does not allow INFO; -ENOTCONN: not confirmed. */
int sip_session_dtmf(struct sip_session *s, char digit, unsigned duration_ms);

/* A dialog as it can be kept on disk, to say BYE after a crash. JSON text. */
int sip_session_keep(const struct sip_session *s, struct buf *json);
int sip_stack_bye_kept(struct sip_stack *stack, const char *json);

#endif

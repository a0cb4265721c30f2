/* The SIP stack: transports, sanity, digest, registrar (RFC 3261).
 *
 * One per Worker, on its control loop; all functions and handlers run there.
 * Requests pass in this order: sanity (RFC 4475 verdicts), digest, method.
 * Who exists and may do what is asked of the owner through handlers, which may
 * answer later (the Manager decides).
 */
#ifndef SIP_STACK_H
#define SIP_STACK_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/re.h"
#include "sip/bans.h"
#include "sip/refused.h"

#define GUARD_AGENTS 16
#define GUARD_AGENT_MAX 48

struct sip_stack;
struct sip_session; /* session.h */
struct sip_tls;     /* tls.h */

/* A user as the digest check needs it. */
struct sip_credentials {
	bool known;         /* false: "404 Route not found" */
	bool untrusted;     /* by its address: "403 Untrusted IP address",
			     * said only to one who knows the password */
	char password[128]; /* wiped after use */
	void *owner;        /* given back with the request */
};

/* One contact of an address of record. */
struct sip_binding {
	char aor[128];     /* user part of the address of record */
	char contact[512]; /* URI to send requests to */
	char path[128];    /* "udp:192.0.2.5:5060": the way back to where
			    * the REGISTER came from */
	char user_agent[128];
	usec_t expires_at; /* monotonic */
	struct sa source;
};

/* The verdict of the owner on a request: code 0 or 200 = go on. */
struct sip_verdict {
	int code;
	char reason[129];
	unsigned expires_s; /* REGISTER: granted */
	unsigned bindings;  /* REGISTER: contacts of this user; 0: one, so
			     * that the newest wins (behaviour Q-25) */
};

/* An INVITE without credentials, for an owner that knows peers by where they
 * send from. Valid inside the handler. */
struct sip_origin {
	struct sa source;
	char user[256]; /* of the Request-URI, percent-decoded */
	char line[64];  /* its parameter "line": a contact of ours; or "" */
	const struct sip_msg *msg;
};
/* Has a header of this name with just this value. */
bool sip_origin_has_header(const struct sip_origin *o, const char *name,
			   const char *value);

/* A message as it stands, in or out. Valid inside the handler. */
struct sip_trace {
	bool sent, datagram; /* datagram: UDP; else it came in a stream */
	struct sa src, dst;
	struct bytes text;
};

struct sip_stack_handlers {
	/* Every message that libre reads or writes; NULL: nobody looks. */
	void (*traced)(const struct sip_trace *t, void *arg);
	/* Before all else, on REGISTER and INVITE: may anything begin? NULL:
	 * yes. */
	void (*admit)(bool registering, struct sip_verdict *v, void *arg);
	/* Somebody we deal with sits at this address, registered or not: what
	 * could be forged does not count against it. NULL: nobody. */
	bool (*known)(const struct sa *source, void *arg);
	/* Fill creds for a digest user name. Runs for each request that needs
	 * authentication. */
	void (*credentials)(const char *user, const struct sa *source,
			    struct sip_credentials *creds, void *arg);
	/* True with the peer's name: it needs no credentials and no
	 * registration. NULL: there are none. */
	bool (*peer)(const struct sip_origin *o, char name[64], void *arg);
	/* An INVITE with a right password, before its registration is looked
	 * for. NULL: all may. */
	void (*calling)(const char *user, struct sip_verdict *v, void *arg);
	/* A REGISTER with a right password; binding.expires_at already
	 * computed, 0 = removal. Return the verdict at once. */
	void (*registering)(const struct sip_binding *b, bool removal,
			    struct sip_verdict *v, void *arg);
	/* An address was banned; NULL: nobody needs to know. */
	void (*banned)(const struct sip_ban *ban, void *arg);
	/* A binding ended (removed, replaced or expired). */
	void (*unregistered)(const struct sip_binding *b, void *arg);
	/* An INVITE passed all checks; session.h. `user`: digest user, NULL
	 * for a peer known by its origin (sip_session_info). The owner must
	 * answer it with sip_session_* now or later. */
	void (*incoming)(struct sip_session *s, const char *user, void *arg);
};

struct sip_stack_conf {
	struct sa listen[8]; /* UDP and TCP on each */
	size_t listen_n;
	bool tcp;
	struct sip_tls *tls;     /* borrowed for life; NULL: no TLS */
	struct sa tls_listen[8]; /* TLS on each */
	size_t tls_listen_n;
	struct sa ws_listen[8], wss_listen[8]; /* WebSocket; over TLS */
	size_t ws_listen_n, wss_listen_n;
	struct sa dns[4]; /* name servers; none: the system's */
	size_t dns_n;
	const char *realm;          /* "gramline" */
	const char *user_agent;     /* "Gramline/0.1.0" */
	const char *public_address; /* for Contact and SDP; NULL: own address */
	unsigned expires_min_s, expires_max_s,
		expires_default_s;       /* 60 3600 300 */
	const struct network *never_ban; /* copied; loopback is not meant by
					  * itself */
	size_t never_ban_n;
	unsigned rate_limit; /* requests a second of an address, of those not
			      * on never_ban; ten times as many of one with a
			      * registration or a call; 0: any */
	/* Parts of User-Agents that are dropped, besides those of known
	 * scanners. Copied. */
	char drop_agents[GUARD_AGENTS][GUARD_AGENT_MAX];
	size_t drop_agents_n;
	struct sip_stack_handlers handlers;
	void *arg;
};

/* Errors: -EADDRINUSE and other errno of bind, -ENOMEM. */
int sip_stack_new(struct sip_stack **sp, const struct sip_stack_conf *conf);
/* Ends what still runs (BYE, CANCEL, 503), then closes. */
void sip_stack_free(struct sip_stack **sp);
/* The local address towards dst, for SDP. */
int sip_stack_local(const struct sip_stack *s, const struct sa *dst,
		    struct sa *local);
/* Live bindings of an address of record, newest first. */
size_t sip_stack_bindings(const struct sip_stack *s, const char *aor,
			  const struct sip_binding **list, size_t max);
/* Ends all of them, as if their phones had. */
void sip_stack_unbind(struct sip_stack *s, const char *aor);
/* Bans that come from elsewhere, and their end (bans.h). Nothing is told. */
int sip_stack_ban(struct sip_stack *s, const struct sip_ban *ban);
int sip_stack_ban_lift(struct sip_stack *s, const struct sa *source);
void sip_stack_bans(const struct sip_stack *s,
		    void (*each)(const struct sip_ban *ban, void *arg),
		    void *arg);
bool sip_stack_is_banned(const struct sip_stack *s, const struct sa *source);
/* Who was refused lately (refused.h). */
void sip_stack_refused(const struct sip_stack *s,
		       void (*each)(const struct refused *r, void *arg),
		       void *arg);
/* An INVITE as somebody describes it: who would it be from (explain.c)? */
struct sip_question {
	struct sa source;
	const char *user;  /* of the Request-URI */
	const char *line;  /* its parameter; NULL: none */
	const char *login; /* of credentials, taken as right; NULL: none */
	const char *header_name, *header_value; /* one more; NULL: none */
};
struct sip_explanation {
	struct sip_verdict verdict; /* code 0: it passes */
	char user[128];             /* the login, or */
	char peer[64];              /* the peer it is known as */
};
/* The checks of a real one, without an effect. -EINVAL: no INVITE can be like
 * that. */
int sip_stack_explain(struct sip_explanation *e, struct sip_stack *s,
		      const struct sip_question *q);
/* Reason-Phrase made safe: control characters stripped, cut at 128 bytes
 * (behaviour 8.3). */
void sip_reason_clean(char dst[129], const char *text);

#endif

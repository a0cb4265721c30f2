/* For tests of sessions: one side that writes down what its handlers were told,
 * and a peer that registers, calls and is called. */
#ifndef SESSION_FIXTURE_TEST_H
#define SESSION_FIXTURE_TEST_H

#include <errno.h>

#include "base/log.h"
#include "sip/peer_test.h"
#include "sip/session_priv.h"
#include "tests/check.h"

#define OFFER                                                                  \
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"                           \
	"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
#define ANSWER                                                                 \
	"v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\n"                           \
	"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n"
#define CONTACT "Contact: <sip:peer@127.0.0.1:9>\r\n"
#define SDP_TYPE "Content-Type: application/sdp\r\n"

/* What happened to a session, in order: "180 Ringing;answered;". */
struct side {
	struct sip_stack *stack;
	struct sip_session *session;
	char log[512];
	char sdp[512];
	char user[64];
	const char *wanted;
	const char *answer; /* of the offer handler */
	const char *lines;  /* of the peer's INVITE */
	struct sip_session_terms terms;
	int agreed; /* what sip_session_agree() returned */
	int offer_code;
	bool end_in_offer;
	bool no_offer; /* in our INVITE */
	enum sip_end how;
	int code;
};

static inline void note(struct side *o, const char *what)
{
	size_t n = strlen(o->log);

	snprintf(o->log + n, sizeof(o->log) - n, "%s;", what);
}

static inline void keep_sdp(struct side *o, struct bytes sdp)
{
	snprintf(o->sdp, sizeof(o->sdp), "%.*s", (int)sdp.n,
		 sdp.n ? (const char *)sdp.p : "");
}

static inline void on_progress(int code, const char *reason, struct bytes sdp,
			       void *arg)
{
	char text[160];

	snprintf(text, sizeof(text), "%d %s", code, reason);
	note(arg, text);
	keep_sdp(arg, sdp);
}

static inline void on_answered(struct bytes sdp, void *arg)
{
	note(arg, "answered");
	keep_sdp(arg, sdp);
}

static inline void on_confirmed(struct bytes sdp, void *arg)
{
	note(arg, "confirmed");
	keep_sdp(arg, sdp);
}

static inline void on_changed(struct bytes sdp, void *arg)
{
	note(arg, "changed");
	keep_sdp(arg, sdp);
}

static inline int on_offer(struct bytes sdp, struct buf *answer, void *arg)
{
	struct side *o = arg;

	note(o, sdp.n ? "offer" : "wanted");
	keep_sdp(o, sdp);
	if (o->end_in_offer)
		sip_session_end(o->session, 200, "OK", NULL);
	if (o->answer)
		buf_str(answer, o->answer);
	return o->offer_code;
}

static inline void on_dtmf(char digit, unsigned duration_ms, void *arg)
{
	char text[32];

	snprintf(text, sizeof(text), "dtmf %c %u", digit, duration_ms);
	note(arg, text);
}

static inline void on_closed(enum sip_end how, int code, const char *reason,
			     void *arg)
{
	static const char *const names[] = {"local", "remote", "rejected",
					    "timeout"};
	struct side *o = arg;
	char text[200];

	snprintf(text, sizeof(text), "%s %d %s", names[how], code, reason);
	note(o, text);
	o->session = mem_deref(o->session);
}

static inline void on_dtmf_sent(int code, void *arg)
{
	char text[32];

	snprintf(text, sizeof(text), "sent %d", code);
	note(arg, text);
}

static const struct sip_session_handlers side_handlers = {
	.progress = on_progress,
	.answered = on_answered,
	.confirmed = on_confirmed,
	.offer = on_offer,
	.dtmf = on_dtmf,
	.dtmf_sent = on_dtmf_sent,
	.changed = on_changed,
	.closed = on_closed,
};

static inline void on_incoming(struct sip_session *s, const char *user,
			       void *arg)
{
	struct side *o = arg;

	snprintf(o->user, sizeof(o->user), "%s", user);
	o->session = mem_ref(s);
	sip_session_handlers(s, &side_handlers, o);
	o->agreed = sip_session_agree(s, &o->terms);
	note(o, "incoming");
}

static inline void on_credentials(const char *user, const struct sa *source,
				  struct sip_credentials *c, void *arg)
{
	c->known = strcmp(user, "alice") == 0;
	snprintf(c->password, sizeof(c->password), "secret");
}

static inline bool side_start(struct side *o)
{
	struct sip_stack_conf conf = {
		.listen_n = 1,
		.realm = "gramline",
		.handlers = {.credentials = on_credentials,
			     .incoming = on_incoming},
		.arg = o,
	};

	*o = (struct side){0};
	(void)sa_set_str(&conf.listen[0], "127.0.0.1", 0);
	if (sip_stack_new(&o->stack, &conf))
		return false;
	o->stack->t1_ms = 40;
	return true;
}

static inline bool log_has(void *arg)
{
	struct side *o = arg;

	return strstr(o->log, o->wanted) != NULL;
}

static inline bool side_wait(struct side *o, const char *text)
{
	o->wanted = text;
	return loop_until(log_has, o);
}

static inline bool no_sessions(void *arg)
{
	struct side *o = arg;

	return !o->stack->sessions.head;
}

static inline bool none_kept(void *arg)
{
	struct side *o = arg;

	return !o->stack->kept.head;
}

static inline bool side_idle(struct side *o)
{
	return loop_until(no_sessions, o);
}

static inline bool peer_start(struct side *o, struct peer *p)
{
	return side_start(o) && peer_open(p, o->stack) &&
	       peer_register(p, "alice", "secret", "reg",
			     "Contact: <sip:alice@127.0.0.1:9>\r\n");
}

/* INVITE with its challenge. */
static inline bool peer_invite_sent(struct side *o, struct peer *p,
				    const char *call, const char *body)
{
	char lines[512];
	struct peer_request r = {.method = "INVITE",
				 .call = call,
				 .seq = 1,
				 .lines = lines,
				 .body = body};
	const char *a;

	snprintf(lines, sizeof(lines), "%s%s", body ? SDP_TYPE : "",
		 o->lines ? o->lines : "");
	p->authorization[0] = '\0';
	peer_request(p, &r);
	a = peer_wait(p, "401 Unauthorized");
	if (!a || !peer_authorize(p, a, "INVITE", "alice", "secret", 1))
		return false;
	r.seq = 2;
	r.branch = call;
	peer_request(p, &r);
	p->authorization[0] = '\0';
	return true;
}

/* The session is in o. */
static inline bool peer_invite(struct side *o, struct peer *p, const char *call,
			       const char *body)
{
	return peer_invite_sent(o, p, call, body) &&
	       peer_wait(p, "100 Trying") && side_wait(o, "incoming");
}

static inline bool to_tag_of(const char *message, char tag[64])
{
	char to[256];
	const char *at;

	if (!peer_header(message, "To: ", to, sizeof(to)))
		return false;
	at = strstr(to, ";tag=");
	if (!at)
		return false;
	snprintf(tag, 64, "%s", at + 5);
	return true;
}

/* tag NULL: none. */
static inline void peer_ack(struct peer *p, const char *call, unsigned seq,
			    const char *tag, const char *body)
{
	const struct peer_request r = {.method = "ACK",
				       .call = call,
				       .seq = seq,
				       .to_tag = tag,
				       .lines = body ? SDP_TYPE : "",
				       .body = body};

	peer_request(p, &r);
}

/* Through to our 200, which awaits its ACK; tag is ours. */
static inline const char *peer_answered(struct side *o, struct peer *p,
					const char *call, char tag[64])
{
	const char *a;

	if (!peer_invite(o, p, call, OFFER) ||
	    sip_session_answer(o->session, bytes_str(ANSWER)))
		return NULL;
	a = peer_wait(p, "SIP/2.0 200 OK");
	return a && to_tag_of(a, tag) ? a : NULL;
}

/* Through to an established incoming call; the 200. */
static inline const char *peer_call(struct side *o, struct peer *p,
				    const char *call, char tag[64])
{
	const char *a = peer_answered(o, p, call, tag);

	if (!a)
		return NULL;
	peer_ack(p, call, 2, tag, NULL);
	return side_wait(o, "confirmed;") ? a : NULL;
}

/* A call of ours to the peer; *request is its INVITE. */
static inline bool call_peer(struct side *o, struct peer *p,
			     const char **request)
{
	char uri[128], route[128];
	struct sip_invite_conf conf = {
		.uri = uri,
		.route = route,
		.from_user = "999123",
		.from_name = "Zo\xc3\xab \"Z\"\r\nX: y",
		.auth_user = "gw",
		.auth_password = "pw",
		.sdp = bytes_str(o->no_offer ? "" : OFFER),
		.terms = o->terms,
	};
	const struct sip_header extra[] = {
		{"X-TG-ID", "42"},
		{"X-TG-FirstName", "Zo\xc3\xab\r\nInjected: yes"},
		{"Bad Name", "x"},
	};

	/* The contact is a private address: only the path leads there. */
	snprintf(uri, sizeof(uri), "sip:bob@10.255.255.1:5999");
	snprintf(route, sizeof(route), "udp:%s", p->here);
	conf.headers = extra;
	conf.headers_n = ARRAY_SIZE(extra);
	if (sip_session_invite(&o->session, o->stack, &conf, &side_handlers, o))
		return false;
	*request = peer_wait(p, "INVITE sip:bob@10.255.255.1:5999 SIP/2.0");
	return *request != NULL;
}

/* The first such call of a test. */
static inline bool call_started(struct side *o, struct peer *p,
				const char **request)
{
	return side_start(o) && peer_open(p, o->stack) &&
	       call_peer(o, p, request);
}

/* Through to an established call of ours. */
static inline bool call_answered(struct side *o, struct peer *p,
				 const char *lines)
{
	char all[512];
	const char *invite;

	if (!call_peer(o, p, &invite))
		return false;
	snprintf(all, sizeof(all), CONTACT SDP_TYPE "%s", lines);
	peer_answer(p, invite, "200 OK", "t", all, ANSWER);
	return side_wait(o, "answered;") && peer_wait(p, "ACK sip:peer");
}

static inline void side_finish(struct side *o, struct peer *p)
{
	peer_close(p);
	sip_stack_free(&o->stack);
}

#endif

/* For tests: a SIP peer that says what the test tells it, byte for byte, over
 * a loopback socket. */
#ifndef SIP_PEER_TEST_H
#define SIP_PEER_TEST_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/re.h"
#include "sip/digest.h"
#include "sip/session.h"
#include "sip/stack_priv.h"
#include "tests/loop.h"

#define PEER_MESSAGES 128

static inline bool loop_elapsed(void *arg)
{
	return clock_now() >= *(usec_t *)arg;
}

/* For claims that something does not happen. */
static inline void loop_run_ms(unsigned ms)
{
	usec_t until = clock_now() + ms * USEC_MS;

	(void)loop_until(loop_elapsed, &until);
}

struct peer {
	struct udp_sock *socket;
	struct sa self, target;
	char *messages[PEER_MESSAGES];
	size_t n, seen; /* what peer_wait() has passed */
	const char *wanted;
	char here[64], there[64];
	unsigned branch;
	char authorization[1024]; /* line for the next request */
};

static inline void peer_received(const struct sa *src, struct mbuf *mb,
				 void *arg)
{
	struct peer *p = arg;

	if (p->n < PEER_MESSAGES)
		p->messages[p->n++] =
			strndup((char *)mbuf_buf(mb), mbuf_get_left(mb));
}

static inline bool peer_open(struct peer *p, const struct sip_stack *s)
{
	struct sa any;

	*p = (struct peer){0};
	(void)sa_set_str(&any, "127.0.0.1", 0);
	if (udp_listen(&p->socket, &any, peer_received, p) ||
	    udp_local_get(p->socket, &p->self) ||
	    transport_local(s, &p->self, &p->target))
		return false;
	(void)re_snprintf(p->here, sizeof(p->here), "%J", &p->self);
	(void)re_snprintf(p->there, sizeof(p->there), "%J", &p->target);
	return true;
}

static inline void peer_close(struct peer *p)
{
	p->socket = mem_deref(p->socket);
	for (size_t i = 0; i < p->n; i++)
		free(p->messages[i]);
	p->n = 0;
}

static inline void peer_send_text(struct peer *p, const char *text, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n + 1);

	(void)mbuf_write_mem(mb, (const uint8_t *)text, n);
	mb->pos = 0;
	(void)udp_send(p->socket, &p->target, mb);
	mem_deref(mb);
}

static inline bool peer_has(void *arg)
{
	struct peer *p = arg;

	for (; p->seen < p->n; p->seen++)
		if (strstr(p->messages[p->seen], p->wanted))
			return true;
	return false;
}

/* The next message that contains the text; earlier ones are passed over. */
static inline const char *peer_wait(struct peer *p, const char *text)
{
	p->wanted = text;
	return loop_until(peer_has, p) ? p->messages[p->seen++] : NULL;
}

/* How many messages so far contain the text. */
static inline size_t peer_count(const struct peer *p, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += strstr(p->messages[i], text) != NULL;
	return n;
}

/* The value of a header in a message, up to its line end. */
static inline bool peer_header(const char *message, const char *name, char *dst,
			       size_t size)
{
	const char *p = message ? strstr(message, name) : NULL;
	size_t n;

	if (!p)
		return false;
	p += strlen(name);
	n = strcspn(p, "\r\n");
	if (n >= size)
		return false;
	memcpy(dst, p, n);
	dst[n] = '\0';
	return true;
}

struct peer_request {
	const char *method;
	const char *uri;    /* NULL: user@stack */
	const char *call;   /* Call-ID */
	const char *to_tag; /* NULL: none */
	unsigned seq;
	const char *branch; /* NULL: a new one */
	const char *lines;
	const char *body;
	const char *user; /* of From and To; NULL: alice */
};

static inline void peer_request(struct peer *p, const struct peer_request *r)
{
	const char *user = r->user ? r->user : "alice";
	struct buf text;

	buf_init(&text);
	if (r->uri)
		buf_printf(&text, "%s %s SIP/2.0\r\n", r->method, r->uri);
	else
		buf_printf(&text, "%s sip:bob@%s SIP/2.0\r\n", r->method,
			   p->there);
	buf_printf(&text, "Via: SIP/2.0/UDP %s;branch=z9hG4bK", p->here);
	if (r->branch)
		buf_str(&text, r->branch);
	else
		buf_printf(&text, "%s%u", r->call, ++p->branch);
	buf_printf(&text,
		   ";rport\r\nMax-Forwards: 70\r\n"
		   "From: <sip:%s@%s>;tag=f1\r\nTo: <sip:%s@%s>%s%s\r\n"
		   "Call-ID: %s\r\nCSeq: %u %s\r\n",
		   user, p->there,
		   strcmp(r->method, "REGISTER") == 0 ? user : "bob", p->there,
		   r->to_tag ? ";tag=" : "", r->to_tag ? r->to_tag : "",
		   r->call, r->seq, r->method);
	if (strcmp(r->method, "INVITE") == 0)
		buf_printf(&text, "Contact: <sip:peer@%s>\r\n", p->here);
	buf_printf(&text, "%s%s", p->authorization, r->lines ? r->lines : "");
	buf_printf(&text, "Content-Length: %zu\r\n\r\n%s",
		   r->body ? strlen(r->body) : 0, r->body ? r->body : "");
	peer_send_text(p, (char *)text.p, text.n);
	buf_clear(&text);
}

/* Answers a request of the stack: the headers it needs are copied. */
static inline void peer_answer(struct peer *p, const char *request,
			       const char *status, const char *to_tag,
			       const char *lines, const char *body)
{
	static const char *const names[] = {
		"Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "};
	char value[512];
	struct buf text;

	buf_init(&text);
	buf_printf(&text, "SIP/2.0 %s\r\n", status);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!peer_header(request, names[i], value, sizeof(value)))
			continue;
		buf_printf(&text, "%s%s", names[i], value);
		if (i == 2 && to_tag && !strstr(value, ";tag="))
			buf_printf(&text, ";tag=%s", to_tag);
		buf_str(&text, "\r\n");
	}
	buf_printf(&text, "%sContent-Length: %zu\r\n\r\n%s", lines ? lines : "",
		   body ? strlen(body) : 0, body ? body : "");
	peer_send_text(p, (char *)text.p, text.n);
	buf_clear(&text);
}

/* Makes p->authorization from a 401. */
static inline bool peer_authorize(struct peer *p, const char *message,
				  const char *method, const char *user,
				  const char *password, unsigned count)
{
	struct digest_fields f;
	char value[512];
	struct buf line;

	p->authorization[0] = '\0';
	if (!peer_header(message, "WWW-Authenticate: ", value, sizeof(value)) ||
	    digest_read(&f, bytes_str(value)))
		return false;
	buf_init(&line);
	buf_str(&line, "Authorization: ");
	if (!digest_answer(&line, &f, method, "sip:x", user, password, count))
		snprintf(p->authorization, sizeof(p->authorization), "%s\r\n",
			 buf_cstr(&line));
	buf_clear(&line);
	return *p->authorization;
}

/* REGISTER with its challenge; the final answer. */
static inline const char *peer_register(struct peer *p, const char *user,
					const char *password, const char *call,
					const char *lines)
{
	const struct peer_request r = {.method = "REGISTER",
				       .call = call,
				       .seq = 1,
				       .lines = lines,
				       .user = user};
	struct peer_request again = r;
	const char *answer;

	p->authorization[0] = '\0';
	peer_request(p, &r);
	answer = peer_wait(p, "SIP/2.0 401 Unauthorized");
	if (!answer ||
	    !peer_authorize(p, answer, "REGISTER", user, password, 1))
		return NULL;
	again.seq = 2;
	peer_request(p, &again);
	p->authorization[0] = '\0';
	return peer_wait(p, "CSeq: 2 REGISTER");
}

#endif

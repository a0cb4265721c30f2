/* Sockets. libre opens and reads them; a helper under it on each UDP socket
 * lets the sanity layer see every datagram before libre's decoder does. libre
 * shows its sockets only with a message, so the stack sends itself one. */
#include "sip/stack_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "sip/address.h"
#include "sip/websocket_server.h"

/* One datagram, whole: the sanity layer answers what is too large. */
#define DATAGRAM_MAX 65536

static void refuse(struct transport_udp *u, const struct head *h,
		   const struct sanity *v, const struct sa *source)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct buf text;

	buf_init(&text);
	if (mb &&
	    !sanity_answer(&text, h, v, source, u->stack->software,
			   random_u64()) &&
	    !mbuf_write_mem(mb, text.p, text.n)) {
		mb->pos = 0;
		(void)udp_send(u->socket, source, mb);
	}
	buf_clear(&text);
	mem_deref(mb);
}

static void text_replace(struct mbuf *mb, const struct head *h,
			 struct bytes text)
{
	size_t start = mb->pos;
	struct buf with;

	buf_init(&with);
	sanity_branch(&with, h, text);
	mb->end = mb->pos;
	(void)mbuf_write_mem(mb, with.p, with.n);
	mb->pos = start;
	buf_clear(&with);
}

static bool is_stun(struct bytes text)
{
	return text.n >= 20 && text.p[0] < 4; /* RFC 7983 */
}

static bool datagram_handler(struct sa *source, struct mbuf *mb, void *arg)
{
	struct bytes text = bytes_of(mbuf_buf(mb), mbuf_get_left(mb));
	struct transport_udp *u = arg;
	struct sip_stack *s = u->stack;
	struct sanity v;
	struct head h;

	/* Whatever passed before and was not shown to us since, libre could
	 * not decode. */
	if (s->passed != s->decoded) {
		count_bad("sip", "undecodable", "a message libre refused");
		stack_garbage(s, &s->passed_from, true);
		s->decoded = s->passed;
	}
	if (is_stun(text))
		return sip_stack_is_banned(s, source);
	if (!guard_admits(s, source, text))
		return true;
	sanity_check(&v, &h, text);
	if (guard_drops(s, &h, source, true))
		return true;
	if (v.kind)
		count_bad("sip", v.kind, v.reason ? v.reason : "dropped");
	if (sanity_is_garbage(&v))
		stack_garbage(s, source, true);
	if (v.verdict == SANITY_BRANCH)
		text_replace(mb, &h, text);
	if (v.verdict == SANITY_REFUSE)
		refuse(u, &h, &v, source);
	if (v.verdict != SANITY_PASS && v.verdict != SANITY_BRANCH)
		return true;
	s->passed++;
	s->passed_from = *source;
	return false;
}

bool transport_learn(struct sip_stack *s, const struct sip_msg *msg)
{
	struct transport_udp *u = &s->udp[s->udp_n];

	for (size_t i = 0; i < s->udp_n; i++)
		if (s->udp[i].socket == msg->sock)
			return false;
	if (s->udp_n == STACK_LISTEN_MAX)
		return true;
	u->stack = s;
	if (udp_register_helper(&u->helper, msg->sock, 0, NULL,
				datagram_handler, u))
		return true;
	u->socket = mem_ref(msg->sock);
	udp_rxsz_set(u->socket, DATAGRAM_MAX);
	s->udp_n++;
	return true;
}

static void probe_send(struct sip_stack *s, const struct sa *dst)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (mb && !mbuf_printf(mb,
			       "OPTIONS sip:%J SIP/2.0\r\n"
			       "Via: SIP/2.0/UDP %J;branch=z9hG4bK%s\r\n"
			       "Max-Forwards: 1\r\n"
			       "To: <sip:%J>\r\nFrom: <sip:%J>;tag=1\r\n"
			       "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\n"
			       "Content-Length: 0\r\n\r\n",
			       dst, dst, s->probe, dst, dst, s->probe)) {
		mb->pos = 0;
		(void)udp_send_anon(dst, mb);
	}
	mem_deref(mb);
}

static int listen_one(struct sip_stack *s, const struct sa *address,
		      enum transport_kind kind)
{
	struct sa bound = *address, local;
	int err;

	if (kind == TRANSPORT_TLS)
		return -sip_transp_add(s->sip, SIP_TRANSP_TLS, address,
				       sip_tls_context(s->tls));
	err = -sip_transp_add(s->sip, SIP_TRANSP_UDP, address);
	if (err)
		return err;
	if (!sa_port(&bound)) {
		/* Any port (tests): libre tells the one of the first socket,
		 * which is the only one there then. */
		err = -sip_transp_laddr(s->sip, &local, SIP_TRANSP_UDP, &bound);
		if (err)
			return err;
		sa_set_port(&bound, sa_port(&local));
	}
	probe_send(s, &bound);
	if (s->listen_n < STACK_LISTEN_MAX)
		s->listen[s->listen_n++] = bound;
	return kind == TRANSPORT_UDP_TCP
		       ? -sip_transp_add(s->sip, SIP_TRANSP_TCP, &bound)
		       : 0;
}

struct expansion {
	struct sip_stack *stack;
	struct sa wildcard;
	enum transport_kind kind;
	bool loopback;
	int err;
};

static bool interface_listen(const char *name, const struct sa *sa, void *arg)
{
	struct expansion *x = arg;
	struct sa address = *sa;

	if (sa_af(sa) != sa_af(&x->wildcard) || sa_is_linklocal(sa) ||
	    sa_is_loopback(sa) != x->loopback)
		return false;
	sa_set_port(&address, sa_port(&x->wildcard));
	x->err = listen_one(x->stack, &address, x->kind);
	if (!sa_port(&x->wildcard) && x->stack->listen_n &&
	    x->kind != TRANSPORT_TLS)
		sa_set_port(&x->wildcard, sa_port(&x->stack->listen[0]));
	return x->err != 0;
}

/* libre takes no wildcard address, and sends from the first socket of a
 * family: so each interface gets one, the loopback last. */
int transport_listen(struct sip_stack *s, const struct sa *address,
		     enum transport_kind kind)
{
	struct expansion x = {.stack = s, .wildcard = *address, .kind = kind};

	if (!sa_is_any(address))
		return listen_one(s, address, kind);
	(void)net_if_apply(interface_listen, &x);
	x.loopback = true;
	if (!x.err)
		(void)net_if_apply(interface_listen, &x);
	return x.err;
}

void transport_close(struct sip_stack *s)
{
	while (s->udp_n) {
		struct transport_udp *u = &s->udp[--s->udp_n];

		u->helper = mem_deref(u->helper);
		u->socket = mem_deref(u->socket);
	}
}

/* The kernel knows by which address it would send; nothing is sent. */
static int source_towards(const struct sa *dst, struct sa *local)
{
	int fd = socket(sa_af(dst), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sa own = {.len = sizeof(own.u)}, target = *dst;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (!sa_port(&target))
		sa_set_port(&target, SIP_PORT);
	if (connect(fd, &target.u.sa, target.len) ||
	    getsockname(fd, &own.u.sa, &own.len))
		err = -errno;
	(void)close(fd);
	if (!err)
		*local = own;
	return err;
}

int transport_local(const struct sip_stack *s, const struct sa *dst,
		    struct sa *local)
{
	const struct websocket_way *way =
		websocket_server_way(s->websockets, dst);
	struct sa source;
	int err;

	if (way) {
		*local = way->ours;
		return 0;
	}
	err = -sip_transp_laddr(s->sip, local, SIP_TRANSP_UDP, dst);
	if (err || source_towards(dst, &source))
		return err;
	for (size_t i = 0; i < s->listen_n; i++)
		if (sa_cmp(&s->listen[i], &source, SA_ADDR))
			*local = s->listen[i];
	return 0;
}

const char *transport_name(enum sip_transp tp)
{
	switch (tp) {
	case SIP_TRANSP_TCP:
		return "tcp";
	case SIP_TRANSP_TLS:
		return "tls";
	default:
		return "udp";
	}
}

void transport_uri(struct buf *text, enum sip_transp tp, const struct sa *sa)
{
	char where[80] = "";

	(void)re_snprintf(where, sizeof(where), "%J", sa);
	buf_printf(text, "sip:%s;transport=%s", where, transport_name(tp));
}

void transport_public(struct sa *local, const struct sip_stack *s,
		      const struct sa *peer)
{
	uint16_t port = sa_port(local);

	if (!s->public_address || sa_af(&s->public) != sa_af(local) ||
	    (address_is_private(peer) && !address_is_private(&s->public)))
		return;
	*local = s->public;
	sa_set_port(local, port);
}

void transport_contact(struct buf *text, const struct sip_stack *s,
		       const struct transport_way *way, const char *user,
		       const char *params)
{
	const struct websocket_way *ws =
		way->tp == SIP_TRANSP_TCP
			? websocket_server_way(s->websockets, way->peer)
			: NULL;
	/* RFC 7118 5.3: "ws", be it over TLS or not. */
	const char *name = ws ? "ws" : transport_name(way->tp);
	bool udp = way->tp == SIP_TRANSP_UDP;
	struct sa local = ws ? ws->ours : *way->local;
	char where[80] = "";

	transport_public(&local, s, ws ? &ws->real : way->peer);
	buf_str(text, "Contact: <sip:");
	if (user && *user) {
		address_write_user(text, user);
		buf_u8(text, '@');
	}
	(void)re_snprintf(where, sizeof(where), "%J", &local);
	buf_printf(text, "%s%s%s%s%s>\r\n", where,
		   udp ? "" : ";transport=", udp ? "" : name, params ? ";" : "",
		   params ? params : "");
}

#include "tests/fault/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/re.h"
#include "sim/stream.h"

#define LISTENERS_MAX 8
#define WALL_START (1700000000LL * 1000000)

/* One TCP connection; either end may be gone. */
struct pipe {
	struct tcp_conn *client;
	struct sim_stream *server;
	unsigned events; /* under way */
};

struct tcp_conn {
	struct pipe *pipe;
	tcp_estab_h *estab;
	tcp_recv_h *recv;
	tcp_close_h *closed;
	void *arg;
};

struct sim_stream {
	struct pipe *pipe;
	struct sim_stream_handlers h;
	void *arg;
};

struct sim_listener {
	uint16_t port;
	sim_listener_h *accepted;
	void *arg;
};

enum event_kind {
	EVENT_CONNECT,
	EVENT_TO_SERVER,
	EVENT_TO_CLIENT,
	EVENT_CLIENT_GONE,
	EVENT_SERVER_GONE,
};

struct event {
	struct event *next;
	usec_t due;
	enum event_kind kind;
	struct pipe *pipe;
	uint16_t port;
	struct buf data;
};

static struct {
	struct net_conf conf;
	usec_t now;
	uint64_t bytes_state, draw_state;
	struct event *events, **last; /* all with one latency: in order */
	struct list timers;
	struct sim_listener *listeners[LISTENERS_MAX];
	uint16_t ports;
	struct pipe *accepting;
	unsigned pipes, writes;
} net;

/* -- clock and chance ---------------------------------------------------------
 */

usec_t clock_now(void)
{
	return net.now;
}

struct wall clock_wall(void)
{
	return (struct wall){WALL_START + (int64_t)net.now};
}

char *wall_iso8601(char dst[32], struct wall t)
{
	long long ms = (t.us - WALL_START) / 1000;

	snprintf(dst, 32, "%lld.%03lld", ms / 1000, ms % 1000);
	return dst;
}

/* splitmix64 */
static uint64_t chance(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint32_t net_draw(uint32_t n)
{
	return (uint32_t)((chance(&net.draw_state) >> 32) % n);
}

void random_bytes(void *p, size_t n)
{
	uint8_t *dst = p;

	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)(chance(&net.bytes_state) >> 56);
}

uint32_t random_u32(void)
{
	return (uint32_t)(chance(&net.bytes_state) >> 32);
}

uint64_t random_u64(void)
{
	return chance(&net.bytes_state);
}

void random_text(char *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (char)('a' + random_u32() % 26);
	dst[n] = '\0';
}

/* -- timers -------------------------------------------------------------------
 */

uint64_t tmr_jiffies(void)
{
	return net.now / USEC_MS;
}

void tmr_init(struct tmr *tmr)
{
	memset(tmr, 0, sizeof(*tmr));
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	if (tmr->th)
		list_unlink(&tmr->le);
	tmr->th = th;
	tmr->arg = arg;
	if (!th)
		return;
	tmr->jfs = tmr_jiffies() + delay;
	list_append(&net.timers, &tmr->le, tmr);
}

void tmr_cancel(struct tmr *tmr)
{
	tmr_start(tmr, 0, NULL, NULL);
}

/* The earliest; of two the one started first. */
static struct tmr *timer_next(void)
{
	struct tmr *first = NULL;
	struct le *le;

	LIST_FOREACH(&net.timers, le)
	{
		struct tmr *tmr = le->data;

		if (!first || tmr->jfs < first->jfs)
			first = tmr;
	}
	return first;
}

static void timer_run(struct tmr *tmr)
{
	tmr_h *th = tmr->th;
	void *arg = tmr->arg;

	tmr_cancel(tmr);
	th(arg);
}

/* -- connections --------------------------------------------------------------
 */

static struct pipe *pipe_new(void)
{
	struct pipe *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	net.pipes++;
	return p;
}

static void pipe_trim(struct pipe *p)
{
	if (p->client || p->server || p->events)
		return;
	net.pipes--;
	free(p);
}

static struct event *event_add(struct pipe *p, enum event_kind kind)
{
	struct event *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->due = net.now + NET_LATENCY;
	net.writes++;
	e->kind = kind;
	e->pipe = p;
	p->events++;
	buf_init(&e->data);
	*net.last = e;
	net.last = &e->next;
	return e;
}

static void event_connect(struct event *e)
{
	struct pipe *p = e->pipe;
	struct sim_listener *l = NULL;

	for (int i = 0; i < LISTENERS_MAX; i++)
		if (net.listeners[i] && net.listeners[i]->port == e->port)
			l = net.listeners[i];
	if (!p->client)
		return;
	if (!l) {
		p->client->closed(ECONNREFUSED, p->client->arg);
		return;
	}
	net.accepting = p;
	l->accepted(0, l->arg);
	net.accepting = NULL;
	p->client->estab(p->client->arg);
}

static void event_to_client(struct event *e)
{
	struct tcp_conn *tc = e->pipe->client;
	struct mbuf *mb;

	if (!tc)
		return;
	mb = mbuf_alloc(e->data.n);
	if (!mb || mbuf_write_mem(mb, e->data.p, e->data.n))
		abort();
	mb->pos = 0;
	tc->recv(mb, tc->arg);
	mem_deref(mb);
}

static void event_run(struct event *e)
{
	struct pipe *p = e->pipe;

	switch (e->kind) {
	case EVENT_CONNECT:
		event_connect(e);
		break;
	case EVENT_TO_SERVER:
		if (p->server)
			p->server->h.data(buf_bytes(&e->data), p->server->arg);
		break;
	case EVENT_TO_CLIENT:
		event_to_client(e);
		break;
	case EVENT_CLIENT_GONE:
		if (p->server)
			p->server->h.closed(p->server->arg);
		break;
	case EVENT_SERVER_GONE:
		if (p->client)
			p->client->closed(0, p->client->arg);
		break;
	}
}

static void event_take(void)
{
	struct event *e = net.events;

	net.events = e->next;
	if (!net.events)
		net.last = &net.events;
	event_run(e);
	e->pipe->events--;
	pipe_trim(e->pipe);
	buf_clear(&e->data);
	free(e);
}

/* -- libre's TCP --------------------------------------------------------------
 */

static void conn_destroy(void *arg)
{
	struct tcp_conn *tc = arg;

	tc->pipe->client = NULL;
	if (tc->pipe->server)
		event_add(tc->pipe, EVENT_CLIENT_GONE);
	else
		pipe_trim(tc->pipe);
}

int tcp_connect(struct tcp_conn **tcp, const struct sa *peer, tcp_estab_h *eh,
		tcp_recv_h *rh, tcp_close_h *ch, void *arg)
{
	struct tcp_conn *tc = mem_zalloc(sizeof(*tc), conn_destroy);

	if (!tc)
		return ENOMEM;
	tc->pipe = pipe_new();
	tc->pipe->client = tc;
	tc->estab = eh;
	tc->recv = rh;
	tc->closed = ch;
	tc->arg = arg;
	event_add(tc->pipe, EVENT_CONNECT)->port = sa_port(peer);
	*tcp = tc;
	return 0;
}

int tcp_send(struct tcp_conn *tc, struct mbuf *mb)
{
	struct event *e;

	if (!tc->pipe->server)
		return ENOTCONN;
	e = event_add(tc->pipe, EVENT_TO_SERVER);
	buf_put(&e->data, mbuf_buf(mb), mbuf_get_left(mb));
	return 0;
}

int tcp_set_send(struct tcp_conn *tc, tcp_send_h *sendh)
{
	return 0;
}

size_t tcp_conn_txqsz(const struct tcp_conn *tc)
{
	return 0;
}

int tcp_conn_fd(const struct tcp_conn *tc)
{
	return -1;
}

/* -- the simulator's streams --------------------------------------------------
 */

int sim_stream_new(struct sim_stream **sp, struct sim_loop *l, int fd,
		   const struct sim_stream_handlers *h, void *arg)
{
	struct sim_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pipe = net.accepting;
	s->pipe->server = s;
	s->h = *h;
	s->arg = arg;
	*sp = s;
	return 0;
}

void sim_stream_free(struct sim_stream **sp)
{
	struct sim_stream *s = *sp;

	if (!s)
		return;
	s->pipe->server = NULL;
	if (s->pipe->client)
		event_add(s->pipe, EVENT_SERVER_GONE);
	else
		pipe_trim(s->pipe);
	free(s);
	*sp = NULL;
}

void sim_stream_write(struct sim_stream *s, struct bytes out)
{
	struct event *e = event_add(s->pipe, EVENT_TO_CLIENT);

	buf_put(&e->data, out.p, out.n);
}

int sim_listener_new_tcp(struct sim_listener **lp, struct sim_loop *l,
			 const char *host, uint16_t port, sim_listener_h *h,
			 void *arg)
{
	struct sim_listener *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->port = port ? port : ++net.ports;
	n->accepted = h;
	n->arg = arg;
	for (int i = 0; i < LISTENERS_MAX; i++)
		if (!net.listeners[i]) {
			net.listeners[i] = n;
			*lp = n;
			return 0;
		}
	free(n);
	return -EADDRINUSE;
}

void sim_listener_free(struct sim_listener **lp)
{
	for (int i = 0; i < LISTENERS_MAX; i++)
		if (net.listeners[i] == *lp)
			net.listeners[i] = NULL;
	free(*lp);
	*lp = NULL;
}

uint16_t sim_listener_port(const struct sim_listener *l)
{
	return l->port;
}

/* -- running ------------------------------------------------------------------
 */

static usec_t net_next(const struct tmr *tmr)
{
	usec_t at = net.conf.deadline(net.conf.arg);

	if (net.events && net.events->due < at)
		at = net.events->due;
	if (tmr && tmr->jfs * USEC_MS < at)
		at = tmr->jfs * USEC_MS;
	return at;
}

bool net_run(usec_t until, bool (*stop)(void *arg), void *arg)
{
	unsigned rounds = 0;
	usec_t before = net.now;

	while (!stop || !stop(arg)) {
		struct tmr *tmr = timer_next();
		usec_t at = net_next(tmr);

		if (at > until)
			break;
		if (at > net.now)
			net.now = at;
		/* Time has to pass: nobody may be busy for ever. */
		if (net.now != before)
			rounds = 0;
		before = net.now;
		if (++rounds > 10000) {
			printf("# seed %llu: busy without end at %.3f\n",
			       (unsigned long long)net.conf.seed,
			       (double)net.now / 1e6 - 1000);
			fflush(stdout);
			abort();
		}
		if (net.events && net.events->due <= net.now)
			event_take();
		else if (tmr && tmr->jfs * USEC_MS <= net.now)
			timer_run(tmr);
		net.conf.tick(net.conf.arg);
	}
	if (stop && stop(arg))
		return true;
	if (until > net.now)
		net.now = until;
	return false;
}

void net_open(const struct net_conf *conf)
{
	memset(&net, 0, sizeof(net));
	net.conf = *conf;
	net.last = &net.events;
	net.now = 1000 * USEC_S;
	net.bytes_state = conf->seed;
	net.draw_state = conf->seed ^ 0x5a17;
	net.ports = 40000;
}

unsigned net_writes(void)
{
	return net.writes;
}

bool net_is_empty(void)
{
	return !net.timers.head && !net.pipes;
}

void net_close(void)
{
	while (net.events)
		event_take();
}

/* TCP beneath an mtp_client. See connection.h.
 *
 *   loop -> tcp_recv / timer -> mtp_client_input / _timeout -> handlers
 *   settle(): the engine's output into TCP, its deadline onto the timer
 *
 * Through a SOCKS5 or HTTP proxy the link is CONNECTING until the proxy has let
 * us through (proxy.h); only then the engine hears of it.
 *
 * Handlers call back into the connection; `depth` makes sure that sockets are
 * closed and output is flushed only by the outermost call.
 */
#include "telegram/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/random.h"
#include "base/re.h"

#define CONNECT_TIMEOUT (10 * USEC_S)
/* The first time round, when there are other addresses to try. */
#define CONNECT_TIMEOUT_FIRST (4 * USEC_S)
/* Something must have come back by then, if there is another address to try. */
#define ANSWER_TIMEOUT (6 * USEC_S)
/* After this long a connection was a good one: back-off begins anew. */
#define STEADY (10 * USEC_S)
#define SEND_CHUNK_BYTES (64 * 1024)
#define TEST_DC 10000
/* Sent data that nobody acknowledges for so long: the network is gone. */
#define UNHEARD_MS 30000
/* "-429 (flood)": this address is left alone for a while. */
#define FLOOD_PAUSE (30 * USEC_S)

struct connection {
	char name[64];
	struct tg_dc dcs[CONNECTION_ADDRESSES_MAX];
	size_t dcs_n, dcs_at;
	const struct tg_link *via;
	struct mtp_client *client;
	struct tcp_conn *tcp;
	struct proxy *proxy; /* not through yet */
	struct tmr tmr;
	enum connection_link link;
	unsigned attempts;
	usec_t up_since;
	usec_t due; /* next attempt, or end of the running one */
	unsigned depth;
	bool started;
	bool close_wanted;
	bool useful; /* this connection has carried something */
	bool flooded;
	char reason[128];
	void (*on_link)(enum connection_link link, const char *reason,
			void *arg);
	void (*on_event)(enum mtp_event event, const char *text, void *arg);
	void (*on_update)(struct bytes object, void *arg);
	void (*on_parted)(void *arg);
	void *arg;
};

static void settle(struct connection *c);

usec_t connection_backoff(unsigned n)
{
	static const unsigned ms[] = {200, 500, 1000, 2000, 4000, 5000};
	size_t last = sizeof(ms) / sizeof(ms[0]) - 1;

	return ms[n < last ? n : last] * USEC_MS;
}

static void link_set(struct connection *c, enum connection_link link)
{
	c->link = link;
	if (c->on_link)
		c->on_link(link, c->reason, c->arg);
}

/* Attempts of many accounts that were lost together are spread. */
static usec_t pause_of(struct connection *c)
{
	usec_t pause = connection_backoff(c->attempts++);

	if (c->flooded)
		pause = FLOOD_PAUSE;
	c->flooded = false;
	return pause + random_u32() % (pause / 4);
}

static void link_lost(struct connection *c)
{
	usec_t now = clock_now();
	bool was_up = c->link == CONNECTION_UP;

	c->close_wanted = false;
	if (was_up && now - c->up_since >= STEADY)
		c->attempts = 0;
	if (!c->useful)
		c->dcs_at = (c->dcs_at + 1) % c->dcs_n;
	c->due = now + pause_of(c);
	c->tcp = mem_deref(c->tcp);
	proxy_free(&c->proxy);
	c->depth++;
	if (was_up)
		mtp_client_disconnected(c->client, now);
	link_set(c, CONNECTION_DOWN);
	c->depth--;
}

/* As long as nothing came from behind the proxy, it is the proxy that fails. */
static bool proxy_at_fault(const struct connection *c)
{
	return c->via->proxy.type != PROXY_NONE && !c->useful &&
	       c->link != CONNECTION_DOWN &&
	       (c->link == CONNECTION_CONNECTING ||
		c->via->proxy.type == PROXY_MTPROTO);
}

void connection_close(struct connection *c, const char *reason)
{
	if (c->close_wanted)
		return;
	c->close_wanted = true;
	snprintf(c->reason, sizeof(c->reason), "%s%s",
		 proxy_at_fault(c) ? "proxy: " : "", reason);
	if (!c->depth)
		settle(c);
}

/* -- TCP ------------------------------------------------------------------ */

static void on_writable(void *arg)
{
	settle(arg);
}

/* A few bytes for a proxy. */
static void send_all(struct connection *c, struct buf *out)
{
	struct mbuf *mb;
	int err = ENOMEM;

	if (!out->n || c->close_wanted)
		return;
	mb = mbuf_alloc(out->n);
	if (mb)
		err = mbuf_write_mem(mb, out->p, out->n);
	if (!err) {
		mb->pos = 0;
		err = tcp_send(c->tcp, mb);
		bytes_wipe(mb->buf, mb->size);
	}
	mem_deref(mb);
	if (err)
		connection_close(c, strerror(err));
}

/* Sends what TCP takes. One chunk at most waits in libre's own queue. */
static void flush(struct connection *c)
{
	struct buf *out = mtp_client_output(c->client);

	while (out->n && !c->close_wanted) {
		size_t n =
			out->n < SEND_CHUNK_BYTES ? out->n : SEND_CHUNK_BYTES;
		struct mbuf *mb;
		int err;

		if (tcp_conn_txqsz(c->tcp)) {
			tcp_set_send(c->tcp, on_writable);
			return;
		}
		mb = mbuf_alloc(n);
		if (!mb)
			return;
		err = mbuf_write_mem(mb, out->p, n);
		mb->pos = 0;
		if (!err)
			err = tcp_send(c->tcp, mb);
		mem_deref(mb);
		if (err) {
			connection_close(c, strerror(err));
			return;
		}
		buf_drop(out, n);
	}
	/* A handler left in place would be called without end. */
	tcp_set_send(c->tcp, NULL);
}

static void link_up(struct connection *c)
{
	usec_t now = clock_now();

	c->up_since = now;
	c->due = c->dcs_n > 1 ? now + ANSWER_TIMEOUT : USEC_NEVER;
	c->reason[0] = '\0';
	c->depth++;
	link_set(c, CONNECTION_UP);
	mtp_client_connected(c->client, now, clock_wall());
	c->depth--;
}

static void on_established(void *arg)
{
	struct connection *c = arg;
	int one = 1, unheard = UNHEARD_MS, fd = tcp_conn_fd(c->tcp);
	struct buf out;

	/* Signalling is many small packets, each waited for. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard,
			 sizeof(unheard));
	c->depth++;
	if (c->proxy) {
		buf_init(&out);
		if (proxy_start(c->proxy, &out))
			connection_close(c, strerror(ENOMEM));
		else
			send_all(c, &out);
		buf_clear(&out);
	} else {
		link_up(c);
	}
	c->depth--;
	settle(c);
}

static void engine_input(struct connection *c, struct bytes in)
{
	c->due = USEC_NEVER;
	c->depth++;
	if (mtp_client_input(c->client, in, clock_now(), clock_wall()))
		connection_close(c, "protocol error");
	c->depth--;
}

/* The proxy speaks; what follows its last word is the data centre's. */
static void proxy_heard(struct connection *c, struct bytes in)
{
	struct proxy *proxy = c->proxy;
	struct buf out;
	int rc;

	c->depth++;
	buf_init(&out);
	rc = proxy_input(proxy, in, &out);
	if (rc < 0)
		connection_close(c, rc == -ENOMEM ? strerror(ENOMEM)
						  : proxy_reason(proxy));
	else
		send_all(c, &out);
	buf_clear(&out);
	if (rc == 1 && !c->close_wanted) {
		c->proxy = NULL;
		link_up(c);
		if (proxy_rest(proxy).n)
			engine_input(c, proxy_rest(proxy));
		proxy_free(&proxy);
	}
	c->depth--;
}

static void on_received(struct mbuf *mb, void *arg)
{
	struct connection *c = arg;
	struct bytes in = bytes_of(mbuf_buf(mb), mbuf_get_left(mb));

	if (c->close_wanted)
		return;
	if (c->proxy)
		proxy_heard(c, in);
	else
		engine_input(c, in);
	settle(c);
}

static void on_closed(int err, void *arg)
{
	struct connection *c = arg;

	if ((!err || err == ECONNRESET) && proxy_at_fault(c) &&
	    c->link == CONNECTION_UP)
		connection_close(c, "closed without an answer; is the secret "
				    "right?");
	else if (err)
		connection_close(c, strerror(err));
	else
		connection_close(c, proxy_at_fault(c) ? "closed the connection"
						      : "closed by the server");
}

static int dial(struct connection *c, const struct tg_dc *dc)
{
	const struct proxy_conf *proxy = &c->via->proxy;
	enum mtp_transport_kind kind;
	const uint8_t *secret;
	bool obfuscated, direct = proxy->type == PROXY_NONE;
	struct sa peer;
	int err = 0;

	tg_link_transport(&kind, &obfuscated, &secret, dc, c->via);
	mtp_client_transport(c->client, kind, obfuscated, secret);
	if (proxy->type == PROXY_SOCKS5 || proxy->type == PROXY_HTTP)
		err = -proxy_new(&c->proxy, proxy, dc->host, dc->port);
	if (!err)
		err = sa_set_str(&peer, direct ? dc->host : proxy->host,
				 direct ? dc->port : proxy->port);
	if (!err)
		err = tcp_connect(&c->tcp, &peer, on_established, on_received,
				  on_closed, c);
	return err;
}

static void attempt(struct connection *c)
{
	int err;

	c->due = clock_now() + (c->attempts + 1 < c->dcs_n
					? CONNECT_TIMEOUT_FIRST
					: CONNECT_TIMEOUT);
	c->useful = false;
	c->depth++;
	link_set(c, CONNECTION_CONNECTING);
	err = dial(c, &c->dcs[c->dcs_at]);
	c->depth--;
	if (err)
		connection_close(c, strerror(err));
}

/* -- the timer ------------------------------------------------------------ */

static void on_timer(void *arg)
{
	struct connection *c = arg;
	usec_t now = clock_now();

	if (now >= c->due) {
		if (c->link == CONNECTION_DOWN)
			attempt(c);
		else
			connection_close(c, "no answer");
	}
	if (now >= mtp_client_deadline(c->client)) {
		c->depth++;
		mtp_client_timeout(c->client, now, clock_wall());
		c->depth--;
	}
	settle(c);
}

static void settle(struct connection *c)
{
	usec_t now, at;

	if (c->depth)
		return;
	c->depth++;
	if (c->link == CONNECTION_UP)
		flush(c);
	c->depth--;
	if (c->close_wanted) {
		if (c->link == CONNECTION_DOWN)
			c->close_wanted = false;
		else
			link_lost(c);
	}
	now = clock_now();
	at = mtp_client_deadline(c->client);
	if (c->started && c->due < at)
		at = c->due;
	if (at == USEC_NEVER)
		tmr_cancel(&c->tmr);
	else
		tmr_start(&c->tmr,
			  at > now ? (at - now + USEC_MS - 1) / USEC_MS : 0,
			  on_timer, c);
}

/* -- the engine's handlers ------------------------------------------------ */

static void engine_event(enum mtp_event event, const char *text, void *arg)
{
	struct connection *c = arg;

	if (event == MTP_EVENT_REFUSED)
		log_debug("telegram", c->name,
			  "refused what the server sent: %s", text ? text : "");
	if (event == MTP_EVENT_READY || event == MTP_EVENT_KEY_CREATED)
		c->useful = true;
	if (event == MTP_EVENT_FLOOD)
		c->flooded = true;
	if (event == MTP_EVENT_CLOSE)
		connection_close(c, text ? text : "closed by us");
	if (event == MTP_EVENT_KEY_DESTROYED && c->on_parted)
		c->on_parted(c->arg);
	if (c->on_event)
		c->on_event(event, text, c->arg);
}

static void engine_update(struct bytes object, void *arg)
{
	struct connection *c = arg;

	if (c->on_update)
		c->on_update(object, c->arg);
}

/* -- life ----------------------------------------------------------------- */

static int client_new(struct connection *c, const struct connection_conf *conf)
{
	struct mtp_client_conf mc = {
		.transport = conf->via->transport,
		.obfuscated = conf->via->obfuscated,
		.dc_wire = (int16_t)(conf->dcs[0].id +
				     (conf->dcs[0].test ? TEST_DC : 0)),
		.rsa = conf->rsa,
		.auth = *conf->auth,
		/* A.7; lang_pack stays empty for third-party clients. */
		.identity = {.api_id = conf->api_id,
			     .device_model = "Gramline",
			     .system_version = "Linux",
			     .app_version = GRAMLINE_VERSION,
			     .lang_code = "en"},
		.temporary_s = conf->via->temporary_s,
		.query_timeout = conf->query_timeout,
		.handlers = {.event = engine_event, .update = engine_update},
		.arg = c,
	};
	int err = mtp_client_new(&c->client, &mc);

	bytes_wipe(&mc.auth, sizeof(mc.auth));
	return err;
}

int connection_new(struct connection **cp, const struct connection_conf *conf)
{
	struct connection *c;
	int err;

	if (!conf->dcs_n || conf->dcs_n > CONNECTION_ADDRESSES_MAX)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	tmr_init(&c->tmr);
	snprintf(c->name, sizeof(c->name), "%s", conf->name);
	c->dcs_n = conf->dcs_n;
	memcpy(c->dcs, conf->dcs, c->dcs_n * sizeof(c->dcs[0]));
	c->due = USEC_NEVER;
	c->via = conf->via;
	c->on_link = conf->link;
	c->on_event = conf->event;
	c->on_update = conf->update;
	c->arg = conf->arg;
	err = client_new(c, conf);
	if (err) {
		free(c);
		return err;
	}
	*cp = c;
	return 0;
}

void connection_free(struct connection **cp)
{
	struct connection *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	tmr_cancel(&c->tmr);
	c->tcp = mem_deref(c->tcp);
	proxy_free(&c->proxy);
	c->on_link = NULL;
	c->on_event = NULL;
	c->on_update = NULL;
	c->depth++;
	mtp_client_free(&c->client);
	free(c);
}

void connection_start(struct connection *c)
{
	c->started = true;
	c->due = clock_now();
	settle(c);
}

int connection_call(struct connection *c, struct bytes query, unsigned flags,
		    mtp_answer_h *done, void *arg)
{
	int err;

	c->depth++;
	err = mtp_client_call(c->client, query, flags, done, arg, clock_now(),
			      clock_wall());
	c->depth--;
	settle(c);
	return err;
}

void connection_destroy_key(struct connection *c, void (*parted)(void *arg),
			    void *arg)
{
	c->on_link = NULL;
	c->on_event = NULL;
	c->on_update = NULL;
	c->on_parted = parted;
	c->arg = arg;
	c->depth++;
	mtp_client_destroy_key(c->client, clock_now(), clock_wall());
	c->depth--;
	settle(c);
}

void connection_ping_interval(struct connection *c, usec_t interval)
{
	mtp_client_ping_interval(c->client, interval, clock_now());
	settle(c);
}

const struct mtp_auth *connection_auth(const struct connection *c)
{
	return mtp_client_auth(c->client);
}

bool connection_ready(const struct connection *c)
{
	return c->link == CONNECTION_UP && mtp_client_ready(c->client);
}

/*   blobs ⇄ signalling ──── candidates, credentials, channels ────┐
 *                                                                 │
 *   sockets ⇄ ICE (0..3) ⇄ DTLS (20..63) ⇄ data channel           │
 *                 └─────── SRTP (128..191) ⇄ audio ◀──────────────┘
 *
 * Every entry sets `now`, feeds one engine, and leaves through tgcall_leave(),
 * which does what the engines' handlers only noted: nothing is called from
 * within its own handler. */
#include "tgcall/tgcall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tgcall/parameters.h"
#include "tgcall/tgcall_internal.h"

/* E.11: native apps declare "failed" when not connected for 20 s. */
#define CONNECT_WITHIN (20 * USEC_S)
/* The machine's addresses are looked at anew while there is no connection. */
#define RENEW_EVERY (2 * USEC_S)
/* Sockets other than the selected pair's are read on every 5th tick. */
#define IDLE_POLLS 5

void tgcall_enter(struct tgcall *c, usec_t now)
{
	c->now = now;
}

/* -- handlers of the engines ----------------------------------------------- */

static void on_ice_send(int base, const struct sa *dst, struct bytes datagram,
			void *arg)
{
	tgcall_base_send(arg, base, dst, datagram);
}

static void on_ice_candidate(const char *candidate, void *arg)
{
	struct tgcall *c = arg;

	/* E.8: "candidates are not signalled but derived". */
	if (c->standalone && strstr(candidate, ".reflector "))
		return;
	if (c->candidates_n < TGCALL_CANDIDATES_MAX)
		snprintf(c->candidates[c->candidates_n++],
			 sizeof(c->candidates[0]), "%s", candidate);
}

static void on_blob(struct bytes blob, void *arg)
{
	struct tgcall *c = arg;

	c->handlers.signal(blob, c->arg);
}

static void on_remote_transport(const struct tgcall_transport *t, void *arg)
{
	struct tgcall *c = arg;

	/* Another certificate is another peer (the same account elsewhere).
	 * E.7, restart: "new remote credentials, keep DTLS", but a handshake
	 * in the wrong role comes to nothing. */
	if (c->has_remote && (memcmp(c->remote.fingerprint, t->fingerprint,
				     sizeof(t->fingerprint)) != 0 ||
			      (c->remote.setup != t->setup && !c->srtp)))
		tgcall_secure_reset(c);
	c->remote = *t;
	c->has_remote = true;
	if (ice_agent_remote(c->ice, t->ufrag, t->pwd, t->renomination,
			     c->now) < 0)
		count_bad("tgcall", "credentials", "of the peer refused");
}

static void on_remote_candidate(const char *candidate, void *arg)
{
	struct tgcall *c = arg;

	ice_agent_remote_candidate(c->ice, candidate, c->now);
}

static void on_send_open(const struct tgcall_channel *channel, void *arg)
{
	struct tgcall *c = arg;

	tgcall_audio_send_open(&c->audio, channel, c->now);
}

static void on_recv_open(const struct tgcall_channel *channel, void *arg)
{
	struct tgcall *c = arg;

	tgcall_audio_recv_open(&c->audio, channel, c->now);
}

static void on_media_state(const struct tgcall_media_state *s, void *arg)
{
	struct tgcall *c = arg;

	if (c->handlers.media_state)
		c->handlers.media_state(s, c->arg);
}

void tgcall_set_tap(struct tgcall *c, tgcall_tap_h *h, void *arg)
{
	c->tap = h;
	c->tap_arg = arg;
}

static void on_audio_send(struct bytes plain, bool rtcp, void *arg)
{
	struct tgcall *c = arg;

	if (c->tap)
		c->tap(true, rtcp, plain, c->tap_arg);
	tgcall_secure_media(arg, plain, rtcp);
}

static void on_audio(const struct media_packet *packet, void *arg)
{
	struct tgcall *c = arg;

	if (c->handlers.audio)
		c->handlers.audio(packet, c->arg);
}

/* -- sockets --------------------------------------------------------------- */

static void on_datagram(const struct sa *src, struct bytes d, void *arg)
{
	tgcall_datagram_input(arg, src, d);
}

/* Returns whether there was anything. */
static bool socket_read(struct tgcall_socket *s)
{
	s->call->reading = s->base;
	return tgcall_socket_read(s->fd, on_datagram, s->call) > 0;
}

static void on_readable(int flags, void *arg)
{
	struct tgcall_socket *s = arg;
	struct tgcall *c = s->call;

	(void)flags;
	tgcall_enter(c, clock_now());
	socket_read(s);
	tgcall_leave(c);
}

/* -- state and time -------------------------------------------------------- */

static void state_set(struct tgcall *c, enum tgcall_state state)
{
	if (c->state == state)
		return;
	c->state = state;
	c->tell_state = true;
}

static bool is_connected(const struct tgcall *c)
{
	return ice_agent_state(c->ice) == ICE_CONNECTED &&
	       tgcall_secure_is_up(c);
}

static usec_t state_deadline(const struct tgcall *c)
{
	switch (c->state) {
	case TGCALL_STATE_WAIT:
		return c->started_at + CONNECT_WITHIN;
	case TGCALL_STATE_RECONNECTING:
		return c->lost_at + CONNECT_WITHIN;
	case TGCALL_STATE_ESTABLISHED:
	case TGCALL_STATE_FAILED:
		break;
	}
	return USEC_NEVER;
}

static usec_t renewal_deadline(const struct tgcall *c)
{
	return c->state == TGCALL_STATE_RECONNECTING ? c->renew_at : USEC_NEVER;
}

static void state_update(struct tgcall *c)
{
	if (!c->started || c->state == TGCALL_STATE_FAILED)
		return;
	if (is_connected(c)) {
		if (!c->connect_us)
			c->connect_us = (uint32_t)(c->now - c->started_at);
		state_set(c, TGCALL_STATE_ESTABLISHED);
		return;
	}
	if (c->state == TGCALL_STATE_ESTABLISHED) {
		c->lost_at = c->renew_at = c->now;
		state_set(c, TGCALL_STATE_RECONNECTING);
	}
	if (c->now >= state_deadline(c))
		state_set(c, TGCALL_STATE_FAILED);
}

static usec_t deadline_of(const struct tgcall *c)
{
	usec_t at[] = {
		ice_agent_deadline(c->ice),
		tgcall_signaling_deadline(c->signaling),
		tgcall_relays_deadline(c),
		tgcall_secure_deadline(c),
		tgcall_audio_deadline(&c->audio),
		state_deadline(c),
		renewal_deadline(c),
	};
	usec_t first = USEC_NEVER;

	if (!c->started || c->state == TGCALL_STATE_FAILED)
		return USEC_NEVER;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] < first)
			first = at[i];
	return first;
}

static void run_due(struct tgcall *c)
{
	if (!c->started || c->state == TGCALL_STATE_FAILED)
		return;
	if (tgcall_relays_deadline(c) <= c->now)
		tgcall_relays_timeout(c);
	if (ice_agent_deadline(c->ice) <= c->now)
		ice_agent_timeout(c->ice, c->now);
	if (tgcall_signaling_deadline(c->signaling) <= c->now)
		tgcall_signaling_timeout(c->signaling, c->now);
	if (renewal_deadline(c) <= c->now) {
		c->renew_at = c->now + RENEW_EVERY;
		tgcall_sockets_renew(c);
	}
	tgcall_secure_timeout(c);
	if (tgcall_audio_deadline(&c->audio) <= c->now)
		tgcall_audio_timeout(&c->audio, c->now);
}

static void on_timer(void *arg)
{
	struct tgcall *c = arg;

	tgcall_enter(c, clock_now());
	run_due(c);
	tgcall_leave(c);
}

static void timer_arm(struct tgcall *c)
{
	usec_t at = deadline_of(c);

	c->due_at = at;
	if (c->polled || at == USEC_NEVER) {
		tmr_cancel(&c->tmr);
		return;
	}
	tmr_start(&c->tmr, at > c->now ? (at - c->now + 999) / 1000 : 0,
		  on_timer, c);
}

void tgcall_socket_listen(struct tgcall_socket *s, bool listen)
{
	fd_close(s->fd);
	if (listen && fd_listen(s->fd, FD_READ, on_readable, s))
		log_error("tgcall", NULL, "no room in the loop");
}

static void sockets_listen(struct tgcall *c, bool listen)
{
	tgcall_relays_listen(c, listen);
	for (int i = 0; i < c->sockets_n; i++)
		tgcall_socket_listen(&c->sockets[i], listen);
}

static void candidates_signal(struct tgcall *c)
{
	int n = c->candidates_n;

	c->candidates_n = 0;
	for (int i = 0; i < n; i++)
		tgcall_signaling_candidate(c->signaling, c->candidates[i],
					   c->now);
}

void tgcall_leave(struct tgcall *c)
{
	if (c->state != TGCALL_STATE_FAILED) {
		candidates_signal(c);
		tgcall_secure_try(c);
		state_update(c);
	}
	if (c->tell_media) {
		c->tell_media = false;
		tgcall_secure_media_state(c);
	}
	if (c->state == TGCALL_STATE_FAILED)
		sockets_listen(c, false);
	timer_arm(c);
	if (c->tell_state) {
		c->tell_state = false;
		if (c->handlers.state)
			c->handlers.state(c->state, c->arg);
	}
}

/* -- making one ------------------------------------------------------------ */

static void servers_take(struct tgcall *c, const struct tgcall_conf *conf)
{
	for (size_t i = 0; i < conf->servers_n && c->servers_n < 8; i++) {
		const struct tgcall_server *s = &conf->servers[i];

		/* A TURN server over UDP answers Binding requests as well. */
		if (s->reflector || s->tcp || !conf->p2p_allowed)
			continue;
		if (sa_set_str(&c->servers[c->servers_n], s->host, s->port) ==
		    0)
			c->servers_n++;
	}
}

/* A machine or servers without another address are a test of one machine. */
static bool is_local_test(const struct tgcall *c,
			  const struct tgcall_conf *conf)
{
	struct sa addr;

	for (size_t i = 0; i < conf->servers_n; i++)
		if (sa_set_str(&addr, conf->servers[i].host, 1) == 0 &&
		    sa_is_loopback(&addr))
			return true;
	return conf->allow_loopback ||
	       (c->sockets_n && sa_is_loopback(&c->sockets[0].addr));
}

static int ice_make(struct tgcall *c, const struct tgcall_conf *tc)
{
	struct ice_agent_conf conf = {
		.controlling = c->outgoing,
		.relays_only = !tc->p2p_allowed,
		.allow_loopback = is_local_test(c, tc),
		.handlers = {.send = on_ice_send,
			     .candidate = on_ice_candidate},
		.arg = c,
	};

	return ice_agent_new(&c->ice, &conf);
}

static int signaling_make(struct tgcall *c, const struct tgcall_conf *conf,
			  const struct tgcall_parameters *p)
{
	struct tgcall_signaling_conf s = {
		.sdp = tgcall_version_is_sdp(conf->version),
		.outgoing = c->outgoing,
		.nosctp = p->nosctp,
		.sctp_first = p->sctp_first,
		.sctp_cap = p->sctp_cap,
		.handlers = {on_blob, on_remote_transport, on_remote_candidate,
			     on_send_open, on_recv_open, on_media_state},
		.arg = c,
	};
	int e = tgcall_framing_of(&s.framing, conf->version);

	if (e < 0)
		return e;
	/* E.1 note 2: forces the third framing for any version. */
	if (p->kcp)
		s.framing = TGCALL_FRAMING_SCTP;
	memcpy(s.key, conf->key, sizeof(s.key));
	snprintf(s.local.ufrag, sizeof(s.local.ufrag), "%s",
		 ice_agent_ufrag(c->ice));
	snprintf(s.local.pwd, sizeof(s.local.pwd), "%s", ice_agent_pwd(c->ice));
	/* E.5: "caller actpass, callee passive". E.7: renomination false. */
	s.local.setup = c->outgoing ? TGCALL_ACTPASS : TGCALL_PASSIVE;
	e = media_dtls_fingerprint(s.local.fingerprint);
	if (e == 0)
		e = tgcall_signaling_new(&c->signaling, &s);
	bytes_wipe(&s, sizeof(s));
	return e;
}

static int conf_check(const struct tgcall_conf *conf,
		      const struct tgcall_parameters *p)
{
	enum tgcall_framing framing;

	if (!conf->handlers.signal || !conf->version)
		return -EINVAL;
	if (tgcall_framing_of(&framing, conf->version) < 0)
		return -ENOENT;
	/* E.10: of the engine of descriptions only in part of the apps. */
	if (p->mtproto && tgcall_version_is_sdp(conf->version)) {
		log_warn("tgcall", NULL,
			 "the call asks for network_use_mtproto with "
			 "descriptions: refused");
		return -ENOTSUP;
	}
	return 0;
}

static int sealed_make(struct tgcall *c, const struct tgcall_conf *conf)
{
	c->sealed = calloc(1, sizeof(*c->sealed));
	if (!c->sealed)
		return -ENOMEM;
	sealed_init(c->sealed, conf->key, conf->outgoing);
	return 0;
}

int tgcall_new(struct tgcall **cp, const struct tgcall_conf *conf)
{
	static const struct tgcall_audio_handlers audio = {on_audio_send,
							   on_audio};
	struct tgcall_parameters p;
	struct tgcall *c;
	int e;

	tgcall_parameters_read(&p, conf->custom_parameters);
	e = conf_check(conf, &p);
	if (e < 0)
		return e;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->handlers = conf->handlers;
	c->arg = conf->arg;
	c->outgoing = conf->outgoing;
	c->standalone = p.standalone;
	tmr_init(&c->tmr);
	tgcall_audio_init(&c->audio, &audio, c);
	servers_take(c, conf);
	e = p.mtproto ? sealed_make(c, conf) : 0;
	if (e == 0)
		e = tgcall_relays_new(c, conf);
	if (e == 0)
		e = tgcall_sockets_open(c, conf);
	if (e == 0)
		e = ice_make(c, conf);
	if (e == 0)
		e = signaling_make(c, conf, &p);
	if (e < 0) {
		tgcall_free(&c);
		return e;
	}
	*cp = c;
	return 0;
}

void tgcall_free(struct tgcall **cp)
{
	struct tgcall *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	c->now = clock_now();
	tmr_cancel(&c->tmr);
	if (c->started && c->signaling)
		tgcall_signaling_close(c->signaling, c->now);
	if (c->ice)
		tgcall_secure_reset(c); /* says goodbye through the pair */
	sockets_listen(c, false);
	for (int i = 0; i < c->sockets_n; i++)
		close(c->sockets[i].fd);
	tgcall_relays_free(c);
	tgcall_signaling_free(&c->signaling);
	ice_agent_free(&c->ice);
	if (c->sealed)
		sealed_clear(c->sealed);
	free(c->sealed);
	bytes_wipe(c, sizeof(*c));
	free(c);
}

void tgcall_start(struct tgcall *c)
{
	if (c->started)
		return;
	tgcall_enter(c, clock_now());
	c->started = true;
	c->started_at = c->now;
	tgcall_signaling_start(c->signaling, c->now);
	tgcall_sockets_gather(c);
	for (int i = 0; i < c->servers_n; i++)
		ice_agent_stun_server(c->ice, &c->servers[i], c->now);
	if (!c->polled)
		sockets_listen(c, true);
	tgcall_relays_start(c);
	tgcall_leave(c);
}

/* -- using one ------------------------------------------------------------- */

int tgcall_signal_input(struct tgcall *c, struct bytes blob)
{
	int e;

	if (c->state == TGCALL_STATE_FAILED)
		return -ENOTCONN;
	tgcall_enter(c, clock_now());
	e = tgcall_signaling_input(c->signaling, blob, c->now);
	tgcall_leave(c);
	return e;
}

int tgcall_send_audio(struct tgcall *c, struct bytes opus, uint32_t samples)
{
	if (!tgcall_secure_is_up(c) || c->state == TGCALL_STATE_FAILED)
		return -ENOTCONN;
	/* E.11: "muted: RTP stops entirely". */
	if (c->muted)
		return 0;
	return tgcall_audio_send(&c->audio, opus, samples, clock_now());
}

void tgcall_mute(struct tgcall *c, bool muted)
{
	if (c->muted == muted)
		return;
	tgcall_enter(c, clock_now());
	c->muted = muted;
	c->tell_media = true;
	tgcall_leave(c);
}

void tgcall_poll(struct tgcall *c, usec_t now)
{
	struct sa dst;
	int selected = -1;
	bool heard = false;

	if (!c->started || c->state == TGCALL_STATE_FAILED)
		return;
	tgcall_enter(c, now);
	/* On other sockets there are only spare checks. */
	if (c->state == TGCALL_STATE_ESTABLISHED && c->polls++ % IDLE_POLLS)
		ice_agent_selected(c->ice, &selected, &dst);
	for (int i = 0; i < c->sockets_n; i++)
		if (selected < 0 || c->sockets[i].base == selected)
			heard |= socket_read(&c->sockets[i]);
	heard |= tgcall_relays_read(c, selected);
	/* Most ticks bring nothing; deadlines move in tgcall_leave() only. */
	if (!heard && now < c->due_at)
		return;
	run_due(c);
	tgcall_leave(c);
}

void tgcall_set_polled(struct tgcall *c, bool polled)
{
	if (c->polled == polled)
		return;
	c->polled = polled;
	c->now = clock_now();
	if (c->started && c->state != TGCALL_STATE_FAILED)
		sockets_listen(c, !polled);
	timer_arm(c);
}

enum tgcall_state tgcall_state(const struct tgcall *c)
{
	return c->state;
}

bool tgcall_peer_is_native(const struct tgcall *c)
{
	/* Web clients answer "active" and send 20 ms. */
	if (tgcall_signaling_peer_is_web(c->signaling) ||
	    (c->has_remote && c->remote.setup == TGCALL_ACTIVE))
		return false;
	return c->audio.last_samples == 0 || c->audio.last_samples > 1920;
}

unsigned tgcall_reported_loss(const struct tgcall *c)
{
	return tgcall_audio_loss(&c->audio);
}

void tgcall_stats(const struct tgcall *c, struct tgcall_stats *s)
{
	const struct tgcall_audio *a = &c->audio;

	*s = (struct tgcall_stats){
		.rx_packets = a->rx_packets,
		.rx_bytes = a->rx_bytes,
		.rx_lost =
			a->received.started ? rtp_stats_lost(&a->received) : 0,
		.rx_padding = a->rx_padding,
		.rx_bad = a->rx_bad + c->rx_bad,
		.tx_packets = a->tx_packets,
		.tx_bytes = a->tx_bytes,
		.rtt_us = (uint32_t)ice_agent_rtt(c->ice),
		.remote_lost_q8 = a->remote_lost_q8,
		.connect_us = c->connect_us,
	};
	ice_agent_describe(c->ice, s->local, s->remote);
}

#include "tgcall/signaling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "tgcall/carriage.h"
#include "tgcall/negotiation.h"
#include "tgcall/sdp_exchange.h"
#include "tgcall/signal_message.h"
#include "tgcall/signaling_event.h"

#define EARLY_MAX 64 /* candidates kept, each way */
/* Without acknowledgement the caller says again what nothing came back to. */
#define AGAIN_AFTER (2500 * USEC_MS)
#define AGAIN_MAX 6

struct early {
	char *candidates[EARLY_MAX];
	size_t n;
};

struct tgcall_signaling {
	struct tgcall_signaling_conf conf;
	struct carriage *carriage;
	struct negotiation negotiation;
	struct sdp_exchange exchange; /* instead, when conf.sdp */
	struct signaling_events events;
	bool running; /* handlers are being called */
	bool is_started;
	bool has_remote;
	struct tgcall_transport remote;
	struct early local_early;  /* before the start, or to say again */
	struct early remote_early; /* before InitialSetup */
	bool peer_is_web;
	usec_t again_at;
	unsigned again_n;
	usec_t now;
};

/* -- versions ------------------------------------------------------------ */

static const struct {
	const char *version;
	enum tgcall_framing framing;
	bool is_sdp;
} versions[] = {
	{"13.0.0", TGCALL_FRAMING_SCTP},
	{"12.0.0", TGCALL_FRAMING_SCTP},
	{"11.0.0", TGCALL_FRAMING_SCTP, true},
	{"10.0.0", TGCALL_FRAMING_ACKED, true},
	{"9.0.0", TGCALL_FRAMING_ACKED},
	{"8.0.0", TGCALL_FRAMING_ACKED},
	{"7.0.0", TGCALL_FRAMING_RAW},
};

const char *const *tgcall_versions(void)
{
	static const char *const names[] = {"13.0.0", "12.0.0", "11.0.0",
					    "10.0.0", "9.0.0",  "8.0.0",
					    "7.0.0",  NULL};

	return names;
}

int tgcall_framing_of(enum tgcall_framing *fp, const char *version)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		if (strcmp(versions[i].version, version) == 0) {
			*fp = versions[i].framing;
			return 0;
		}
	}
	return -ENOENT;
}

bool tgcall_version_is_sdp(const char *version)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (strcmp(versions[i].version, version) == 0)
			return versions[i].is_sdp;
	return false;
}

/* -- helpers of the engine's own ----------------------------------------- */

static void early_add(struct early *e, const char *candidate)
{
	char *copy = e->n < EARLY_MAX ? strdup(candidate) : NULL;

	if (copy)
		e->candidates[e->n++] = copy;
}

static void early_clear(struct early *e)
{
	while (e->n)
		free(e->candidates[--e->n]);
}

static void default_random(void *p, size_t n, void *arg)
{
	random_bytes(p, n);
}

/* Every outer call ends here. Handlers may call back in: what they cause is
 * told by the outermost call. */
static void events_run(struct tgcall_signaling *s)
{
	if (s->running)
		return;
	s->running = true;
	while (signaling_events_dispatch(&s->events, &s->conf.handlers,
					 s->conf.arg))
		;
	s->running = false;
}

static void setup_send(struct tgcall_signaling *s)
{
	struct buf b;

	buf_init(&b);
	if (signal_setup_put(&b, &s->conf.local) == 0)
		carriage_send(s->carriage, buf_bytes(&b), s->now);
	buf_clear(&b);
}

static void candidate_send(struct tgcall_signaling *s, const char *candidate)
{
	struct buf b;

	int err;

	buf_init(&b);
	if (s->conf.sdp)
		err = signal_sdp_candidate_put(&b, candidate, s->exchange.mid,
					       s->exchange.mline);
	else
		err = signal_candidate_put(&b, candidate);
	if (!err)
		carriage_send(s->carriage, buf_bytes(&b), s->now);
	buf_clear(&b);
}

/* A peer with descriptions takes candidates behind one only. */
static bool candidates_may_go(const struct tgcall_signaling *s)
{
	return s->is_started && (!s->conf.sdp || s->exchange.described);
}

static void candidates_release(struct tgcall_signaling *s)
{
	if (!candidates_may_go(s))
		return;
	for (size_t i = 0; i < s->local_early.n; i++)
		candidate_send(s, s->local_early.candidates[i]);
	if (s->again_at == USEC_NEVER)
		early_clear(&s->local_early);
}

static bool is_lossy(const struct tgcall_signaling_conf *conf)
{
	return conf->framing == TGCALL_FRAMING_RAW || conf->nosctp;
}

static void again_plan(struct tgcall_signaling *s)
{
	s->again_at = USEC_NEVER;
	if (is_lossy(&s->conf) && s->conf.outgoing && !s->conf.sdp &&
	    s->again_n++ < AGAIN_MAX)
		s->again_at = s->now + AGAIN_AFTER;
}

/* The callee answers each InitialSetup with its own. */
static void again_send(struct tgcall_signaling *s)
{
	s->again_at = USEC_NEVER;
	if (s->has_remote) {
		early_clear(&s->local_early);
		return;
	}
	again_plan(s);
	setup_send(s);
	candidates_release(s);
}

/* -- from the negotiation and the carriage ------------------------------- */

static void on_negotiation_text(struct bytes json, void *arg)
{
	struct tgcall_signaling *s = arg;

	carriage_send(s->carriage, json, s->now);
}

static void on_send_open(const struct tgcall_channel *c, void *arg)
{
	struct tgcall_signaling *s = arg;

	signaling_events_put(&s->events, SIGNALING_EVENT_SEND_OPEN, c,
			     sizeof(*c));
}

static void on_recv_open(const struct tgcall_channel *c, void *arg)
{
	struct tgcall_signaling *s = arg;

	signaling_events_put(&s->events, SIGNALING_EVENT_RECV_OPEN, c,
			     sizeof(*c));
}

static void on_blob(struct bytes blob, void *arg)
{
	struct tgcall_signaling *s = arg;

	signaling_events_put(&s->events, SIGNALING_EVENT_BLOB, blob.p, blob.n);
}

static void candidate_tell(struct tgcall_signaling *s, const char *candidate)
{
	signaling_events_put(&s->events, SIGNALING_EVENT_CANDIDATE, candidate,
			     strlen(candidate));
}

static bool transport_equal(const struct tgcall_transport *a,
			    const struct tgcall_transport *b)
{
	return strcmp(a->ufrag, b->ufrag) == 0 && strcmp(a->pwd, b->pwd) == 0 &&
	       a->renomination == b->renomination && a->setup == b->setup &&
	       memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint)) ==
		       0;
}

static void transport_note(struct tgcall_signaling *s,
			   const struct tgcall_transport *t)
{
	if (!s->has_remote || !transport_equal(t, &s->remote)) {
		s->has_remote = true;
		s->remote = *t;
		signaling_events_put(&s->events, SIGNALING_EVENT_TRANSPORT, t,
				     sizeof(*t));
	}
	for (size_t i = 0; i < s->remote_early.n; i++)
		candidate_tell(s, s->remote_early.candidates[i]);
	early_clear(&s->remote_early);
}

static void on_setup(struct tgcall_signaling *s,
		     const struct tgcall_transport *t)
{
	transport_note(s, t);
	/* E.6, callee: "reply with own InitialSetup (once more for each
	 * InitialSetup received; identical content)" */
	if (!s->conf.outgoing)
		setup_send(s);
}

static void on_candidates(struct tgcall_signaling *s,
			  const struct signal_message *m)
{
	s->peer_is_web |= m->has_mid;
	for (size_t i = 0; i < m->candidates_n; i++) {
		if (s->has_remote)
			candidate_tell(s, m->candidates[i]);
		else
			early_add(&s->remote_early, m->candidates[i]);
	}
}

static int on_description(struct tgcall_signaling *s,
			  const struct signal_message *m)
{
	int err = sdp_exchange_input(&s->exchange, m->type == SIGNAL_OFFER,
				     m->sdp);

	if (err)
		count_bad("signaling", "sdp",
			  "a description was not understood");
	candidates_release(s);
	return err;
}

static int on_message(struct tgcall_signaling *s, struct signal_message *m)
{
	bool sdp = s->conf.sdp;

	switch (m->type) {
	case SIGNAL_INITIAL_SETUP:
		if (!sdp)
			on_setup(s, &m->setup);
		return 0;
	case SIGNAL_NEGOTIATE_CHANNELS:
		if (!sdp)
			negotiation_input(&s->negotiation, &m->negotiation,
					  s->now);
		return 0;
	case SIGNAL_OFFER:
	case SIGNAL_ANSWER:
		return sdp ? on_description(s, m) : 0;
	case SIGNAL_CANDIDATES:
	case SIGNAL_SDP_CANDIDATE:
		on_candidates(s, m);
		return 0;
	case SIGNAL_MEDIA_STATE:
		signaling_events_put(&s->events, SIGNALING_EVENT_MEDIA_STATE,
				     &m->state, sizeof(m->state));
		return 0;
	case SIGNAL_UNKNOWN:
		break;
	}
	return 0;
}

static int on_text(struct bytes text, void *arg)
{
	struct signal_message m;
	int err = signal_message_parse(&m, text);

	if (err)
		count_bad("signaling", "json", "a message was not understood");
	else
		err = on_message(arg, &m);
	signal_message_clear(&m);
	return err;
}

static void on_exchange_transport(const struct tgcall_transport *t, void *arg)
{
	transport_note(arg, t);
}

static void on_exchange_candidate(struct bytes candidate, void *arg)
{
	struct tgcall_signaling *s = arg;

	signaling_events_put(&s->events, SIGNALING_EVENT_CANDIDATE, candidate.p,
			     candidate.n);
}

/* -- the outer interface ------------------------------------------------- */

static enum carriage_mode mode_of(const struct tgcall_signaling_conf *conf)
{
	switch (conf->framing) {
	case TGCALL_FRAMING_RAW:
		return CARRIAGE_RAW;
	case TGCALL_FRAMING_ACKED:
		return CARRIAGE_ACKED;
	case TGCALL_FRAMING_SCTP:
		break;
	}
	return conf->nosctp ? CARRIAGE_GZIP : CARRIAGE_SCTP;
}

static void ssrc_ensure(struct tgcall_signaling *s)
{
	while (!s->conf.ssrc)
		s->conf.random(&s->conf.ssrc, sizeof(s->conf.ssrc),
			       s->conf.random_arg);
}

static void exchange_make(struct tgcall_signaling *s)
{
	const struct sdp_exchange_conf conf = {
		.ssrc = s->conf.ssrc,
		.local = s->conf.local,
		.random = s->conf.random,
		.random_arg = s->conf.random_arg,
		.text = on_negotiation_text,
		.transport = on_exchange_transport,
		.candidate = on_exchange_candidate,
		.send_open = on_send_open,
		.recv_open = on_recv_open,
		.arg = s,
	};

	sdp_exchange_init(&s->exchange, &conf);
}

int tgcall_signaling_new(struct tgcall_signaling **sp,
			 const struct tgcall_signaling_conf *conf)
{
	struct tgcall_signaling *s = calloc(1, sizeof(*s));
	struct negotiation_conf negotiation = {
		.outgoing = conf->outgoing,
		.lossy = is_lossy(conf),
		.text = on_negotiation_text,
		.send_open = on_send_open,
		.recv_open = on_recv_open,
		.arg = s,
	};
	struct carriage_conf carriage = {
		.mode = mode_of(conf),
		.outgoing = conf->outgoing,
		.key = conf->key,
		.sctp_first = conf->sctp_first,
		.sctp_cap = conf->sctp_cap,
		.blob = on_blob,
		.text = on_text,
		.arg = s,
	};
	int err;

	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	bytes_wipe(s->conf.key, sizeof(s->conf.key));
	s->again_at = USEC_NEVER;
	if (!s->conf.random)
		s->conf.random = default_random;
	ssrc_ensure(s);
	negotiation.ssrc = s->conf.ssrc;
	negotiation.random = carriage.random = s->conf.random;
	negotiation.random_arg = carriage.random_arg = s->conf.random_arg;
	signaling_events_init(&s->events);
	negotiation_init(&s->negotiation, &negotiation);
	if (s->conf.sdp)
		exchange_make(s);
	err = carriage_new(&s->carriage, &carriage);
	if (err)
		tgcall_signaling_free(&s);
	else
		*sp = s;
	return err;
}

void tgcall_signaling_free(struct tgcall_signaling **sp)
{
	struct tgcall_signaling *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	carriage_free(&s->carriage);
	negotiation_clear(&s->negotiation);
	sdp_exchange_clear(&s->exchange);
	signaling_events_clear(&s->events);
	early_clear(&s->local_early);
	early_clear(&s->remote_early);
	bytes_wipe(s, sizeof(*s));
	free(s);
}

void tgcall_signaling_start(struct tgcall_signaling *s, usec_t now)
{
	if (s->is_started)
		return;
	s->is_started = true;
	s->now = now;
	if (s->conf.outgoing) {
		again_plan(s);
		carriage_open(s->carriage, now);
		if (s->conf.sdp) {
			sdp_exchange_offer(&s->exchange);
		} else { /* in the order of the apps */
			negotiation_start(&s->negotiation, now);
			setup_send(s);
		}
	}
	candidates_release(s);
	events_run(s);
}

int tgcall_signaling_input(struct tgcall_signaling *s, struct bytes blob,
			   usec_t now)
{
	int err;

	s->now = now;
	err = carriage_input(s->carriage, blob, now);
	events_run(s);
	return err;
}

int tgcall_signaling_input_plain(struct tgcall_signaling *s, struct bytes plain,
				 usec_t now)
{
	int err;

	s->now = now;
	err = carriage_input_plain(s->carriage, plain, now);
	events_run(s);
	return err;
}

void tgcall_signaling_candidate(struct tgcall_signaling *s,
				const char *candidate, usec_t now)
{
	s->now = now;
	if (candidates_may_go(s))
		candidate_send(s, candidate);
	if (!candidates_may_go(s) || s->again_at != USEC_NEVER)
		early_add(&s->local_early, candidate);
	events_run(s);
}

void tgcall_signaling_media_state(struct tgcall_signaling *s,
				  const struct tgcall_media_state *state,
				  usec_t now)
{
	struct buf b;

	s->now = now;
	buf_init(&b);
	if (tgcall_media_state_put(&b, state) == 0)
		carriage_send(s->carriage, buf_bytes(&b), now);
	buf_clear(&b);
	events_run(s);
}

int tgcall_signaling_json(struct tgcall_signaling *s, struct bytes json,
			  usec_t now)
{
	int err;

	s->now = now;
	err = on_text(json, s);
	events_run(s);
	return err;
}

usec_t tgcall_signaling_deadline(const struct tgcall_signaling *s)
{
	usec_t a = carriage_deadline(s->carriage);
	usec_t b = negotiation_deadline(&s->negotiation);

	if (s->again_at < a)
		a = s->again_at;
	return a < b ? a : b;
}

void tgcall_signaling_timeout(struct tgcall_signaling *s, usec_t now)
{
	s->now = now;
	carriage_timeout(s->carriage, now);
	negotiation_timeout(&s->negotiation, now);
	if (now >= s->again_at)
		again_send(s);
	events_run(s);
}

bool tgcall_signaling_send_is_open(const struct tgcall_signaling *s)
{
	return s->conf.sdp ? s->exchange.send_open : s->negotiation.send_open;
}

bool tgcall_signaling_recv_is_open(const struct tgcall_signaling *s)
{
	return s->conf.sdp ? s->exchange.recv_open : s->negotiation.recv_open;
}

bool tgcall_signaling_peer_is_web(const struct tgcall_signaling *s)
{
	return s->conf.sdp || s->peer_is_web;
}

enum tgcall_framing tgcall_signaling_framing(const struct tgcall_signaling *s)
{
	switch (carriage_mode(s->carriage)) {
	case CARRIAGE_RAW:
		return TGCALL_FRAMING_RAW;
	case CARRIAGE_ACKED:
		return TGCALL_FRAMING_ACKED;
	case CARRIAGE_GZIP:
	case CARRIAGE_SCTP:
		break;
	}
	return TGCALL_FRAMING_SCTP;
}

bool tgcall_signaling_aborted(const struct tgcall_signaling *s)
{
	return carriage_is_aborted(s->carriage);
}

void tgcall_signaling_close(struct tgcall_signaling *s, usec_t now)
{
	s->now = now;
	carriage_close(s->carriage, now);
	events_run(s);
}

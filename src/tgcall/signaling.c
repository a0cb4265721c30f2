#include "tgcall/signaling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "tgcall/carriage.h"
#include "tgcall/negotiation.h"
#include "tgcall/signal_message.h"
#include "tgcall/signaling_event.h"

#define EARLY_MAX 64 /* candidates kept, each way */

struct early {
	char *candidates[EARLY_MAX];
	size_t n;
};

struct tgcall_signaling {
	struct tgcall_signaling_conf conf;
	struct carriage *carriage;
	struct negotiation negotiation;
	struct signaling_events events;
	bool running; /* handlers are being called */
	bool is_started;
	bool has_remote;
	struct tgcall_transport remote;
	struct early local_early;  /* before the start */
	struct early remote_early; /* before InitialSetup */
	bool peer_is_web;
	usec_t now;
};

/* -- versions ------------------------------------------------------------ */

static const struct {
	const char *version;
	enum tgcall_framing framing;
} versions[] = {
	{"13.0.0", TGCALL_FRAMING_SCTP}, {"12.0.0", TGCALL_FRAMING_SCTP},
	{"9.0.0", TGCALL_FRAMING_ACKED}, {"8.0.0", TGCALL_FRAMING_ACKED},
	{"7.0.0", TGCALL_FRAMING_RAW},
};

const char *const *tgcall_versions(void)
{
	static const char *const names[] = {"13.0.0", "12.0.0", "9.0.0",
					    "8.0.0",  "7.0.0",  NULL};

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

	buf_init(&b);
	if (signal_candidate_put(&b, candidate) == 0)
		carriage_send(s->carriage, buf_bytes(&b), s->now);
	buf_clear(&b);
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

static void on_setup(struct tgcall_signaling *s,
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

static int on_text(struct bytes text, void *arg)
{
	struct tgcall_signaling *s = arg;
	struct signal_message m;
	int err = signal_message_parse(&m, text);

	if (err)
		count_bad("signaling", "json", "a message was not understood");
	else if (m.type == SIGNAL_INITIAL_SETUP)
		on_setup(s, &m.setup);
	else if (m.type == SIGNAL_NEGOTIATE_CHANNELS)
		negotiation_input(&s->negotiation, &m.negotiation, s->now);
	else if (m.type == SIGNAL_CANDIDATES)
		on_candidates(s, &m);
	else if (m.type == SIGNAL_MEDIA_STATE)
		signaling_events_put(&s->events, SIGNALING_EVENT_MEDIA_STATE,
				     &m.state, sizeof(m.state));
	signal_message_clear(&m);
	return err;
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

int tgcall_signaling_new(struct tgcall_signaling **sp,
			 const struct tgcall_signaling_conf *conf)
{
	struct tgcall_signaling *s = calloc(1, sizeof(*s));
	struct negotiation_conf negotiation = {
		.outgoing = conf->outgoing,
		.text = on_negotiation_text,
		.send_open = on_send_open,
		.recv_open = on_recv_open,
		.arg = s,
	};
	struct carriage_conf carriage = {
		.mode = mode_of(conf),
		.outgoing = conf->outgoing,
		.key = conf->key,
		.blob = on_blob,
		.text = on_text,
		.arg = s,
	};
	int err;

	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	bytes_wipe(s->conf.key, sizeof(s->conf.key));
	if (!s->conf.random)
		s->conf.random = default_random;
	ssrc_ensure(s);
	negotiation.ssrc = s->conf.ssrc;
	negotiation.random = carriage.random = s->conf.random;
	negotiation.random_arg = carriage.random_arg = s->conf.random_arg;
	signaling_events_init(&s->events);
	negotiation_init(&s->negotiation, &negotiation);
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
		carriage_open(s->carriage, now);
		/* The order of the apps. */
		negotiation_start(&s->negotiation, now);
		setup_send(s);
	}
	for (size_t i = 0; i < s->local_early.n; i++)
		candidate_send(s, s->local_early.candidates[i]);
	early_clear(&s->local_early);
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
	if (s->is_started)
		candidate_send(s, candidate);
	else
		early_add(&s->local_early, candidate);
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

	return a < b ? a : b;
}

void tgcall_signaling_timeout(struct tgcall_signaling *s, usec_t now)
{
	s->now = now;
	carriage_timeout(s->carriage, now);
	negotiation_timeout(&s->negotiation, now);
	events_run(s);
}

bool tgcall_signaling_send_is_open(const struct tgcall_signaling *s)
{
	return s->negotiation.send_open;
}

bool tgcall_signaling_recv_is_open(const struct tgcall_signaling *s)
{
	return s->negotiation.recv_open;
}

bool tgcall_signaling_peer_is_web(const struct tgcall_signaling *s)
{
	return s->peer_is_web;
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

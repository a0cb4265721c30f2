#include "sim/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "sim/dh.h"

static const char *const sim_behaviour_names[] = {"answer", "decline", "busy",
						  "ignore", "offline"};

/* -- settings
 * ---------------------------------------------------------------------- */

static int sim_app_read(struct sim_app *app, const json_t *o, char why[256])
{
	const char *name = sim_json_text(o, "behaviour", NULL);
	const json_t *versions = json_object_get(o, "versions");
	const json_t *endpoint = json_object_get(o, "endpoint");
	int i = 0;

	while (name && i < 5 && strcmp(name, sim_behaviour_names[i]))
		i++;
	if (i == 5 ||
	    (versions && sim_versions_parse(&app->versions, versions))) {
		snprintf(why, 256, "app: behaviour or versions");
		return -EINVAL;
	}
	if (name)
		app->behaviour = (enum sim_behaviour)i;
	app->ring_after_ms =
		(int)sim_json_int(o, "ring_after_ms", app->ring_after_ms);
	app->after_ms = (int)sim_json_int(o, "after_ms", app->after_ms);
	app->hangup_after_ms =
		(int)sim_json_int(o, "hangup_after_ms", app->hangup_after_ms);
	app->cancel_after_ms =
		(int)sim_json_int(o, "cancel_after_ms", app->cancel_after_ms);
	if (json_object_get(o, "in"))
		snprintf(app->in, sizeof(app->in), "%s",
			 sim_json_text(o, "in", ""));
	if (json_object_get(o, "out"))
		snprintf(app->out, sizeof(app->out), "%s",
			 sim_json_text(o, "out", ""));
	if (json_is_array(endpoint)) {
		json_decref(app->endpoint);
		app->endpoint = json_deep_copy(endpoint);
	}
	return 0;
}

int sim_app_configure(struct sim_account *a, const json_t *o, char why[256])
{
	struct sim_app fresh, *app = a->app;
	int err;

	if (!o)
		return 0;
	if (!app) {
		app = calloc(1, sizeof(*app));
		if (!app)
			return -ENOMEM;
		app->versions = a->world->config->versions;
	}
	fresh = *app;
	json_incref(fresh.endpoint);
	err = sim_app_read(&fresh, o, why);
	json_decref(app->endpoint);
	if (!err) {
		*app = fresh;
		a->app = app;
		return 0;
	}
	app->endpoint = fresh.endpoint;
	if (!a->app)
		sim_app_free(&app);
	return err;
}

void sim_app_free(struct sim_app **ap)
{
	struct sim_app *app = *ap;

	if (!app)
		return;
	json_decref(app->endpoint);
	free(app);
	*ap = NULL;
}

const struct sim_versions *sim_app_versions(const struct sim_account *a)
{
	return &a->app->versions;
}

json_t *sim_app_describe(const struct sim_app *app)
{
	json_t *versions = json_array();

	for (int i = 0; i < app->versions.n; i++)
		json_array_append_new(versions,
				      json_string(app->versions.v[i]));
	return json_pack("{ss si si si si ss ss so}", "behaviour",
			 sim_behaviour_names[app->behaviour], "ring_after_ms",
			 app->ring_after_ms, "after_ms", app->after_ms,
			 "hangup_after_ms", app->hangup_after_ms,
			 "cancel_after_ms", app->cancel_after_ms, "in", app->in,
			 "out", app->out, "versions", versions);
}

/* -- the endpoint program
 * ------------------------------------------------------------ */

static void sim_endpoint_id(char id[40], const struct sim_call *c, int side)
{
	snprintf(id, 40, "%lld-%d", (long long)c->id, side);
}

static struct sim_call *sim_endpoint_call(struct sim_world *w, const char *id,
					  int *side)
{
	char *end;
	struct sim_call *c = sim_call_find(w, strtoll(id, &end, 10));

	*side = *end == '-' && end[1] == '1';
	return c;
}

/* %c: the call's id, %u: the user's id. */
static void sim_path_expand(char dst[512], const char *pattern,
			    const struct sim_call *c, int side)
{
	struct buf b;

	buf_init(&b);
	for (const char *p = pattern; *p; p++) {
		if (p[0] == '%' && p[1] == 'c')
			buf_printf(&b, "%lld", (long long)c->id);
		else if (p[0] == '%' && p[1] == 'u')
			buf_printf(&b, "%lld",
				   (long long)c->legs[side].account->id);
		else {
			buf_u8(&b, (uint8_t)*p);
			continue;
		}
		p++;
	}
	snprintf(dst, 512, "%s", buf_cstr(&b));
	buf_clear(&b);
}

static void sim_argv_add(json_t *argv, const char *option, const char *value)
{
	json_array_append_new(argv, json_string(option));
	if (value)
		json_array_append_new(argv, json_string(value));
}

static void sim_argv_server(json_t *argv, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	sim_argv_add(argv, "--rtc-server", text);
	free(text);
	json_decref(o);
}

static json_t *sim_server(int id, const struct sim_connection *n)
{
	return json_pack("{si ss si}", "id", id, "host",
			 n->ip[0] ? n->ip : n->ipv6, "port", n->port);
}

/* Reflectors are numbered 1..n by their sorted ids; STUN and TURN servers come
 * after them (telegram-wire E.8). */
static void sim_argv_servers(json_t *argv, const struct sim_call *c, int side)
{
	const struct sim_config *config = c->world->config;
	int number = 1;

	for (int i = 0; i < config->connection_count; i++) {
		const struct sim_connection *n = &config->connections[i];
		uint8_t tag[16];
		json_t *o;

		if (!n->reflector)
			continue;
		sim_call_peer_tag(c, i, side, tag);
		o = sim_server(number++, n);
		json_object_set_new(o, "peerTag", sim_json_hex(tag, 16));
		json_object_set_new(o, "isTcp", json_boolean(n->tcp));
		sim_argv_server(argv, o);
	}
	for (int i = 0; i < config->connection_count; i++) {
		const struct sim_connection *n = &config->connections[i];
		json_t *o;

		if (n->reflector)
			continue;
		if (n->stun)
			sim_argv_server(argv, sim_server(number++, n));
		if (!n->turn)
			continue;
		o = sim_server(number++, n);
		json_object_set_new(o, "username", json_string(n->username));
		json_object_set_new(o, "password", json_string(n->password));
		json_object_set_new(o, "isTurn", json_true());
		sim_argv_server(argv, o);
	}
}

static json_t *sim_endpoint_argv(const struct sim_call *c, int side)
{
	const struct sim_leg *leg = &c->legs[side];
	const struct sim_app *app = leg->account->app;
	const json_t *base =
		app->endpoint ? app->endpoint : c->world->config->endpoint;
	json_t *argv = base ? json_deep_copy(base)
			    : json_pack("[s]", "build/gramline-endpoint");
	char text[513];

	sim_argv_add(argv, "--version", c->version);
	sim_argv_add(argv, side ? "--incoming" : "--outgoing", NULL);
	hex_encode(text, leg->call_key, 256);
	sim_argv_add(argv, "--key", text);
	bytes_wipe(text, sizeof(text));
	sim_argv_add(argv, "--p2p", sim_call_p2p(c) ? "1" : "0");
	sim_argv_servers(argv, c, side);
	if (leg->in[0])
		sim_argv_add(argv, "--in", leg->in);
	if (leg->out[0]) {
		sim_path_expand(text, leg->out, c, side);
		sim_argv_add(argv, "--out", text);
	}
	sim_argv_add(argv, "--seconds", "0");
	return argv;
}

static void sim_endpoint_start(struct sim_call *c, int side)
{
	struct sim_endpoint_ops *ops = &c->world->endpoints;
	json_t *argv;
	char id[40];

	c->legs[side].endpoint = true;
	strcpy(c->legs[side].media, "wait");
	sim_call_save(c);
	if (!ops->start)
		return;
	argv = sim_endpoint_argv(c, side);
	sim_endpoint_id(id, c, side);
	ops->start(id, argv, ops->arg);
	json_decref(argv);
}

static void sim_endpoint_line(struct sim_call *c, int side, const char *line)
{
	struct sim_endpoint_ops *ops = &c->world->endpoints;
	char id[40];

	if (!c->legs[side].endpoint || !ops->line)
		return;
	sim_endpoint_id(id, c, side);
	ops->line(id, line, ops->arg);
}

/* -- steps
 * -----------------------------------------------------------------------------
 */

static void sim_app_plan(struct sim_call *c, int side, enum sim_step step,
			 int after_ms)
{
	c->legs[side].step = step;
	c->legs[side].due =
		step == SIM_STEP_NONE
			? USEC_NEVER
			: c->world->now + (usec_t)after_ms * USEC_MS;
	sim_call_save(c);
}

static void sim_app_on_request(struct sim_call *c)
{
	struct sim_leg *leg = &c->legs[1];
	const struct sim_app *app = leg->account->app;

	leg->after_ms = app->after_ms;
	leg->hangup_after_ms = app->hangup_after_ms;
	snprintf(leg->in, sizeof(leg->in), "%s", app->in);
	snprintf(leg->out, sizeof(leg->out), "%s", app->out);
	if (app->behaviour == SIM_BEHAVIOUR_BUSY)
		sim_app_plan(c, 1, SIM_STEP_BUSY, app->ring_after_ms);
	else if (app->behaviour != SIM_BEHAVIOUR_OFFLINE)
		sim_app_plan(c, 1, SIM_STEP_RING, app->ring_after_ms);
}

static void sim_app_broken(struct sim_call *c, int side, const char *what)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)c->id);
	log_warn("sim-call", id, "simulated user hangs up: %s", what);
	sim_world_refused(c->world, what);
	sim_app_plan(c, side, SIM_STEP_BROKEN, 0);
}

/* Checks of the key exchange as an app makes them, then the media. */
static void sim_app_on_active(struct sim_call *c, int side)
{
	struct sim_leg *leg = &c->legs[side];
	const struct sim_public *peer = side ? &c->g_a : &c->g_b;
	uint8_t hash[32];

	if (side) {
		sim_dh_hash(hash, bytes_of(c->g_a.p, c->g_a.n));
		if (memcmp(hash, c->g_a_hash, 32) != 0) {
			sim_app_broken(c, side, "app-g_a_hash");
			return;
		}
		if (sim_dh_key(leg->call_key, bytes_of(peer->p, peer->n),
			       leg->secret)) {
			sim_app_broken(c, side, "app-g_a-range");
			return;
		}
	}
	if (sim_dh_fingerprint(leg->call_key) != c->fingerprint) {
		sim_app_broken(c, side, "app-fingerprint");
		return;
	}
	sim_endpoint_start(c, side);
	sim_app_plan(c, side,
		     leg->hangup_after_ms ? SIM_STEP_HANGUP : SIM_STEP_NONE,
		     leg->hangup_after_ms);
}

void sim_app_on_call(struct sim_call *c, int side)
{
	switch (c->state) {
	case SIM_CALL_REQUESTED:
		if (side)
			sim_app_on_request(c);
		return;
	case SIM_CALL_ACCEPTED:
		if (!side)
			sim_app_plan(c, 0, SIM_STEP_CONFIRM, 0);
		return;
	case SIM_CALL_ACTIVE:
		sim_app_on_active(c, side);
		return;
	case SIM_CALL_ENDED:
		sim_endpoint_line(c, side, "STOP");
		return;
	default:
		return;
	}
}

static void sim_app_protocol(struct sim_protocol *p,
			     const struct sim_versions *versions)
{
	*p = (struct sim_protocol){true, true, 65, 92, *versions};
}

static void sim_app_ring(struct sim_call *c)
{
	switch (c->legs[1].account->app->behaviour) {
	case SIM_BEHAVIOUR_ANSWER:
		sim_app_plan(c, 1, SIM_STEP_ANSWER, c->legs[1].after_ms);
		break;
	case SIM_BEHAVIOUR_DECLINE:
		sim_app_plan(c, 1, SIM_STEP_DECLINE, c->legs[1].after_ms);
		break;
	default:
		sim_app_plan(c, 1, SIM_STEP_NONE, 0);
	}
	sim_call_receive(c, 0);
}

static void sim_app_answer(struct sim_call *c)
{
	uint8_t g_b[256];
	struct sim_protocol p;
	const struct sim_fault *f;

	sim_app_protocol(&p, sim_app_versions(c->legs[1].account));
	sim_dh_draw(c->legs[1].secret, g_b);
	sim_app_plan(c, 1, SIM_STEP_NONE, 0);
	f = sim_call_accept(c, 0, bytes_of(g_b, sizeof(g_b)), &p);
	if (f) {
		sim_world_refused(c->world, f->kind);
		sim_call_end(c, 1, SIM_REASON_DISCONNECT);
	}
}

static void sim_app_confirm(struct sim_call *c)
{
	struct sim_leg *leg = &c->legs[0];
	struct sim_public g_a = c->g_a;
	const struct sim_fault *f = NULL;

	sim_app_plan(c, 0, SIM_STEP_NONE, 0);
	if (sim_dh_key(leg->call_key, bytes_of(c->g_b.p, c->g_b.n),
		       leg->secret)) {
		sim_app_broken(c, 0, "app-g_b-range");
		return;
	}
	f = sim_call_confirm(c, 0, bytes_of(g_a.p, g_a.n),
			     sim_dh_fingerprint(leg->call_key), &leg->protocol);
	if (f)
		sim_app_broken(c, 0, f->kind);
}

void sim_app_step(struct sim_call *c, int side)
{
	enum sim_step step = c->legs[side].step;

	c->legs[side].step = SIM_STEP_NONE;
	c->legs[side].due = USEC_NEVER;
	switch (step) {
	case SIM_STEP_NONE:
		return;
	case SIM_STEP_RING:
		sim_app_ring(c);
		return;
	case SIM_STEP_ANSWER:
		sim_app_answer(c);
		return;
	case SIM_STEP_DECLINE:
	case SIM_STEP_BUSY:
		sim_call_end(c, side, SIM_REASON_BUSY);
		return;
	case SIM_STEP_CONFIRM:
		sim_app_confirm(c);
		return;
	case SIM_STEP_HANGUP:
		sim_call_end(c, side, SIM_REASON_HANGUP);
		return;
	case SIM_STEP_CANCEL:
		sim_call_end(c, side, SIM_REASON_MISSED);
		return;
	case SIM_STEP_BROKEN:
		sim_call_end(c, side, SIM_REASON_DISCONNECT);
		return;
	}
}

/* -- calling
 * -----------------------------------------------------------------------------
 */

static void sim_app_call_options(struct sim_leg *leg, const struct sim_app *app,
				 const json_t *o)
{
	leg->hangup_after_ms =
		(int)sim_json_int(o, "hangup_after_ms", app->hangup_after_ms);
	leg->cancel_after_ms =
		(int)sim_json_int(o, "cancel_after_ms", app->cancel_after_ms);
	snprintf(leg->in, sizeof(leg->in), "%s",
		 sim_json_text(o, "in", app->in));
	snprintf(leg->out, sizeof(leg->out), "%s",
		 sim_json_text(o, "out", app->out));
}

const struct sim_fault *sim_app_call(struct sim_call **cp,
				     const struct sim_app_call *r)
{
	struct sim_versions versions = r->from->app->versions;
	const json_t *list = json_object_get(r->options, "versions");
	uint8_t secret[256], hash[32];
	struct sim_public g_a = {.n = 256};
	struct sim_protocol p;
	const struct sim_fault *f;
	struct sim_call *c;

	if (list && sim_versions_parse(&versions, list))
		return SIM_FAULT(400, "CALL_PROTOCOL_FLAGS_INVALID",
				 "app-versions");
	sim_app_protocol(&p, &versions);
	sim_dh_draw(secret, g_a.p);
	sim_dh_hash(hash, bytes_of(g_a.p, g_a.n));
	f = sim_call_request(&c, r->from->world,
			     &(struct sim_call_request){
				     .caller = r->from,
				     .callee = r->to,
				     .random_id = (int32_t)random_u32(),
				     .video = r->video,
				     .g_a_hash = bytes_of(hash, 32),
				     .protocol = &p,
			     });
	if (f)
		return f;
	memcpy(c->legs[0].secret, secret, sizeof(secret));
	bytes_wipe(secret, sizeof(secret));
	c->g_a = g_a;
	sim_app_call_options(&c->legs[0], r->from->app, r->options);
	sim_app_plan(c, 0,
		     c->legs[0].cancel_after_ms ? SIM_STEP_CANCEL
						: SIM_STEP_NONE,
		     c->legs[0].cancel_after_ms);
	*cp = c;
	return NULL;
}

/* -- media events
 * ----------------------------------------------------------------------------
 */

void sim_app_on_signal(struct sim_call *c, int side, struct bytes data)
{
	struct buf line;

	buf_init(&line);
	buf_str(&line, "SIG ");
	for (size_t i = 0; i < data.n; i++)
		buf_printf(&line, "%02x", data.p[i]);
	sim_endpoint_line(c, side, buf_cstr(&line));
	buf_clear(&line);
}

static void sim_app_on_blob(struct sim_call *c, int side, const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *data = malloc(n ? n : 1);
	const struct sim_fault *f;

	if (data && !hex_decode(data, n, hex, strlen(hex))) {
		f = sim_call_signal(c, side, 0, bytes_of(data, n));
		if (f && c->state != SIM_CALL_ENDED)
			sim_world_refused(c->world, f->kind);
	} else {
		sim_world_refused(c->world, "endpoint-blob");
	}
	free(data);
}

static void sim_app_on_state(struct sim_call *c, int side, const char *state)
{
	snprintf(c->legs[side].media, sizeof(c->legs[side].media), "%s", state);
	sim_call_save(c);
	sim_world_event(c->world, json_pack("{ss so ss si}", "event", "media",
					    "call", sim_call_describe(c),
					    "state", state, "side", side));
	if (!strcmp(state, "failed"))
		sim_call_end(c, side, SIM_REASON_DISCONNECT);
}

void sim_app_on_line(struct sim_world *w, const char *id, const char *line)
{
	int side;
	struct sim_call *c = sim_endpoint_call(w, id, &side);

	if (!c)
		return;
	if (!strncmp(line, "SIG ", 4)) {
		sim_app_on_blob(c, side, line + 4);
	} else if (!strncmp(line, "STATE ", 6)) {
		sim_app_on_state(c, side, line + 6);
	} else if (!strncmp(line, "STATS ", 6)) {
		free(c->legs[side].stats);
		c->legs[side].stats = strdup(line + 6);
		sim_world_event(w, json_pack("{ss so si}", "event", "stats",
					     "call", sim_call_describe(c),
					     "side", side));
	} else {
		sim_world_refused(w, "endpoint-line");
	}
}

void sim_app_on_exit(struct sim_world *w, const char *id, int status)
{
	int side;
	struct sim_call *c = sim_endpoint_call(w, id, &side);

	if (!c)
		return;
	if (status)
		log_warn("sim-call", id, "endpoint ended with status %d",
			 status);
	strcpy(c->legs[side].media, "ended");
	sim_world_event(w, json_pack("{ss ss si}", "event", "endpoint-exit",
				     "endpoint", id, "status", status));
	sim_call_end(c, side,
		     status ? SIM_REASON_DISCONNECT : SIM_REASON_HANGUP);
}

void sim_app_reattach(struct sim_world *w,
		      bool (*running)(const char *id, void *arg), void *arg)
{
	char id[40];

	for (struct sim_call *c = w->calls; c; c = c->next)
		for (int side = 0; side < 2; side++) {
			if (c->state != SIM_CALL_ACTIVE ||
			    !c->legs[side].endpoint)
				continue;
			sim_endpoint_id(id, c, side);
			if (!running(id, arg))
				sim_app_on_exit(w, id, -1);
		}
}

bool sim_app_endpoint_wanted(struct sim_world *w, const char *id)
{
	int side;
	struct sim_call *c = sim_endpoint_call(w, id, &side);

	return c && c->state == SIM_CALL_ACTIVE && c->legs[side].endpoint;
}

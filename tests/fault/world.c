#include "tests/fault/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "mtproto/test_key.h"
#include "sim/control.h"
#include "telegram/branch.h"
#include "telegram/messages.h"

#define OFFICE 501

static const char *const versions[] = {"13.0.0", "9.0.0", "7.0.0", NULL};

static const char config[] =
	"{\"dcs\":[{\"id\":1},{\"id\":2},{\"id\":4}],"
	"\"call\":{\"messages\":false},\"accounts\":["
	"{\"id\":501,\"phone\":\"999669990001\",\"first_name\":\"Office\","
	" \"username\":\"office_line\",\"dc\":2},"
	"{\"id\":1001,\"phone\":\"999660000001\",\"first_name\":\"Anna\","
	" \"username\":\"anna_line\","
	" \"app\":{\"behaviour\":\"answer\",\"ring_after_ms\":50,"
	"          \"after_ms\":1000}},"
	"{\"id\":1002,\"phone\":\"999660000002\",\"first_name\":\"Boris\","
	" \"username\":\"boris_line\","
	" \"app\":{\"behaviour\":\"ignore\",\"ring_after_ms\":50}}]}";

/* -- the simulator ------------------------------------------------------------
 */

static usec_t sim_next(void *arg)
{
	const struct fault_world *w = arg;
	usec_t calls = sim_world_deadline(w->sim);
	usec_t conns = sim_dcs_deadline(w->dcs);

	return calls < conns ? calls : conns;
}

static void sim_turn(void *arg)
{
	struct fault_world *w = arg;

	sim_world_time(w->sim, clock_now(), clock_wall());
	sim_world_tick(w->sim);
	sim_dcs_tick(w->dcs);
}

static void endpoint_start(const char *id, const json_t *argv, void *arg)
{
}

static void endpoint_line(const char *id, const char *line, void *arg)
{
}

static void sim_open(struct fault_world *w, const struct mtp_rsa *rsa,
		     const struct mtp_auth *auth)
{
	struct sim_key *k;
	char why[256] = "";

	if (sim_config_parse(&w->config, config, why) ||
	    sim_store_new(&w->store, ":memory:") ||
	    sim_world_new(&w->sim, &w->config, w->store, why))
		abort();
	w->sim->endpoints =
		(struct sim_endpoint_ops){endpoint_start, endpoint_line, w};
	sim_world_time(w->sim, clock_now(), clock_wall());
	if (sim_dcs_new(&w->dcs, w->sim, NULL, rsa))
		abort();
	if (!auth->present)
		return;
	k = sim_world_key_add(w->sim, auth->key_id, auth->key, 2, 0);
	k->user = OFFICE;
	k->date = sim_world_date(w->sim);
	sim_world_key_save(w->sim, k);
}

void fault_op(struct fault_world *w, const char *format, ...)
{
	char text[512];
	va_list ap;
	json_t *q, *o;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (w->verbose)
		printf("# %8.3f %s\n", (double)clock_now() / 1e6 - 1000, text);
	q = json_loads(text, 0, NULL);
	o = sim_control_run(w->sim, w->dcs, q);
	if (!json_is_true(json_object_get(o, "ok"))) {
		printf("# refused: %s: %s\n", text,
		       sim_json_text(o, "error", ""));
		abort();
	}
	json_decref(o);
	json_decref(q);
	sim_turn(w);
}

bool fault_has_text(struct fault_world *w, int64_t user, const char *text)
{
	const struct sim_account *a = sim_world_account(w->sim, user);

	for (size_t i = 0; i < a->message_count; i++)
		if (a->messages[i].text && !a->messages[i].outgoing &&
		    !strcmp(a->messages[i].text, text))
			return true;
	return false;
}

/* -- the account --------------------------------------------------------------
 */

static void on_state(enum tg_state state, const char *reason, void *arg)
{
	const struct fault_world *w = arg;

	if (w->verbose)
		printf("# %8.3f is %s %s\n", (double)clock_now() / 1e6 - 1000,
		       tg_state_name(state), reason);
}

static void on_event(const struct tg_event *event, void *arg)
{
	struct fault_world *w = arg;
	struct bytes text = event->message.text;

	if (event->kind != TG_EVENT_MESSAGE || event->message.out)
		return;
	w->texts++;
	snprintf(w->last_text, sizeof(w->last_text), "%.*s", (int)text.n,
		 (const char *)text.p);
	if (w->verbose)
		printf("# %8.3f heard: %s\n", (double)clock_now() / 1e6 - 1000,
		       w->last_text);
}

void fault_answered(struct fault_world *w, const struct mtp_error *err,
		    const char *what)
{
	w->answered++;
	snprintf(w->refusal, sizeof(w->refusal), "%s", err ? err->text : "");
	if (w->verbose)
		printf("# %8.3f %s: %d %s\n", (double)clock_now() / 1e6 - 1000,
		       what, err ? err->code : 0, w->refusal);
}

static void on_answer(const struct mtp_error *err, const struct tl_obj *o,
		      void *arg)
{
	fault_answered(arg, err, "query");
}

static void on_sent(const struct mtp_error *err, const struct tg_message *sent,
		    void *arg)
{
	fault_answered(arg, err, "query");
}

static void on_user(const struct mtp_error *err, const struct tg_user *user,
		    void *arg)
{
	fault_answered(arg, err, "look-up");
}

/* err: of the call that should have answered later. */
void fault_asked(struct fault_world *w, int err)
{
	struct mtp_error e = {err, strerror(-err)};

	w->asked++;
	if (err)
		fault_answered(w, &e, "at once");
}

void fault_ask(struct fault_world *w, enum tl_ctor_no no)
{
	struct tl_arena arena;

	tl_arena_init(&arena);
	fault_asked(w, tg_account_query(w->account, tl_new(&arena, no), 0,
					on_answer, w));
	tl_arena_clear(&arena);
}

void fault_ask_dc(struct fault_world *w, int dc, enum tl_ctor_no no)
{
	struct tl_arena arena;

	tl_arena_init(&arena);
	fault_asked(w, tg_account_query_dc(w->account, dc, tl_new(&arena, no),
					   0, on_answer, w));
	tl_arena_clear(&arena);
}

void fault_find(struct fault_world *w, const char *username)
{
	fault_asked(w, tg_resolve(w->account, TG_PEER_USERNAME, username,
				  on_user, w));
}

static struct tg_user fault_user(const struct fault_world *w, int64_t id)
{
	return (struct tg_user){
		.id = id,
		.access_hash = sim_world_access_hash(w->sim, OFFICE, id),
	};
}

void fault_text(struct fault_world *w, int64_t to, const char *text)
{
	struct tg_user user = fault_user(w, to);

	struct tg_draft draft = {.text = text, .format = TG_FORMAT_PLAIN};

	fault_asked(w, tg_message_send(w->account, &user, &draft, on_sent, w));
}

/* -- calls --------------------------------------------------------------------
 */

static struct tg_call **slot_of(struct fault_world *w,
				const struct tg_call *call)
{
	for (unsigned i = 0; i < FAULT_CALLS_MAX; i++)
		if (w->open[i] == call)
			return &w->open[i];
	return NULL;
}

/* Handlers have no call of their own: one argument a call would do, but which
 * of them it was is of no interest here. */
static void on_call_state(enum tg_call_state state, void *arg)
{
	struct fault_world *w = arg;

	w->rang += state == TG_CALL_RINGING;
	if (w->verbose)
		printf("# %8.3f call: %d\n", (double)clock_now() / 1e6 - 1000,
		       state);
}

static void on_call_ended(const struct tg_call_end *end, void *arg)
{
	struct fault_world *w = arg;

	w->calls_ended++;
	snprintf(w->call_error, sizeof(w->call_error), "%s", end->error);
	if (w->verbose)
		printf("# %8.3f call ended: %d %s\n",
		       (double)clock_now() / 1e6 - 1000, end->error_code,
		       end->error);
}

static const struct tg_call_handlers call_handlers = {
	.state = on_call_state,
	.ended = on_call_ended,
};

void fault_call(struct fault_world *w, int64_t to)
{
	struct tg_call **slot = slot_of(w, NULL);
	struct tg_user user = fault_user(w, to);

	if (!slot || tg_call_request(slot, w->account, &user, versions,
				     &call_handlers, w))
		return;
	w->calls++;
}

static void on_incoming(struct tg_call *call, const struct tg_user *from,
			void *arg)
{
	struct fault_world *w = arg;
	struct tg_call **slot = slot_of(w, NULL);

	if (!slot || tg_call_take(call, versions, &call_handlers, w))
		return;
	*slot = call;
	w->calls++;
	w->rang++;
	if (net_draw(2))
		tg_call_accept(call);
}

void fault_hang_up(struct fault_world *w)
{
	for (unsigned i = 0; i < FAULT_CALLS_MAX; i++) {
		if (!w->open[i])
			continue;
		if (tg_call_state(w->open[i]) == TG_CALL_ENDED)
			tg_call_unref(&w->open[i]);
		else
			tg_call_discard(w->open[i], TG_DISCARD_HANGUP, 0);
	}
}

bool fault_is_quiet(struct fault_world *w)
{
	return w->asked == w->answered && w->calls == w->calls_ended;
}

/* -- states -------------------------------------------------------------------
 */

const char *fault_state(const struct fault_world *w)
{
	return tg_state_name(tg_account_state(w->account));
}

bool fault_is_ready(struct fault_world *w)
{
	return tg_account_state(w->account) == TG_STATE_READY;
}

bool fault_is_settled(struct fault_world *w)
{
	return fault_is_ready(w) ||
	       tg_state_is_over(tg_account_state(w->account));
}

/* -- time ---------------------------------------------------------------------
 */

void fault_pass(struct fault_world *w, usec_t time)
{
	net_run(clock_now() + time, NULL, NULL);
}

struct waiting {
	struct fault_world *w;
	bool (*reached)(struct fault_world *w);
};

static bool is_reached(void *arg)
{
	const struct waiting *waiting = arg;

	return waiting->reached(waiting->w);
}

bool fault_until(struct fault_world *w, usec_t time,
		 bool (*reached)(struct fault_world *w))
{
	struct waiting waiting = {w, reached};

	return net_run(clock_now() + time, is_reached, &waiting);
}

/* -- life ---------------------------------------------------------------------
 */

static void account_open(struct fault_world *w, const struct mtp_rsa *rsa,
			 const struct mtp_auth *auth)
{
	struct tg_dc dcs[3];
	struct tg_account_conf conf = {
		.name = "office",
		.api_id = 17,
		.api_hash = "feed",
		.dcs = dcs,
		.dcs_n = 3,
		.rsa = rsa,
		.link = &w->link,
		.dc_id = auth->present ? 2 : 1,
		.auth = *auth,
		.logged_in = auth->present,
		.handlers = {.state = on_state,
			     .event = on_event,
			     .incoming = on_incoming},
		.arg = w,
	};

	memset(dcs, 0, sizeof(dcs));
	for (int i = 0; i < 3; i++) {
		dcs[i].id = w->config.dcs[i].id;
		dcs[i].port = w->sim->dc_ports[i];
		strcpy(dcs[i].host, "127.0.0.1");
	}
	if (tg_account_new(&w->account, &conf) || tg_account_start(w->account))
		abort();
}

/* Every transport, plain and obfuscated; every eighth with temporary keys,
 * half of these so short-lived that they change meanwhile. */
static void link_choose(struct fault_world *w, uint64_t seed)
{
	w->link.transport = (enum mtp_transport_kind)(seed % 4);
	w->link.obfuscated =
		seed % 3 && w->link.transport != MTP_TRANSPORT_FULL;
	if (seed % 8 == 5)
		w->link.temporary_s = seed % 16 == 5 ? 86400 : 120;
}

static void world_open(struct fault_world *w, uint64_t seed, bool verbose,
		       bool logged_in)
{
	static struct mtp_rsa *client_rsa, *server_rsa;
	struct net_conf conf = {seed, sim_next, sim_turn, w};
	struct mtp_auth auth = {.present = logged_in};

	if (!client_rsa)
		test_key_new(&client_rsa, &server_rsa);
	memset(w, 0, sizeof(*w));
	w->verbose = verbose;
	link_choose(w, seed);
	net_open(&conf);
	random_bytes(auth.key, sizeof(auth.key));
	auth.key_id = mtp_key_id(auth.key);
	sim_open(w, server_rsa, &auth);
	account_open(w, client_rsa, &auth);
}

void fault_world_open(struct fault_world *w, uint64_t seed, bool verbose)
{
	world_open(w, seed, verbose, true);
}

void fault_world_open_new(struct fault_world *w, uint64_t seed, bool verbose)
{
	world_open(w, seed, verbose, false);
}

bool fault_world_close(struct fault_world *w)
{
	bool clean;

	for (unsigned i = 0; i < FAULT_CALLS_MAX; i++)
		if (w->open[i])
			tg_call_unref(&w->open[i]);
	tg_account_free(&w->account);
	fault_pass(w, USEC_S);
	sim_dcs_free(&w->dcs);
	net_close();
	clean = net_is_empty();
	sim_world_free(&w->sim);
	sim_store_free(&w->store);
	sim_config_clear(&w->config);
	return clean;
}

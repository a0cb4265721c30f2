/* Random sequences of faults between a gateway's account and the simulated
 * Telegram. Whatever happened, when the faults stop the session works again
 * within minutes, or it is in a named dead state that one of the faults was
 * to cause. The seeds are 1 to 1000.
 *
 *     sequence_test SEED          one of them, told as it goes
 *     sequence_test FIRST LAST    others
 */
#include <stdlib.h>

#include "base/log.h"
#include "tests/check.h"
#include "tests/fault/world.h"

#define SEEDS 1000
#define FAULTS_MAX 8
/* "Back-off ... 5 s", differences "1, 2, 4 .. 60 s" (A.8), floods of 90 s. */
#define RECOVERY (300 * USEC_S)
/* A frozen account is asked for hourly. */
#define THAW (3 * 3600 * USEC_S)

/* A session asks and pings; it does not repeat itself at the network's speed.
 * In three hours of a freeze it pings 432 times. */
#define WRITES_MAX 6000

static struct fault_world w;
static unsigned most; /* writes in one sequence */

/* -- what goes wrong ----------------------------------------------------------
 */

static const char *const methods[] = {
	"",
	"",
	"help.getConfig",
	"updates.getState",
	"updates.getDifference",
	"users.getUsers",
	"messages.sendMessage",
	"contacts.resolveUsername",
	"phone.requestCall",
	"phone.confirmCall",
	"phone.receivedCall",
	"phone.discardCall",
	"messages.getDhConfig",
};

static const struct {
	int code;
	const char *text;
} errors[] = {
	{500, "WORKER_BUSY_TOO_LONG_RETRY"},
	{500, "INTERNAL"},
	{-503, "Timeout"},
	{420, "FLOOD_WAIT_3"},
	{420, "FLOOD_WAIT_90"},
	{420, "FLOOD_PREMIUM_WAIT_5"},
	{400, "CONNECTION_NOT_INITED"},
	{400, "CONNECTION_LAYER_INVALID"},
	{400, "MSG_WAIT_FAILED"},
	{400, "PERSISTENT_TIMESTAMP_INVALID"},
	{400, "PEER_FLOOD"},
	{303, "FILE_MIGRATE_4"},
	{303, "USER_MIGRATE_4"},
	{303, "NETWORK_MIGRATE_1"},
	{403, "USER_PRIVACY_RESTRICTED"},
	{406, "CHANNEL_PRIVATE"},
	{401, "SESSION_PASSWORD_NEEDED"},
};

static const char *const updates[] = {"", "updateNewMessage", "updatePhoneCall",
				      "updateUserStatus"};

static const char *const hostilities[] = {"msg-key", "replay", "session",
					  "padding", "msg-id", "msg-id-time"};

/* What ends a session, and the state it then is in (telegram/state.h). */
static const struct end {
	const char *reason, *state;
	int code; /* of one refused query; 0: the log-in is revoked */
} ends[] = {
	{"AUTH_KEY_UNREGISTERED", "key_unregistered", 0},
	{"SESSION_REVOKED", "revoked", 0},
	{"SESSION_EXPIRED", "expired", 0},
	{"USER_DEACTIVATED", "deactivated", 0},
	{"USER_DEACTIVATED_BAN", "banned", 0},
	{"AUTH_KEY_DUPLICATED", "duplicated", 406},
	{"AUTH_KEY_INVALID", "key_unregistered", 401},
	{"UPDATE_APP_TO_LOGIN", "update_app_to_login", 406},
	{"API_ID_INVALID", "api_id_invalid", 400},
	{"forget", "key_unknown", 0},
};

/* Those that this sequence has called for. */
static const struct end *called[FAULTS_MAX];
static unsigned called_n;
static bool frozen;

#define DRAW(list) ((list)[net_draw(sizeof(list) / sizeof((list)[0]))])

static void error(void)
{
	unsigned i = net_draw(sizeof(errors) / sizeof(errors[0]));

	fault_op(&w,
		 "{\"op\":\"fault\",\"fault\":\"error\",\"method\":\"%s\","
		 "\"code\":%d,\"text\":\"%s\",\"times\":%u}",
		 DRAW(methods), errors[i].code, errors[i].text,
		 1 + net_draw(4));
}

static void query(void)
{
	static const char *const faults[] = {
		"hang",        "hang",
		"slow",        "slow",
		"drop-before", "drop-answer",
		"drop-after",  "difference-too-long"};

	fault_op(&w,
		 "{\"op\":\"fault\",\"fault\":\"%s\",\"method\":\"%s\","
		 "\"ms\":%u,\"times\":%u}",
		 DRAW(faults), DRAW(methods), 1 + net_draw(30000),
		 1 + net_draw(4));
}

static void update(void)
{
	static const char *const faults[] = {"lose",  "repeat",   "swap",
					     "delay", "too-long", "unknown"};

	fault_op(&w,
		 "{\"op\":\"fault\",\"fault\":\"%s\",\"update\":\"%s\","
		 "\"ms\":%u,\"skip\":%u,\"times\":%u}",
		 DRAW(faults), DRAW(updates), 1 + net_draw(3000), net_draw(2),
		 1 + net_draw(3));
}

static void hostile(void)
{
	fault_op(&w, "{\"op\":\"hostile\",\"mode\":\"%s\",\"next\":%u}",
		 DRAW(hostilities), 1 + net_draw(2));
	fault_op(&w, "{\"op\":\"drop\"}");
}

static void connection(void)
{
	switch (net_draw(5)) {
	case 0:
		fault_op(&w, "{\"op\":\"drop\"}");
		break;
	case 1:
		fault_op(&w, "{\"op\":\"refuse\"}");
		fault_op(&w, "{\"op\":\"drop\"}");
		fault_pass(&w, net_draw(60000) * USEC_MS);
		fault_op(&w, "{\"op\":\"refuse\",\"on\":false}");
		break;
	case 2:
		fault_op(&w, "{\"op\":\"silence\",\"ms\":%u}",
			 1 + net_draw(120000));
		break;
	case 3:
		fault_op(&w, "{\"op\":\"salt\"}");
		break;
	default:
		fault_op(&w, "{\"op\":\"renew\"}");
	}
}

static void clock_off(void)
{
	static const int offsets[] = {-100000, -4000, -400, -200, -31,
				      31,      200,   400,  4000, 100000};

	fault_op(&w, "{\"op\":\"clock\",\"offset_s\":%d}", DRAW(offsets));
}

static void gap(void)
{
	fault_op(&w,
		 "{\"op\":\"status\",\"user\":501,\"about\":1001,\"skip\":%u}",
		 net_draw(3));
}

static void freeze(void)
{
	frozen = true;
	fault_op(&w, "{\"op\":\"set\",\"user\":501,\"frozen\":true}");
}

/* Nobody comes back from these. */
static void end(void)
{
	const struct end *e = &ends[net_draw(sizeof(ends) / sizeof(ends[0]))];

	called[called_n++] = e;
	if (!strcmp(e->reason, "forget"))
		fault_op(&w, "{\"op\":\"forget\",\"user\":501}");
	else if (e->code)
		fault_op(&w,
			 "{\"op\":\"fault\",\"fault\":\"error\","
			 "\"code\":%d,\"text\":\"%s\"}",
			 e->code, e->reason);
	else if (net_draw(2))
		fault_op(&w, "{\"op\":\"set\",\"user\":501,\"banned\":\"%s\"}",
			 e->reason);
	else
		fault_op(&w,
			 "{\"op\":\"logout\",\"user\":501,"
			 "\"reason\":\"%s\"}",
			 e->reason);
}

static void strike(void)
{
	static void (*const faults[])(void) = {
		error,      error,     error,  query,   query,      query,
		query,      update,    update, hostile, connection, connection,
		connection, clock_off, gap,    freeze,
	};

	if (net_draw(50))
		DRAW(faults)();
	else
		end();
}

/* -- what goes on meanwhile ---------------------------------------------------
 */

static void act(void)
{
	switch (net_draw(8)) {
	case 0:
		fault_ask(&w, TL_help_getConfig);
		break;
	case 1:
		fault_find(&w, net_draw(2) ? "anna_line" : "nobody_line");
		break;
	case 2:
		fault_text(&w, 1001, "meanwhile");
		break;
	case 3:
		fault_op(&w, "{\"op\":\"text\",\"user\":1001,\"to\":501,"
			     "\"text\":\"meanwhile\"}");
		break;
	case 4:
		fault_call(&w, 1001 + net_draw(2));
		break;
	case 5:
		/* Another data centre costs a key each time. */
		if (w.link.transport == MTP_TRANSPORT_ABRIDGED)
			fault_ask_dc(&w, 4, TL_help_getNearestDc);
		break;
	case 6:
		fault_hang_up(&w);
		break;
	default:
		break;
	}
}

static void disturb(void)
{
	for (unsigned n = 1 + net_draw(FAULTS_MAX); n > 0; n--) {
		strike();
		for (unsigned k = net_draw(4); k > 0; k--) {
			fault_pass(&w, net_draw(4000) * USEC_MS);
			act();
		}
	}
	fault_pass(&w, net_draw(10000) * USEC_MS);
}

/* -- and afterwards -----------------------------------------------------------
 */

static void stop(void)
{
	fault_op(&w, "{\"op\":\"fault-cancel\"}");
	fault_op(&w, "{\"op\":\"hostile\",\"mode\":\"none\"}");
	fault_op(&w, "{\"op\":\"set\",\"user\":501,\"frozen\":false}");
	fault_op(&w, "{\"op\":\"silence\",\"ms\":0}");
	fault_hang_up(&w);
	fault_pass(&w, 5 * USEC_S); /* what is still under way */
}

static bool text_has_left(struct fault_world *f)
{
	return fault_has_text(f, 1002, "works");
}

static bool text_has_come(struct fault_world *f)
{
	return !strcmp(f->last_text, "works");
}

static bool has_rung(struct fault_world *f)
{
	return f->rang > 0;
}

/* Every proof may meet a connection that is just being replaced: it is tried
 * until the time is over. */
static bool works(const char **what)
{
	bool fine = false;

	*what = "a text sent";
	for (int i = 0; i < 6 && !fine; i++) {
		fault_text(&w, 1002, "works");
		fine = fault_until(&w, RECOVERY / 6, text_has_left);
	}
	if (!fine)
		return false;
	*what = "a text received";
	fine = false;
	for (int i = 0; i < 6 && !fine; i++) {
		fault_op(&w, "{\"op\":\"text\",\"user\":1002,\"to\":501,"
			     "\"text\":\"works\"}");
		fine = fault_until(&w, RECOVERY / 6, text_has_come);
	}
	if (!fine)
		return false;
	*what = "a call";
	w.rang = 0;
	for (int i = 0; i < 6; i++) {
		fault_call(&w, 1002);
		if (fault_until(&w, RECOVERY / 6, has_rung))
			return true;
	}
	return false;
}

static bool is_called_for(void)
{
	for (unsigned i = 0; i < called_n; i++)
		if (!strcmp(called[i]->state, fault_state(&w)))
			return true;
	return false;
}

/* Working, or over for one of the reasons that were given to it. */
static bool ends_well(const char **what)
{
	bool fine;

	*what = "the session";
	if (!fault_until(&w, frozen ? THAW : RECOVERY, fault_is_settled))
		return false;
	fine = fault_is_ready(&w) && works(what);
	/* A late answer may still tell of the freeze. */
	if (!fine && frozen && fault_until(&w, THAW, fault_is_settled))
		fine = fault_is_ready(&w) && works(what);
	if (!fine && !is_called_for())
		return false;
	*what = "what was asked and called";
	fault_hang_up(&w);
	return fault_until(&w, RECOVERY, fault_is_quiet);
}

/* How many sequences ended in each state. */
static struct {
	const char *state;
	unsigned n;
} tally[TG_STATES];

static void tally_add(const char *state)
{
	unsigned i = 0;

	while (tally[i].state && strcmp(tally[i].state, state) != 0)
		i++;
	tally[i].state = state;
	tally[i].n++;
}

static unsigned tally_of(const char *state)
{
	for (unsigned i = 0; i < TG_STATES && tally[i].state; i++)
		if (!strcmp(tally[i].state, state))
			return tally[i].n;
	return 0;
}

static bool sequence(unsigned seed, bool verbose)
{
	const char *what = "the beginning";
	bool fine;

	called_n = 0;
	frozen = false;
	fault_world_open(&w, seed, verbose);
	fine = fault_until(&w, 20 * USEC_S, fault_is_ready);
	if (fine) {
		disturb();
		stop();
		fine = ends_well(&what);
	}
	if (fine && net_writes() > WRITES_MAX) {
		what = "what was sent";
		fine = false;
	}
	most = net_writes() > most ? net_writes() : most;
	tally_add(fault_state(&w));
	if (!fine || verbose)
		printf("# seed %u: %s; %s %s; asked %u answered %u, calls %u "
		       "ended %u\n",
		       seed, what, fault_state(&w),
		       tg_account_reason(w.account), w.asked, w.answered,
		       w.calls, w.calls_ended);
	if (!fault_world_close(&w)) {
		printf("# seed %u: timers or connections are left\n", seed);
		fine = false;
	}
	return fine;
}

static unsigned sequences(unsigned first, unsigned last)
{
	unsigned bad = 0;

	for (unsigned seed = first; seed <= last; seed++)
		bad += !sequence(seed, false);
	return bad;
}

static void test_fault_sequences_end_well_or_dead(void)
{
	unsigned bad = sequences(1, SEEDS);

	for (unsigned i = 0; i < TG_STATES && tally[i].state; i++)
		printf("# %4u %s\n", tally[i].n, tally[i].state);
	printf("# %u writes at most\n", most);
	CHECK_INT(bad, 0);
	/* Otherwise nothing was shown. */
	CHECK(tally_of("ready") > SEEDS / 2);
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		CHECK(tally_of(ends[i].state) > 0);
}

int main(int argc, char **argv)
{
	log_set_level(argc == 2 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	if (argc == 2)
		return sequence((unsigned)atoi(argv[1]), true) ? 0 : 1;
	if (argc == 3)
		return sequences((unsigned)atoi(argv[1]),
				 (unsigned)atoi(argv[2])) != 0;
	RUN(test_fault_sequences_end_well_or_dead);
	return check_done();
}

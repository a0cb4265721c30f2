/* Log-ins through random faults: every step is answered once, and when the
 * faults stop the next attempt succeeds, from whatever they left behind.
 *
 *     login_test SEED     one of them, told as it goes
 */
#include <stdlib.h>

#include "base/log.h"
#include "telegram/login.h"
#include "tests/check.h"
#include "tests/fault/world.h"

#define SEEDS 200
#define STEP (60 * USEC_S)
#define ATTEMPTS 8

static struct fault_world w;

static const char *const methods[] = {"",
				      "auth.sendCode",
				      "auth.signIn",
				      "help.getConfig",
				      "updates.getState",
				      "auth.bindTempAuthKey"};

static const struct {
	int code;
	const char *text;
} errors[] = {
	{500, "INTERNAL"},
	{420, "FLOOD_WAIT_5"},
	{303, "PHONE_MIGRATE_2"},
	{303, "NETWORK_MIGRATE_4"},
	{303, "USER_MIGRATE_1"},
	{400, "PHONE_CODE_EXPIRED"},
	{400, "PHONE_CODE_EMPTY"},
	{400, "CONNECTION_NOT_INITED"},
	{406, "SEND_CODE_UNAVAILABLE"},
};

static const char *const faults[] = {"hang", "slow", "drop-before",
				     "drop-answer", "drop-after"};

static const char *const hostilities[] = {
	"nonce",    "server-nonce",   "pq",      "answer-hash",
	"dh-retry", "dh-fail",        "msg-key", "prime-composite",
	"ga-range", "new-nonce-hash", "padding", "fingerprint"};

#define DRAW(list) ((list)[net_draw(sizeof(list) / sizeof((list)[0]))])

static void strike(void)
{
	unsigned i = net_draw(sizeof(errors) / sizeof(errors[0]));

	switch (net_draw(5)) {
	case 0:
	case 1:
		fault_op(&w,
			 "{\"op\":\"fault\",\"fault\":\"error\",\"method\":"
			 "\"%s\",\"code\":%d,\"text\":\"%s\"}",
			 DRAW(methods), errors[i].code, errors[i].text);
		break;
	case 2:
		fault_op(&w,
			 "{\"op\":\"fault\",\"fault\":\"%s\",\"method\":"
			 "\"%s\",\"ms\":%u}",
			 DRAW(faults), DRAW(methods), 1 + net_draw(20000));
		break;
	case 3:
		fault_op(&w, "{\"op\":\"hostile\",\"mode\":\"%s\",\"next\":%u}",
			 DRAW(hostilities), 1 + net_draw(2));
		fault_op(&w, "{\"op\":\"drop\"}");
		break;
	default:
		fault_op(&w, "{\"op\":\"clock\",\"offset_s\":%d}",
			 (int)net_draw(20000) - 10000);
	}
}

/* -- one attempt -------------------------------------------------------------
 */

static void on_code(const struct mtp_error *err,
		    const struct tg_code_sent *sent, void *arg)
{
	fault_answered(&w, err, "code");
}

static void on_login(const struct mtp_error *err, const struct tg_user *self,
		     void *arg)
{
	fault_answered(&w, err, "sign-in");
}

static bool is_answered(struct fault_world *f)
{
	return f->asked == f->answered;
}

/* Waits for the answer; err: of the call itself. True: it is a good one. */
static bool step(int err, bool *answered)
{
	fault_asked(&w, err);
	*answered = fault_until(&w, STEP, is_answered);
	return *answered && !w.refusal[0];
}

static const char *code(void)
{
	return w.sim->codes ? w.sim->codes->code : "00000";
}

/* True: logged in. *answered false: a step never was. */
static bool attempt(bool *answered)
{
	return step(tg_login_send_code(w.account, "999669990001", on_code, &w),
		    answered) &&
	       step(tg_login_sign_in(w.account, code(), on_login, &w),
		    answered);
}

/* -- many of them ------------------------------------------------------------
 */

static bool disturbed(bool *in)
{
	bool answered = true;

	for (unsigned n = 1 + net_draw(5); n > 0 && answered && !*in; n--) {
		strike();
		fault_pass(&w, net_draw(3000) * USEC_MS);
		if (net_draw(2))
			*in = attempt(&answered);
	}
	return answered;
}

static bool sequence(unsigned seed, bool verbose)
{
	bool in = false, fine, answered = true;

	fault_world_open_new(&w, seed, verbose);
	fine = disturbed(&in);
	fault_op(&w, "{\"op\":\"fault-cancel\"}");
	fault_op(&w, "{\"op\":\"hostile\",\"mode\":\"none\"}");
	for (int i = 0; i < ATTEMPTS && fine && !in; i++) {
		in = attempt(&answered);
		fine = answered;
		fault_pass(&w, 10 * USEC_S);
	}
	fine = fine && in && fault_until(&w, 2 * STEP, fault_is_ready);
	if (!fine || verbose)
		printf("# seed %u: %s %s; %s; asked %u answered %u, %s\n", seed,
		       fault_state(&w), tg_account_reason(w.account),
		       in ? "logged in" : "not logged in", w.asked, w.answered,
		       w.refusal);
	if (!fault_world_close(&w)) {
		printf("# seed %u: timers or connections are left\n", seed);
		fine = false;
	}
	return fine;
}

static void test_fault_logins_succeed_afterwards(void)
{
	unsigned bad = 0;

	for (unsigned seed = 1; seed <= SEEDS; seed++)
		bad += !sequence(seed, false);
	CHECK_INT(bad, 0);
}

int main(int argc, char **argv)
{
	log_set_level(argc == 2 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	if (argc == 2)
		return sequence((unsigned)atoi(argv[1]), true) ? 0 : 1;
	RUN(test_fault_logins_succeed_afterwards);
	return check_done();
}

/* A stand-in for the MTProto engine: it defines the mtp_client_* functions.
 * Queries are read and answered by hand, in clear. For tests of this folder
 * only.
 */
#ifndef TELEGRAM_ENGINE_FAKE_H
#define TELEGRAM_ENGINE_FAKE_H

#include "mtproto/client.h"

struct fake_query {
	struct buf bytes;
	mtp_answer_h *done;
	void *arg;
};

struct mtp_client {
	struct mtp_client_conf conf;
	struct mtp_auth auth;
	bool up, ready, destroyed;
	struct buf out;
	struct fake_query queries[32];
	unsigned queries_n;
	usec_t ping;
};

extern struct mtp_client *engine; /* the newest one */
extern unsigned engines, connects;

void fake_event(enum mtp_event event, const char *text);
/* Takes the i-th query off; its bytes are the caller's. */
struct fake_query fake_take(struct mtp_client *c, unsigned i);
/* Makes the engine of that data centre the one that is looked at; false: there
 * is none. */
bool look_at(int dc_id);

#endif

/* Simulated users: accounts whose device is played by the simulator itself.
 *
 * It rings, answers, declines, is busy, keeps silent, hangs up and calls, as
 * configured or told at run time; does the key exchange of a call itself
 * (sim/dh.c), and leaves the media to a call endpoint program. Reactions are
 * steps of the call's leg with a due time, never immediate, so nothing
 * happens inside another side's request. One thread.
 */
#ifndef SIM_APP_H
#define SIM_APP_H

#include "sim/call.h"

enum sim_behaviour {
	SIM_BEHAVIOUR_ANSWER,  /* rings, answers after after_ms */
	SIM_BEHAVIOUR_DECLINE, /* rings, then Busy after after_ms */
	SIM_BEHAVIOUR_BUSY,    /* Busy before any device received */
	SIM_BEHAVIOUR_IGNORE,  /* rings, never answers */
	SIM_BEHAVIOUR_OFFLINE, /* never receives */
};

struct sim_app {
	enum sim_behaviour behaviour;
	int ring_after_ms;
	int after_ms;
	int hangup_after_ms; /* 0: never */
	int cancel_after_ms; /* caller gives up; 0: never */
	struct sim_versions versions;
	char in[256], out[256]; /* WAV; %c in `out`: call id, %u: user id */
	json_t *endpoint;       /* command line, array; NULL: the default */
};

struct sim_app_call {
	struct sim_account *from, *to;
	const json_t *options; /* as of "app", for this call only; or NULL */
	bool video;
};

/* Reads the "app" object of an account; NULL: not simulated. Also changes a
 * running one: keys that are missing keep their value. */
int sim_app_configure(struct sim_account *a, const json_t *o, char why[256]);
void sim_app_free(struct sim_app **ap);
const struct sim_versions *sim_app_versions(const struct sim_account *a);
json_t *sim_app_describe(const struct sim_app *app);

const struct sim_fault *sim_app_call(struct sim_call **cp,
				     const struct sim_app_call *r);
/* Called by the call's machine. */
void sim_app_on_call(struct sim_call *c, int side);
void sim_app_on_signal(struct sim_call *c, int side, struct bytes data);
void sim_app_step(struct sim_call *c, int side);

/* From the launcher: a line of an endpoint, its end, and which still run when
 * the data centre comes back. id as given to start. */
void sim_app_on_line(struct sim_world *w, const char *id, const char *line);
void sim_app_on_exit(struct sim_world *w, const char *id, int status);
/* running(): whether the launcher still has it; others are given up. */
void sim_app_reattach(struct sim_world *w,
		      bool (*running)(const char *id, void *arg), void *arg);
/* Is this endpoint part of a call that is not ended? */
bool sim_app_endpoint_wanted(struct sim_world *w, const char *id);

#endif

/* Data centres on sockets: TCP connections with an MTProto engine each, joined
 * to the world as sessions. One thread, the loop's. */
#ifndef SIM_DC_H
#define SIM_DC_H

#include "mtproto/server.h"
#include "sim/loop.h"
#include "sim/world.h"

struct sim_dcs;

/* Opens every data centre of the configuration; a port that was 0 is drawn
 * once and kept in the store. rsa is borrowed. Errors: of listening. */
int sim_dcs_new(struct sim_dcs **dp, struct sim_world *w, struct sim_loop *l,
		const struct mtp_rsa *rsa);
void sim_dcs_free(struct sim_dcs **dp);
usec_t sim_dcs_deadline(const struct sim_dcs *d);
/* Time-outs, and whatever the engines have to send. */
void sim_dcs_tick(struct sim_dcs *d);

/* Faults of connections accepted from now on; next: only of so many, 0 = all.
 */
void sim_dcs_hostile(struct sim_dcs *d, enum mtp_hostile mode, int next);
/* By name as in mtproto/server.h, lower case: "answer-hash". -ENOENT. */
int sim_hostile_parse(enum mtp_hostile *mp, const char *name);
const char *sim_hostile_name(enum mtp_hostile m);
/* Closes connections of one user, or all (0). Returns how many. */
int sim_dcs_drop(struct sim_dcs *d, int64_t user);
/* Refuses (closes at once) or takes new connections. */
void sim_dcs_refuse(struct sim_dcs *d, bool on);
/* Nothing is read or sent on any connection until then; none is closed. */
void sim_dcs_silence(struct sim_dcs *d, usec_t until);
/* Every salt told so far is wrong. */
void sim_dcs_salts_change(struct sim_dcs *d);
/* Sessions are announced anew: their state was lost. */
void sim_dcs_sessions_renew(struct sim_dcs *d);

#endif

/* TL objects of what the simulator knows, as one account sees them. All live
 * in the given arena and borrow text from the world: write them at once.
 * A NULL result (arena full) is reported by tl_write of the whole. */
#ifndef SIM_OBJECT_H
#define SIM_OBJECT_H

#include "sim/call.h"
#include "tl/tl.h"

/* Distinct accounts an answer mentions. */
struct sim_mentions {
	struct sim_account *list[256];
	size_t n;
};

void sim_mention(struct sim_mentions *m, struct sim_account *a);
/* Fills a vector field with the users mentioned, as `viewer` sees them. */
void sim_mentions_put(const struct sim_mentions *m, struct tl_arena *a,
		      struct tl_obj *o, int field,
		      const struct sim_account *viewer);

struct tl_obj *sim_object_user(struct tl_arena *a,
			       const struct sim_account *viewer,
			       const struct sim_account *target);
struct tl_obj *sim_object_peer(struct tl_arena *a, int64_t id);
struct tl_obj *sim_object_message(struct tl_arena *a,
				  const struct sim_account *owner,
				  const struct sim_message *m);
/* The update that stands for one pts step; NULL when its message is gone. */
struct tl_obj *sim_object_event(struct tl_arena *a,
				const struct sim_account *owner,
				const struct sim_event *e);
struct tl_obj *sim_object_notify(struct tl_arena *a); /* peerNotifySettings */
struct tl_obj *sim_object_state(struct tl_arena *a,
				const struct sim_account *owner,
				const struct sim_key *k);
/* The PhoneCall of the call's present state, for one side. */
struct tl_obj *sim_object_call(struct tl_arena *a, const struct sim_call *c,
			       int side);
struct tl_obj *sim_object_json(struct tl_arena *a, const char *text);
/* An empty vector in a field that must not be missing. */
void sim_object_empty(struct tl_arena *a, struct tl_obj *o, int field);
/* `updates` around n updates, with the users mentioned. */
struct tl_obj *sim_object_updates(struct tl_arena *a, struct sim_world *w,
				  struct tl_obj *const *list, uint32_t n,
				  const struct sim_mentions *m,
				  const struct sim_account *viewer,
				  int32_t seq);
enum sim_reason sim_reason_read(const struct tl_obj *o);
/* A log-in as account.getAuthorizations lists it. */
struct tl_obj *sim_object_authorization(struct tl_arena *a,
					const struct sim_key *k, bool current);

#endif

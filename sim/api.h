/* The API: one query in, one answer or error out.
 *
 * sim_api_query() reads the query by the schema, checks layer and log-in and
 * calls the method's function from the tables of the api_*.c files, which
 * answers exactly once. Updates it causes leave after the answer of the method
 * that caused them where clients depend on that order. One thread.
 */
#ifndef SIM_API_H
#define SIM_API_H

#include "sim/fault.h"
#include "sim/object.h"
#include "sim/order.h"
#include "sim/world.h"
#include "tl/tl.h"

struct sim_request {
	struct sim_world *world;
	struct sim_session *session;
	struct sim_key *key;    /* of the log-in; never NULL in a method */
	struct sim_account *me; /* NULL before log-in */
	int64_t msg_id;
	const struct tl_obj *q;
	struct tl_arena *arena;
	bool answered;
	struct sim_order order; /* the fault ordered for this query */
};

enum sim_access {
	SIM_ACCESS_OPEN,  /* also before log-in */
	SIM_ACCESS_LOGIN, /* else 401 AUTH_KEY_UNREGISTERED */
};

typedef void sim_method_h(struct sim_request *r);

struct sim_method {
	enum tl_ctor_no no;
	enum sim_access access;
	sim_method_h *run;
};

/* Tables, ended by run == NULL. */
extern const struct sim_method sim_methods_help[];
extern const struct sim_method sim_methods_auth[];
extern const struct sim_method sim_methods_key[];
extern const struct sim_method sim_methods_password[];
extern const struct sim_method sim_methods_token[];
extern const struct sim_method sim_methods_account[];
extern const struct sim_method sim_methods_users[];
extern const struct sim_method sim_methods_messages[];
extern const struct sim_method sim_methods_send[];
extern const struct sim_method sim_methods_bots[];
extern const struct sim_method sim_methods_upload[];
extern const struct sim_method sim_methods_updates[];
extern const struct sim_method sim_methods_phone[];

/* query: a whole boxed function without wrappers. layer 0: this session never
 * named one. */
void sim_api_query(struct sim_session *s, int64_t msg_id, int32_t layer,
		   bool no_updates, struct bytes query);

void sim_answer(struct sim_request *r, const struct tl_obj *o);
void sim_answer_vector(struct sim_request *r, struct tl_obj *const *items,
		       uint32_t n);
void sim_answer_bool(struct sim_request *r, bool v);
void sim_refuse(struct sim_request *r, const struct sim_fault *f);
/* 420 FLOOD_WAIT_n and its like: text is formatted by the caller. */
void sim_refuse_text(struct sim_request *r, int code, const char *text);

/* InputUser or InputPeer to an account; NULL: unknown or wrong access hash. */
struct sim_account *sim_input_user(const struct sim_request *r,
				   const struct tl_obj *input);

#endif

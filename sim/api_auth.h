/* What the files of the log-in share (sim/api_auth*.c). */
#ifndef SIM_API_AUTH_H
#define SIM_API_AUTH_H

#include "sim/api.h"

/* The key is logged in; auth.authorization, or that inside another answer. */
struct tl_obj *sim_auth_authorize(struct sim_request *r, struct sim_account *a);
void sim_auth_login(struct sim_request *r, struct sim_account *a);
/* True, and refused, when the account's password is still owed. */
bool sim_auth_password_owed(struct sim_request *r, struct sim_account *a);
bool sim_auth_api_known(const struct sim_request *r, int32_t id,
			struct bytes hash);

/* sim/api_auth_token.c: somebody scans a code that a client shows. NULL, or
 * what is wrong with the token; *tokenp is the token. */
const struct sim_fault *sim_auth_token_accept(struct sim_world *w,
					      struct sim_account *a,
					      struct bytes token,
					      struct sim_token **tokenp);

#endif

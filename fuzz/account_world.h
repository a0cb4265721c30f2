/* The world of an account under fuzzing: a connection that is always ready and
 * has no cipher, so that answers and updates go in as they are decrypted, and
 * a clock that only the input moves.
 *
 * It defines what telegram/connection.h and base/clock.h declare. Queries that
 * the target is not about are refused at once; of the others the oldest is
 * answered first.
 */
#ifndef FUZZ_ACCOUNT_WORLD_H
#define FUZZ_ACCOUNT_WORLD_H

#include "telegram/account_core.h"

/* Whether the target answers this query itself. */
typedef bool(account_wanted_h)(enum tl_ctor_no query);

/* The account is started, and its first questions are refused. */
struct tg_account *account_world_open(const struct tg_account_conf *more,
				      account_wanted_h *wanted);
void account_world_close(struct tg_account **ap);

void account_world_update(struct bytes object);
/* An object of the query's result, or an rpc_error. */
void account_world_answer(struct bytes object);
/* So many queries more are taken. */
void account_world_room(int queries);
void account_world_event(enum mtp_event event);
/* Time passes, and the account's timer runs. */
void account_world_time(struct tg_account *a, usec_t passed);

#endif

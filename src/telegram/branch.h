/* Queries on another data centre than the account's own (telegram-wire A.8):
 * files lie where FILE_MIGRATE_X says.
 *
 * A branch is one more connection, made when it is first needed: its own key,
 * the account's authorisation carried over (auth.exportAuthorization here,
 * auth.importAuthorization there), no updates. It is closed after a minute
 * without a query; its key is kept in memory and used again.
 *
 * The account's loop; handlers as in account.h.
 */
#ifndef TELEGRAM_BRANCH_H
#define TELEGRAM_BRANCH_H

#include "telegram/account.h"

/* As tg_account_query(), but the query runs on data centre dc_id (its own,
 * too). Errors: also -EHOSTUNREACH, no address of that data centre is known;
 * -ENOTCONN also when nobody is logged in. done gets, besides what Telegram
 * answers to the query, its error when it would not carry the authorisation
 * over, and 408 "TIMEOUT" when the data centre cannot be reached. */
int tg_account_query_dc(struct tg_account *a, int dc_id,
			const struct tl_obj *query, unsigned flags,
			tg_answer_h *done, void *arg);
/* The data centre that FILE_MIGRATE_X or STATS_MIGRATE_X names; 0: the error is
 * another one. The caller repeats its query there. */
int tg_migrate_dc(const struct mtp_error *err);

#endif

/* How many texts of its own accord the gateway may send to a user (behaviour
 * 3.13: "at most 20 per user and hour"). An engine: reads no clock. */
#ifndef STORAGE_CHAT_BUDGET_H
#define STORAGE_CHAT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define CHAT_BUDGET_TEXTS 20
#define CHAT_BUDGET_WINDOW (3600 * USEC_S)

struct chat_budget;

int chat_budget_new(struct chat_budget **bp);
void chat_budget_free(struct chat_budget **bp);
/* False: he has had his share of the last hour; or no memory. */
bool chat_budget_take(struct chat_budget *b, int64_t user, usec_t now);
/* Users who had a text within the last hour. */
size_t chat_budget_users(struct chat_budget *b, usec_t now);

#endif

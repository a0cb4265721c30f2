/* The Session Storage role (design 2, behaviour 2.4). One control loop. */
#ifndef STORAGE_STORAGE_H
#define STORAGE_STORAGE_H

#include "base/secret.h"
#include "bus/bus.h"
#include "store/store.h"
#include "telegram/account.h"

struct storage;

struct storage_conf {
	const char *id;  /* in bus subjects: "s1" */
	struct bus *bus; /* borrowed for life, like all below */
	struct store *store;
	const struct secret_key *key;
	const struct mtp_rsa *rsa;
	int32_t api_id;
	const char *api_hash;
	const struct tg_dc *dcs;
	size_t dcs_n;
	const struct tg_link *link;
	/* Library versions announced for incoming calls, NULL-terminated. */
	const char *const *versions;
	const char *const *sessions; /* names to keep connected */
	const struct tg_use *uses;   /* of each of them */
	size_t sessions_n;
};

/* Starts connecting every session, but those that are over (state.h); one whose
 * key does not open is. Errors: -ENOMEM; *why names the session. */
int storage_new(struct storage **sp, const struct storage_conf *conf,
		const char **why);
void storage_free(struct storage **sp);

#endif

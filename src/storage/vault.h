/* Authorisation keys at rest: sealed with the key outside the store. */
#ifndef STORAGE_VAULT_H
#define STORAGE_VAULT_H

#include "base/secret.h"
#include "mtproto/client.h"
#include "store/store.h"

/* Seals auth's key into v->key_sealed. -ENOMEM, -ENOSPC. */
int vault_seal(const struct secret_key *k, struct store_session *v,
	       const struct mtp_auth *auth);
/* -ENOENT: the session holds no key; -EKEYREJECTED: not with this key. */
int vault_open(const struct secret_key *k, const struct store_session *v,
	       struct mtp_auth *auth);

#endif

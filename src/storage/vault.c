#include "storage/vault.h"

#include <errno.h>
#include <string.h>

int vault_seal(const struct secret_key *k, struct store_session *v,
	       const struct mtp_auth *auth)
{
	struct buf sealed;
	int err;

	buf_init(&sealed);
	err = secret_seal(k, v->name, bytes_of(auth->key, sizeof(auth->key)),
			  &sealed);
	if (!err && sealed.n > sizeof(v->key_sealed))
		err = -ENOSPC;
	if (!err) {
		memcpy(v->key_sealed, sealed.p, sealed.n);
		v->key_sealed_n = sealed.n;
		v->salt = auth->salt;
		v->time_diff = auth->time_diff;
	}
	buf_clear(&sealed);
	return err;
}

int vault_open(const struct secret_key *k, const struct store_session *v,
	       struct mtp_auth *auth)
{
	struct buf open;
	int err;

	memset(auth, 0, sizeof(*auth));
	if (!v->key_sealed_n)
		return -ENOENT;
	buf_init(&open);
	err = secret_open(k, v->name, bytes_of(v->key_sealed, v->key_sealed_n),
			  &open);
	if (!err && open.n != sizeof(auth->key))
		err = -EKEYREJECTED;
	if (!err) {
		memcpy(auth->key, open.p, sizeof(auth->key));
		auth->present = true;
		auth->salt = v->salt;
		auth->time_diff = v->time_diff;
	}
	buf_clear(&open);
	return err;
}

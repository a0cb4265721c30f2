/* Secrets at rest: the master key that lives outside the store, and sealed
 * values (AES-256-GCM, random nonce, the value's name as associated data, so
 * that one cannot be put in another's place).
 *
 * The key is looked for in this order: the file given; $GRAMLINE_KEY (64 hex
 * digits); $CREDENTIALS_DIRECTORY/gramline.key (systemd). Missing or wrong is
 * a named error, never a reason to make a new log-in. Constant after loading;
 * any thread.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"

struct secret_key;

/* path NULL or "": environment or credential. Text of 64 hex digits, final
 * newline allowed; the file must not be readable by others. Errors: -ENOENT no
 * key anywhere, -EACCES file readable by group or others, -EBADMSG not a key;
 * *why is then a static text. */
int secret_key_load(struct secret_key **kp, const char *path, const char **why);
/* Makes a new key file, mode 0600; -EEXIST. */
int secret_key_create(const char *path);
void secret_key_free(struct secret_key **kp);
/* A short public fingerprint, 8 hex digits, to tell a wrong key. */
void secret_key_check(const struct secret_key *k, char text[9]);

/* Appends the sealed value: version 1, nonce 12, ciphertext, tag 16. */
int secret_seal(const struct secret_key *k, const char *name,
		struct bytes value, struct buf *out);
/* -EKEYREJECTED: wrong key or changed value. */
int secret_open(const struct secret_key *k, const char *name,
		struct bytes sealed, struct buf *out);

#endif

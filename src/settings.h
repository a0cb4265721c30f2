/* The configuration file as the roles need it. See docs/configuration.md.
 * Owns every string its parts point to; constant after reading. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "base/config.h"
#include "base/log.h"
#include "manager/manager.h"
#include "telegram/account.h"
#include "worker/worker.h"

#define SETTINGS_SESSIONS_MAX 8192
#define SETTINGS_DCS_MAX 16

struct settings {
	enum log_level log;
	char path[256];     /* of the file itself */
	char data[256];     /* folder */
	char store[300];    /* DATA/gramline.db */
	char records[300];  /* DATA/calls.jsonl; "" none */
	char control[108];  /* socket */
	char key_file[256]; /* "": environment or credential */

	int32_t api_id;
	char api_hash[64];
	struct tg_dc dcs[SETTINGS_DCS_MAX];
	size_t dcs_n;
	struct mtp_rsa *rsa;
	struct tg_link link;
	char versions[16][16];
	const char *version_list[17]; /* NULL-terminated */
	size_t versions_n;

	char sessions[SETTINGS_SESSIONS_MAX][64];
	const char *session_list[SETTINGS_SESSIONS_MAX];
	char phones[SETTINGS_SESSIONS_MAX][32];
	struct tg_use uses[SETTINGS_SESSIONS_MAX];
	struct manager_session members[SETTINGS_SESSIONS_MAX];
	size_t sessions_n;

	struct trunk *trunks; /* allocated */
	size_t trunks_n;

	struct worker_conf worker; /* id, bus still to be filled */
	char realm[64], public_address[64], telegram_bind[64];
	char certificate[256], private_key[256], ca_file[256];
	char own_certificate[300];
	char captures[300];
};

/* Reads and checks the whole file. Errors: -EINVAL, -EBADMSG, errno of open;
 * err->text names file, line and reason. */
int settings_read(struct settings **sp, const char *path,
		  struct config_error *err);
void settings_free(struct settings **sp);
/* What the Manager takes; points into s. */
struct manager_declared settings_declared(const struct settings *s);
/* Is this codec (behaviour 3.9) in this build? */
bool settings_codec_built(const char *name);

#endif

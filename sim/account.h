/* Accounts: who exists, who knows whom, who may do what; and the message box
 * with its pts. In memory, written through to the store.
 *
 * Static facts come from the configuration at each start, what clients changed
 * (contacts, blocks, privacy, messages) from the store. One thread.
 */
#ifndef SIM_ACCOUNT_H
#define SIM_ACCOUNT_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "sim/message.h"
#include "sim/srp.h"
#include "sim/store.h"

#define SIM_PHONE_MAX 20
#define SIM_NAME_MAX 64
#define SIM_VERSION_MAX 16
#define SIM_VERSIONS 16

enum sim_audience {
	SIM_AUDIENCE_ALL,
	SIM_AUDIENCE_CONTACTS, /* those in the owner's contact list */
	SIM_AUDIENCE_NOBODY,
};

/* What an account may forbid to others. */
enum sim_privacy {
	SIM_PRIVACY_CALL,   /* phone.requestCall */
	SIM_PRIVACY_PHONE,  /* being found by number, number shown */
	SIM_PRIVACY_P2P,    /* peer-to-peer in calls */
	SIM_PRIVACY_GROUPS, /* being added to groups */
	SIM_PRIVACY_COUNT,
};

struct sim_contact {
	int64_t id;
	char first_name[SIM_NAME_MAX];
	char last_name[SIM_NAME_MAX];
};

struct sim_dialog {
	int64_t peer;
	int32_t read_inbox, read_outbox; /* highest ids read */
};

struct sim_versions {
	char v[SIM_VERSIONS][SIM_VERSION_MAX];
	int n;
};

struct sim_app; /* sim/app.h */

struct sim_account {
	struct sim_account *next;
	struct sim_world *world;
	int64_t id;
	int16_t dc;
	char phone[SIM_PHONE_MAX]; /* digits */
	char first_name[SIM_NAME_MAX];
	char last_name[SIM_NAME_MAX];
	char username[SIM_NAME_MAX]; /* "" when none */
	char code[8];                /* fixed log-in code, "" = drawn */
	char ways[4][16];            /* how codes are sent, in turn */
	int way_count;
	int code_timeout_s; /* before the next way */
	struct sim_password password;
	char email[SIM_NAME_MAX]; /* of recovery and of log-in codes */
	char recovery[8];         /* code sent there; "" = none */
	int32_t recovery_expires;
	int password_tries;
	char bot_token[SIM_NAME_MAX];   /* set: a bot */
	char inline_hint[SIM_NAME_MAX]; /* of a bot; set: it takes inline
					 * queries */
	bool forbids_voice;             /* messages, from anybody */
	bool deleted;
	bool frozen;     /* may read, may not act */
	char banned[32]; /* 401 with this text to every query; "" = not */
	enum sim_audience privacy[SIM_PRIVACY_COUNT];
	char version[SIM_VERSION_MAX]; /* forced for its calls, "" = policy */
	int flood_wait_s;              /* phone.requestCall is refused so */
	struct sim_app *app;           /* played by the simulator, or NULL */

	struct sim_contact *contacts;
	size_t contact_count;
	int64_t *blocked;
	size_t blocked_count;
	struct sim_message *messages; /* by id */
	size_t message_count;
	struct sim_event *events; /* by pts */
	size_t event_count;
	struct sim_dialog *dialogs;
	size_t dialog_count;
	int32_t pts;
	int32_t last_message_id;
};

int sim_account_new(struct sim_account **ap, struct sim_world *w, int64_t id);
void sim_account_free(struct sim_account **ap);
void sim_account_save(const struct sim_account *a);
void sim_account_load(struct sim_account *a); /* what the store has on it */

struct sim_contact *sim_account_contact(const struct sim_account *a,
					int64_t id);
/* Adds or renames. -ENOMEM. */
int sim_account_contact_add(struct sim_account *a, int64_t id,
			    struct bytes first_name, struct bytes last_name);
bool sim_account_contact_remove(struct sim_account *a, int64_t id);
bool sim_account_blocks(const struct sim_account *a, int64_t id);
int sim_account_block(struct sim_account *a, int64_t id, bool on);
/* May `other` do this to `a`? Blocked ones may nothing. */
bool sim_account_allows(const struct sim_account *a, enum sim_privacy what,
			int64_t other);

struct sim_dialog *sim_account_dialog(struct sim_account *a, int64_t peer);
/* Moves a read mark; 0: it did not move, else the new pts. */
int32_t sim_account_read(struct sim_account *a, int64_t peer, bool outbox,
			 int32_t max_id);
int sim_account_unread(const struct sim_account *a, int64_t peer);

/* Room for one more of `size` bytes behind n; growth by doubling. -ENOMEM. */
int sim_grow(void *listp, size_t n, size_t size);
/* The read mark alone, without a step of pts. */
bool sim_mark_move(struct sim_account *a, int64_t peer, bool outbox,
		   int32_t max_id);

/* "all", "contacts", "nobody"; -EINVAL. */
int sim_audience_parse(enum sim_audience *ap, const char *text);
const char *sim_audience_name(enum sim_audience a);
/* "13.0.0,9.0.0" or a JSON array of such. */
int sim_versions_parse(struct sim_versions *vs, const json_t *list);
bool sim_versions_has(const struct sim_versions *vs, const char *v);

#endif

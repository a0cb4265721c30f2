/* A trunk: one connection to a PBX (behaviour 3.4), and all its settings.
 *
 * One table says everything about a setting: its key, which kinds have it, how
 * its value is read, its default. The configuration file, the store, commands
 * and the bus all carry texts, key and value, and go through this table; a new
 * setting is a field here, a row in trunk_table.c, and its use.
 *
 * A struct trunk always holds a value for each setting: the given one or the
 * default. Values; no allocation; any thread. Wipe with trunk_wipe().
 */
#ifndef ROUTE_TRUNK_H
#define ROUTE_TRUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRUNK_TRUSTED_MAX 16

enum trunk_kind {
	TRUNK_PBX_TO_GATEWAY, /* the PBX registers with us */
	TRUNK_GATEWAY_TO_PBX, /* we register with the PBX */
	TRUNK_IP,             /* nobody registers */
};

enum trunk_transport { TRUNK_UDP, TRUNK_TCP, TRUNK_TLS };
enum trunk_rel100 {
	TRUNK_REL100_OFF,
	TRUNK_REL100_SUPPORTED,
	TRUNK_REL100_REQUIRED
};
/* P-Asserted-Identity: bits. */
enum trunk_identity { TRUNK_IDENTITY_SEND = 1, TRUNK_IDENTITY_TRUST = 2 };
enum trunk_srtp { TRUNK_SRTP_OFF, TRUNK_SRTP_OPTIONAL, TRUNK_SRTP_REQUIRED };
enum trunk_keying { TRUNK_KEYING_SDES, TRUNK_KEYING_DTLS };
enum trunk_capture {
	TRUNK_CAPTURE_OFF,
	TRUNK_CAPTURE_HEADERS, /* SIP, and RTP without its payload */
	TRUNK_CAPTURE_FULL,
};
enum trunk_preset { TRUNK_PRESET_NONE, TRUNK_PRESET_TG2SIP };

struct trunk {
	char name[64];
	uint64_t given; /* bit: row of the table that is not at its default */

	enum trunk_kind kind;
	char session[64]; /* the Telegram account */
	bool enabled;
	unsigned priority; /* calls from Telegram: 0 is tried first */
	char worker[32];   /* "": any */
	char codecs[96];   /* "opus,alaw": names of 3.9, by preference */
	char dtmf[24];     /* "rfc2833,info,inband": methods of 3.10 */
	enum trunk_preset preset;
	char caller_phone[256], caller_name[256]; /* rules, route/caller.h */
	char dial_rules[512];                     /* route/dial_rules.h */
	enum trunk_srtp srtp;
	enum trunk_keying srtp_keying; /* of our offers */
	char owner[64];                /* "": nobody's */
	unsigned lines;             /* calls at once; 0: no limit of its own */
	unsigned max_calls;         /* more are not taken; 0: no limit */
	char subscription[64];      /* "": none is asked for */
	enum trunk_capture capture; /* every call is */
	bool refer; /* the PBX may transfer calls (REFER, Replaces) */

	char login[64], password[128]; /* not ip */
	char trusted_ips[800];         /* pbx-to-gateway; "": all */

	char domain[128], proxy[128]; /* gateway-to-pbx: HOST or HOST:PORT */

	char address[80]; /* ip: "192.0.2.1:5060", "[2001:db8::1]:5060" */
	char field[200];  /* ip: "X-Office: 5"; trunk_field() takes it apart */

	/* not pbx-to-gateway */
	char number[128]; /* called at the PBX */
	enum trunk_transport transport;
	bool tls_verify; /* its certificate must be good for its name */

	unsigned bindings;      /* pbx-to-gateway: contacts of its login */
	unsigned keepalive;     /* s between OPTIONS, 0: none */
	unsigned session_timer; /* s, RFC 4028; 0: when the PBX asks */
	enum trunk_rel100 rel100;
	unsigned identity; /* enum trunk_identity */
	bool privacy;      /* Telegram callers are not named in From */
};

/* What is wrong, for a person: "KEY: WHY". */
struct trunk_fault {
	const char *key; /* static; NULL: the trunk as a whole */
	char why[200];
};

/* All at their defaults. -EINVAL: the name is empty, longer than 63 bytes, or
 * has characters other than letters, digits, . _ - + and inner blanks. */
int trunk_init(struct trunk *t, const char *name, struct trunk_fault *f);
void trunk_wipe(struct trunk *t);

/* Sets one setting, or leaves t alone. value "": back to the default. Errors:
 * -ENOENT no such setting, -EINVAL not a value of it; f is set. */
int trunk_set(struct trunk *t, const char *key, const char *value,
	      struct trunk_fault *f);
/* The value in force as text, canonical. -ENOENT, -ENOSPC. */
int trunk_get(const struct trunk *t, const char *key, char *dst, size_t room);
/* Not at its default. */
bool trunk_is_given(const struct trunk *t, const char *key);

/* Is this codec (a name of 3.9) in this build? */
typedef bool(trunk_codec_h)(const char *name);
/* What no setting alone can tell: those that its kind requires or does not
 * have, and codecs that are not in this build (built NULL: not asked).
 * -EINVAL; f is set. */
int trunk_check(const struct trunk *t, trunk_codec_h *built,
		struct trunk_fault *f);
/* Allowed, but hardly meant: then true, and f says why. */
bool trunk_doubtful(const struct trunk *t, struct trunk_fault *f);
/* Two trunks that could not be told apart: the same login, or the same address
 * and field. -EEXIST; f speaks of a. */
int trunk_clash(const struct trunk *a, const struct trunk *b,
		struct trunk_fault *f);

const char *trunk_kind_name(enum trunk_kind kind); /* "ip", ... */
/* Header and value of the field; false when there is none. */
bool trunk_field(const struct trunk *t, char name[64], char value[128]);

/* The table, for help and for those who copy settings. */
struct trunk_setting {
	const char *key;
	unsigned kinds;        /* that have it: 1 << enum trunk_kind */
	unsigned required;     /* that need it */
	const char *otherwise; /* the default, "" none */
	const char *tg2sip;    /* the default with that preset; NULL: same */
	const char *help;
	bool secret; /* never shown, kept sealed */
	/* How a value is kept: see trunk_table.c. */
	enum {
		TRUNK_TEXT,
		TRUNK_WORD,
		TRUNK_NUMBER,
		TRUNK_YES_NO,
	} type;
	size_t offset, room;
	/* TRUNK_TEXT: writes the canonical value (room: as above) or says why
	 * not; NULL: any text without control characters. */
	int (*read)(char *dst, size_t room, const char *value, char why[160]);
	const char *const *words; /* TRUNK_WORD: by number, NULL at the end */
	unsigned least, most;     /* TRUNK_NUMBER */
};

/* The i-th row; NULL behind the last. */
const struct trunk_setting *trunk_setting(size_t i);
const struct trunk_setting *trunk_setting_find(const char *key);

#endif

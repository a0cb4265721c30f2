/* Commands from the terminal: through the running gateway when its control
 * socket answers, else through one made for the occasion. */
#ifndef ASK_H
#define ASK_H

#include <jansson.h>

#include "settings.h"

struct gateway;

struct ask {
	const struct settings *settings;
	struct gateway *gateway; /* NULL: the control socket */
	unsigned limit_s;        /* for one answer */
	json_t *answer;
};

/* The session's place in the settings; sessions_n, and a complaint: none. */
size_t ask_session(const struct settings *s, const char *session);
/* limit_s: for the longest answer. Errors are told. */
int ask_open(struct ask *a, const struct settings *s, unsigned limit_s);
void ask_close(struct ask *a);
/* Takes the request; the answer is the caller's, NULL: nobody answered. */
json_t *ask_run(struct ask *a, json_t *request);
/* The same, but waits a minute for the connection to Telegram. */
json_t *ask_connected(struct ask *a, json_t *request);
bool ask_is_ok(json_t *answer);
bool ask_is_error(json_t *answer, const char *text);
/* Prints why; the answer may be NULL. */
void ask_complain(json_t *answer);

#endif

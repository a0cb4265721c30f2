/* Control over a Unix socket: one JSON object a line, either way.
 * The socket's file mode (0600) is the authentication. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

#include "service/service.h"

struct ctl_server;

/* Listens at path; a stale socket is replaced, a live one is -EADDRINUSE;
 * another kind of file is -EEXIST. */
int ctl_server_new(struct ctl_server **sp, const char *path,
		   struct service *service);
void ctl_server_free(struct ctl_server **sp); /* removes the file */

/* Blocking client. Sends request (its reference is taken), waits for the
 * answer. -ENOENT/-ECONNREFUSED: nothing listens; -ETIMEDOUT; -EBADMSG. */
int ctl_ask(json_t **answer, const char *path, json_t *request,
	    unsigned timeout_s);
/* Prints an answer: a table, or with json the raw object. Returns the exit
 * status: 0, or 1 when the answer is an error. */
int ctl_print(json_t *answer, bool json);

#endif

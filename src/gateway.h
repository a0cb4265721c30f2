/* The roles in one process, on one control loop, over a local bus. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "service/service.h"
#include "settings.h"

struct gateway;

enum {
	GATEWAY_WORKER = 1,  /* SIP and media as well */
	GATEWAY_CONTROL = 2, /* the control socket as well */
};

/* Errors are logged with their reason. */
int gateway_new(struct gateway **gp, const struct settings *s, unsigned parts);
/* Ends all calls, then calls done from the loop. */
void gateway_stop(struct gateway *g, void (*done)(void *arg), void *arg);
void gateway_free(struct gateway **gp);
/* Trunks and owners of sessions as the file has them now. Errors: those of
 * settings_read(), -EINVAL for other sessions, errno of the store; nothing has
 * changed then, err says why. */
int gateway_reload(struct gateway *g, struct config_error *err);
struct service *gateway_service(struct gateway *g);

#endif

/* The connections by which phones registered. libre tells the end of one to
 * those who keep it alive; so we do, without a need to send anything. */
#include "sip/stack_priv.h"

#include <string.h>

#include "base/log.h"

/* The longest time that libre can count: what we send then, a phone that knows
 * RFC 5626 answers, and another one registers anew. */
#define KEEPALIVE_S (UINT32_MAX / 1000)

struct connection {
	struct le le;
	struct sip_stack *stack;
	struct sip_keepalive *watch;
	char path[128];
};

static void destructor(void *p)
{
	struct connection *c = p;

	list_unlink(&c->le);
	mem_deref(c->watch);
}

void connection_path(char path[128], const struct sip_msg *msg)
{
	(void)re_snprintf(path, 128, "%s:%J", transport_name(msg->tp),
			  &msg->src);
}

static void closed_handler(int err, void *arg)
{
	struct connection *c = arg;
	struct sip_stack *s = c->stack;
	char path[sizeof(c->path)];

	memcpy(path, c->path, sizeof(path));
	mem_deref(c);
	log_debug("sip", NULL, "connection is closed: %s", path);
	registrar_disconnected(s->registrar, path);
	register_timer_start(s);
}

static bool watched(const struct sip_stack *s, const char *path)
{
	for (struct le *le = s->connections.head; le; le = le->next)
		if (!strcmp(((struct connection *)le->data)->path, path))
			return true;
	return false;
}

void connection_watch(struct sip_stack *s, const struct sip_msg *msg)
{
	struct connection *c;
	char path[128];

	connection_path(path, msg);
	if (msg->tp == SIP_TRANSP_UDP || watched(s, path))
		return;
	c = mem_zalloc(sizeof(*c), destructor);
	if (c) {
		c->stack = s;
		memcpy(c->path, path, sizeof(c->path));
		list_append(&s->connections, &c->le, c);
		if (!sip_keepalive_start(&c->watch, s->sip, msg, KEEPALIVE_S,
					 closed_handler, c))
			return;
		mem_deref(c);
	}
	/* It is closed already. */
	registrar_disconnected(s->registrar, path);
}

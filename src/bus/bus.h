/* The bus between roles: subjects, messages, requests.
 *
 * Messages are JSON objects, the same for every implementation. Here: `local`,
 * for roles in one process on one loop. Delivery is never inside the sender's
 * call: a message is queued and handed out by the loop, in order per sender.
 * One loop; handlers may publish, subscribe, and drop their subscription.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <jansson.h>
#include <stdint.h>

struct bus;
struct bus_sub;

struct bus_message {
	const char *subject;
	const char *inbox; /* where an answer goes; NULL: none wanted */
	json_t *body;      /* borrowed */
};

typedef void(bus_h)(const struct bus_message *m, void *arg);
/* answer NULL: err is -ENOTCONN (nobody serves the subject) or -ETIMEDOUT. */
typedef void(bus_answer_h)(int err, json_t *answer, void *arg);

int bus_local_new(struct bus **bp);
void bus_free(struct bus **bp); /* drops queued messages */

/* A subject is words joined by dots; a final ">" matches any rest. */
int bus_subscribe(struct bus_sub **sp, struct bus *b, const char *subject,
		  bus_h *handler, void *arg);
void bus_unsubscribe(struct bus_sub **sp);
/* Takes the reference of body, also on error. */
int bus_publish(struct bus *b, const char *subject, json_t *body);
/* The answer handler runs exactly once, also when the bus is freed
 * (-ECANCELED). */
int bus_request(struct bus *b, const char *subject, json_t *body,
		unsigned timeout_ms, bus_answer_h *done, void *arg);
int bus_reply(struct bus *b, const char *inbox, json_t *body);

#endif

/* One data centre's TCP connection, kept up, driving an mtp_client: libre
 * sockets and one timer on one side, the engine on the other.
 *
 * Reconnects by itself with the back-off of account.h and walks round the
 * addresses it was given. Handlers run on the loop and must not free the
 * connection; they may call it.
 */
#ifndef TELEGRAM_CONNECTION_H
#define TELEGRAM_CONNECTION_H

#include "telegram/account.h"

#define CONNECTION_ADDRESSES_MAX 8

struct connection;

enum connection_link {
	CONNECTION_DOWN, /* waiting for the next attempt */
	CONNECTION_CONNECTING,
	CONNECTION_UP, /* TCP is up; the engine says when it is ready */
};

struct connection_conf {
	const char *name;          /* for log lines; copied */
	const struct tg_dc *dcs;   /* addresses of one data centre, in the order
				    * of tg_link_addresses(); copied */
	size_t dcs_n;              /* 1 .. CONNECTION_ADDRESSES_MAX */
	const struct tg_link *via; /* borrowed for life */
	const struct mtp_rsa *rsa;
	const struct mtp_auth *auth;
	int32_t api_id;
	usec_t query_timeout;
	void (*link)(enum connection_link link, const char *reason, void *arg);
	void (*event)(enum mtp_event event, const char *text, void *arg);
	void (*update)(struct bytes object, void *arg);
	void *arg;
};

int connection_new(struct connection **cp, const struct connection_conf *conf);
/* Answers all queries with CLOSED. Not inside a handler. */
void connection_free(struct connection **cp);
void connection_start(struct connection *c);
/* Drops TCP after the running handler and connects again later. */
void connection_close(struct connection *c, const char *reason);
int connection_call(struct connection *c, struct bytes query, unsigned flags,
		    mtp_answer_h *done, void *arg);
/* After a log-out, with the connection up: the data centre is asked to forget
 * the key. Queries are answered with CLOSED; parted(arg) runs at most once, on
 * the answer, and the other handlers never again. */
void connection_destroy_key(struct connection *c, void (*parted)(void *arg),
			    void *arg);
void connection_ping_interval(struct connection *c, usec_t interval);
const struct mtp_auth *connection_auth(const struct connection *c);
bool connection_ready(const struct connection *c);

/* Back-off before attempt n (0: the first after a loss). */
usec_t connection_backoff(unsigned n);

#endif

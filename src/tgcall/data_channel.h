/* The data channel "data" of a call: DCEP (RFC 8832) over SCTP over whatever
 * carries packets, here DTLS (telegram-wire E.9). The caller of the call opens
 * it, on stream 0 or, when it is DTLS server, 1; JSON texts pass.
 *
 * An engine; one thread; handlers run inside the call that fed it and must not
 * free it.
 */
#ifndef TGCALL_DATA_CHANNEL_H
#define TGCALL_DATA_CHANNEL_H

#include "base/bytes.h"
#include "base/clock.h"

struct data_channel;

struct data_channel_handlers {
	void (*packet)(struct bytes packet, void *arg); /* into DTLS */
	void (*open)(void *arg);
	void (*text)(struct bytes text, void *arg);
};

struct data_channel_conf {
	bool opener;
	bool dtls_client;
	struct data_channel_handlers handlers;
	void *arg;
};

int data_channel_new(struct data_channel **cp,
		     const struct data_channel_conf *conf);
void data_channel_free(struct data_channel **cp); /* says goodbye */
void data_channel_start(struct data_channel *c, usec_t now);
int data_channel_input(struct data_channel *c, struct bytes packet, usec_t now);
/* -ENOTCONN before it is open. */
int data_channel_send(struct data_channel *c, struct bytes text, usec_t now);
bool data_channel_is_open(const struct data_channel *c);
usec_t data_channel_deadline(const struct data_channel *c);
void data_channel_timeout(struct data_channel *c, usec_t now);

#endif

/* Acked framing (E.4 V2; 8.0.0, 9.0.0) behind the cipher: packets of entries,
 * acknowledgements, repetition. An engine: plain packets and `now` in; plain
 * packets, texts and a deadline out. One thread. Handlers run last in the
 * call that caused them and may send, not free.
 */
#ifndef TGCALL_ACKED_H
#define TGCALL_ACKED_H

#include "base/bytes.h"
#include "base/clock.h"
#include "tgcall/window.h"

struct acked;

struct acked_conf {
	uint32_t *counter;     /* of the last packet sent, shared; not owned */
	struct window *window; /* shared; not owned */
	void (*packet)(struct bytes plain, void *arg);
	void (*text)(struct bytes text, void *arg);
	void *arg;
};

int acked_new(struct acked **ap, const struct acked_conf *conf);
void acked_free(struct acked **ap);
/* -EMSGSIZE: does not fit one packet. -ENOMEM. */
int acked_send(struct acked *a, struct bytes text, usec_t now);
/* -EBADMSG: broken, nothing of it is used. -EALREADY: came before. */
int acked_input(struct acked *a, struct bytes plain, usec_t now);
usec_t acked_deadline(const struct acked *a);
void acked_timeout(struct acked *a, usec_t now);

/* Does a decrypted packet look like this framing? */
bool acked_is_packet(struct bytes plain);

#endif

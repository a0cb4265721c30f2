/* The call's ports at relays: TURN over UDP, reflectors over UDP and TCP
 * (telegram-wire E.8). Each has a socket of its own, connected to the relay, so
 * that nothing else can come in or go out through it.
 *
 * Part of a call: same thread, same rules. `now` is the call's.
 */
#ifndef TGCALL_RELAY_H
#define TGCALL_RELAY_H

#include "base/re.h"
#include "tgcall/tgcall.h"

#define TGCALL_RELAYS_MAX 8

struct tgcall_relay;

/* Takes the relays of the list, without any traffic. -ENOMEM */
int tgcall_relays_new(struct tgcall *c, const struct tgcall_conf *conf);
/* Gives allocations back and closes. */
void tgcall_relays_free(struct tgcall *c);
/* E.8, F 19: "allocate as soon as phoneCall arrives". */
void tgcall_relays_start(struct tgcall *c);
void tgcall_relays_listen(struct tgcall *c, bool listen);
/* Reads all, or the one that is this base of the ICE agent (-1: all). Returns
 * whether there was anything. */
bool tgcall_relays_read(struct tgcall *c, int base);
usec_t tgcall_relays_deadline(const struct tgcall *c);
void tgcall_relays_timeout(struct tgcall *c);
void tgcall_relay_send(struct tgcall *c, int base, const struct sa *dst,
		       struct bytes d);

#endif

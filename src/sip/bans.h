/* Who is not listened to any more (behaviour 3.15). Engine: takes now, no I/O,
 * one thread, bounded memory; an address is meant without its port.
 *
 * Five offences within ten minutes: silence for half an hour, twice as long
 * each further time, at most a day. An address that has kept still for a day
 * begins anew.
 */
#ifndef SIP_BANS_H
#define SIP_BANS_H

#include "base/clock.h"
#include "base/network.h"
#include "base/re.h"

#define BANS_NEVER_MAX 32

struct bans;

/* One of the networks holds the address, whatever its port. */
bool sip_networks_have(const struct network *list, size_t n,
		       const struct sa *source);

struct sip_ban {
	struct sa source;
	usec_t from, until; /* monotonic */
	unsigned times;     /* how often it was banned in a row */
	char reason[64];    /* of the last offence */
};

/* never, never_n: copied. -ENOMEM. */
int bans_new(struct bans **bp, const struct network *never, size_t never_n);
void bans_free(struct bans **bp);

/* On the never list. */
bool bans_never(const struct bans *b, const struct sa *source);
bool bans_has(struct bans *b, const struct sa *source, usec_t now);
/* True with *ban when this one was the last straw. Nothing is counted of an
 * address on the never list, or banned already. */
bool bans_offence(struct bans *b, const struct sa *source, const char *reason,
		  usec_t now, struct sip_ban *ban);
/* One that is known from before. -ENOMEM; -EPERM: never banned; -EINVAL: it is
 * over. */
int bans_set(struct bans *b, const struct sip_ban *ban, usec_t now);
/* -ENOENT: not banned. Its offences are forgotten. */
int bans_lift(struct bans *b, const struct sa *source, usec_t now);
/* All that are running. */
void bans_each(const struct bans *b, usec_t now,
	       void (*each)(const struct sip_ban *ban, void *arg), void *arg);

#endif

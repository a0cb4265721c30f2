/* How texts travel in blobs (E.3, E.4): the four ways behind one interface,
 * and following the peer into another one.
 *
 *   text ─▶ [gzip] counter ─────────────▶ cipher ─▶ blob    RAW, GZIP
 *   text ─▶ entries, acks, repetition ──▶ cipher ─▶ blob    ACKED
 *   text ─▶ gzip, counter ─▶ cipher ─▶ SCTP ──────▶ blob    SCTP
 *
 * Nothing is sent before carriage_open(). Until the peer was heard, texts are
 * also kept: it may speak another framing, and then gets them again in that.
 * One thread; handlers may call carriage_send().
 */
#ifndef TGCALL_CARRIAGE_H
#define TGCALL_CARRIAGE_H

#include "tgcall/crypto.h"
#include "tgcall/signaling.h"

enum carriage_mode {
	CARRIAGE_RAW,
	CARRIAGE_GZIP, /* 12.0.0, 13.0.0 with network_signaling_nosctp */
	CARRIAGE_ACKED,
	CARRIAGE_SCTP,
};

struct carriage;

struct carriage_conf {
	enum carriage_mode mode;
	bool outgoing;
	const uint8_t *key;
	usec_t sctp_first, sctp_cap; /* 0: the 400 and 750 ms of E.4 */
	void (*random)(void *p, size_t n, void *arg);
	void *random_arg;
	void (*blob)(struct bytes blob, void *arg);
	/* JSON, unpacked. An error is what the input call returns. */
	int (*text)(struct bytes text, void *arg);
	void *arg;
};

int carriage_new(struct carriage **cp, const struct carriage_conf *conf);
void carriage_free(struct carriage **cp);
/* From now on texts are sent, those that waited first. */
void carriage_open(struct carriage *c, usec_t now);
void carriage_send(struct carriage *c, struct bytes text, usec_t now);
/* -EBADMSG; -EALREADY: a repeat. Bad ones are counted here. A callee's
 * carriage opens when the first good one comes. */
int carriage_input(struct carriage *c, struct bytes blob, usec_t now);
int carriage_input_plain(struct carriage *c, struct bytes plain, usec_t now);
enum carriage_mode carriage_mode(const struct carriage *c);
bool carriage_is_aborted(const struct carriage *c);
void carriage_close(struct carriage *c, usec_t now);
usec_t carriage_deadline(const struct carriage *c);
void carriage_timeout(struct carriage *c, usec_t now);

#endif

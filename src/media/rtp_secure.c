#include "media/rtp_secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "media/srtp_pair.h"

/* A handshake that failed is begun anew, not faster than this. */
#define RETRY_US (500 * USEC_MS)

struct part {
	struct rtp_secure *secure;
	bool rtcp;
	struct media_srtp *tx, *rx;
	struct media_dtls *dtls;
	bool failed;
	usec_t retry_at;
};

struct rtp_secure {
	bool by_dtls;
	struct rtp_secure_dtls conf;
	struct media_srtp_key tx_key, rx_key; /* of SDES */
	struct part parts[2];                 /* RTP, RTCP */
};

static struct rtp_secure *secure_new(void)
{
	struct rtp_secure *s = calloc(1, sizeof(*s));

	for (unsigned i = 0; s && i < 2; i++) {
		s->parts[i].secure = s;
		s->parts[i].rtcp = i == 1;
	}
	return s;
}

void rtp_secure_free(struct rtp_secure **sp)
{
	struct rtp_secure *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	for (unsigned i = 0; i < 2; i++) {
		media_srtp_free(&s->parts[i].tx);
		media_srtp_free(&s->parts[i].rx);
		media_dtls_free(&s->parts[i].dtls);
	}
	bytes_wipe(s, sizeof(*s));
	free(s);
}

/* -- keys from the signalling ---------------------------------------------- */

static bool key_equal(const struct media_srtp_key *a,
		      const struct media_srtp_key *b)
{
	return a->suite == b->suite &&
	       bytes_equal_ct(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Another key begins with fresh counters (RFC 3711 3.3.1). */
static int key_set(struct media_srtp **sp, struct media_srtp_key *now,
		   const struct media_srtp_key *wanted)
{
	struct media_srtp *s = NULL;
	int err;

	if (*sp && key_equal(now, wanted))
		return 0;
	media_srtp_free(sp);
	err = media_srtp_new(&s, wanted);
	if (err)
		return err;
	*sp = s;
	*now = *wanted;
	return 0;
}

int rtp_secure_sdes(struct rtp_secure **sp, const struct media_srtp_key *tx,
		    const struct media_srtp_key *rx)
{
	struct rtp_secure *s;
	int err;

	if (*sp && (*sp)->by_dtls)
		rtp_secure_free(sp);
	if (!*sp)
		*sp = secure_new();
	s = *sp;
	if (!s)
		return -ENOMEM;
	err = key_set(&s->parts[0].tx, &s->tx_key, tx);
	if (!err)
		err = key_set(&s->parts[0].rx, &s->rx_key, rx);
	return err;
}

/* -- keys from DTLS -------------------------------------------------------- */

static void on_send(struct bytes datagram, void *arg)
{
	struct part *p = arg;

	p->secure->conf.send(p->rtcp, datagram, p->secure->conf.arg);
}

static void on_established(void *arg)
{
	struct part *p = arg;
	struct media_srtp_key tx, rx;
	struct dtls_srtp_keys keys;
	int err = media_dtls_srtp_keys(&keys, p->dtls);

	if (!err)
		err = srtp_pair_keys(&tx, &rx, &keys);
	if (!err)
		err = media_srtp_new(&p->tx, &tx);
	if (!err)
		err = media_srtp_new(&p->rx, &rx);
	if (err)
		count_bad("rtp", "srtp", "no common profile");
	bytes_wipe(&keys, sizeof(keys));
	bytes_wipe(&tx, sizeof(tx));
	bytes_wipe(&rx, sizeof(rx));
}

static void on_closed(const char *why, void *arg)
{
	struct part *p = arg;

	p->failed = !p->tx;
}

static int part_begin(struct part *p, usec_t now)
{
	const struct rtp_secure *s = p->secure;
	struct media_dtls_conf conf = {
		.client = s->conf.client,
		.handlers = {.send = on_send,
			     .established = on_established,
			     .closed = on_closed},
		.arg = p,
	};
	int err;

	memcpy(conf.fingerprint, s->conf.fingerprint, sizeof(conf.fingerprint));
	media_dtls_free(&p->dtls);
	p->failed = false;
	err = media_dtls_new(&p->dtls, &conf);
	if (!err && now != USEC_NEVER)
		media_dtls_start(p->dtls, now);
	return err;
}

int rtp_secure_dtls(struct rtp_secure **sp, const struct rtp_secure_dtls *conf)
{
	struct rtp_secure *s = *sp;
	int err;

	if (s && s->by_dtls && s->conf.client == conf->client &&
	    memcmp(s->conf.fingerprint, conf->fingerprint,
		   sizeof(conf->fingerprint)) == 0)
		return 0;
	rtp_secure_free(sp);
	s = secure_new();
	if (!s)
		return -ENOMEM;
	*sp = s;
	s->by_dtls = true;
	s->conf = *conf;
	/* A client says hello at the first tick. */
	err = part_begin(&s->parts[0], USEC_NEVER);
	if (!err)
		err = part_begin(&s->parts[1], USEC_NEVER);
	s->parts[0].failed = s->parts[1].failed = conf->client;
	return err;
}

bool rtp_secure_is_dtls(struct bytes datagram)
{
	return datagram.n && datagram.p[0] >= 20 && datagram.p[0] <= 63;
}

bool rtp_secure_input(struct rtp_secure *s, bool rtcp, struct bytes datagram,
		      usec_t now)
{
	struct part *p = &s->parts[rtcp];
	bool before = p->tx != NULL;

	if (p->dtls)
		(void)media_dtls_input(p->dtls, datagram, now);
	return !before && p->tx;
}

static void part_tick(struct part *p, usec_t now)
{
	if (p->failed && now >= p->retry_at) {
		p->retry_at = now + RETRY_US;
		if (part_begin(p, now))
			p->failed = true;
	}
	if (p->dtls && media_dtls_deadline(p->dtls) <= now)
		media_dtls_timeout(p->dtls, now);
}

void rtp_secure_tick(struct rtp_secure *s, usec_t now)
{
	if (!s->by_dtls)
		return;
	part_tick(&s->parts[0], now);
	part_tick(&s->parts[1], now);
}

/* -- packets --------------------------------------------------------------- */

/* SDES has one pair of keys for both. */
static struct part *part_of(struct rtp_secure *s, bool rtcp)
{
	return &s->parts[rtcp && s->by_dtls];
}

int rtp_secure_protect(struct rtp_secure *s, bool rtcp, uint8_t *packet,
		       size_t n)
{
	struct part *p = part_of(s, rtcp);

	if (!p->tx)
		return -ENOKEY;
	return rtcp ? media_srtcp_protect(p->tx, packet, n)
		    : media_srtp_protect(p->tx, packet, n);
}

int rtp_secure_unprotect(struct rtp_secure *s, bool rtcp, uint8_t *packet,
			 size_t n)
{
	struct part *p = part_of(s, rtcp);

	if (!p->rx)
		return -ENOKEY;
	return rtcp ? media_srtcp_unprotect(p->rx, packet, n)
		    : media_srtp_unprotect(p->rx, packet, n);
}

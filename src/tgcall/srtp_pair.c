#include "tgcall/srtp_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/re.h"

#define TAIL_BYTES 64 /* tag and SRTCP index, with room to spare */
#define RTCP_MIN_BYTES 8
#define RTP_MIN_BYTES 12

struct srtp_pair {
	struct srtp *tx, *rx;
	struct mbuf *tx_mb, *rx_mb;
};

static int suite_of(enum srtp_suite *suite, enum dtls_srtp_profile profile)
{
	switch (profile) {
	case DTLS_SRTP_AES128_CM_SHA1_80:
		*suite = SRTP_AES_CM_128_HMAC_SHA1_80;
		return 0;
	case DTLS_SRTP_AES128_GCM:
		*suite = SRTP_AES_128_GCM;
		return 0;
	case DTLS_SRTP_AES256_GCM:
		*suite = SRTP_AES_256_GCM;
		return 0;
	case DTLS_SRTP_NONE:
		break;
	}
	return -ENOTSUP;
}

int srtp_pair_new(struct srtp_pair **pp, const struct dtls_srtp_keys *keys)
{
	enum srtp_suite suite;
	struct srtp_pair *p;
	int e = suite_of(&suite, keys->profile);

	if (e < 0)
		return e;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->tx_mb = mbuf_alloc(SRTP_PAIR_PACKET_BYTES + TAIL_BYTES);
	p->rx_mb = mbuf_alloc(SRTP_PAIR_PACKET_BYTES + TAIL_BYTES);
	if (!p->tx_mb || !p->rx_mb ||
	    srtp_alloc(&p->tx, suite, keys->tx, keys->n, 0) ||
	    srtp_alloc(&p->rx, suite, keys->rx, keys->n, 0)) {
		srtp_pair_free(&p);
		return -ENOMEM;
	}
	*pp = p;
	return 0;
}

void srtp_pair_free(struct srtp_pair **pp)
{
	struct srtp_pair *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	mem_deref(p->tx);
	mem_deref(p->rx);
	mem_deref(p->tx_mb);
	mem_deref(p->rx_mb);
	free(p);
}

static int fill(struct mbuf *mb, bool rtcp, struct bytes packet)
{
	if (packet.n < (rtcp ? RTCP_MIN_BYTES : RTP_MIN_BYTES))
		return -EBADMSG;
	if (packet.n > SRTP_PAIR_PACKET_BYTES)
		return -EMSGSIZE;
	memcpy(mb->buf, packet.p, packet.n);
	mb->pos = 0;
	mb->end = packet.n;
	return 0;
}

int srtp_pair_protect(struct bytes *out, struct srtp_pair *p, bool rtcp,
		      struct bytes plain)
{
	int e = fill(p->tx_mb, rtcp, plain);

	if (e < 0)
		return e;
	e = rtcp ? srtcp_encrypt(p->tx, p->tx_mb)
		 : srtp_encrypt(p->tx, p->tx_mb);
	if (e)
		return -EBADMSG;
	*out = bytes_of(p->tx_mb->buf, p->tx_mb->end);
	return 0;
}

int srtp_pair_unprotect(struct bytes *out, struct srtp_pair *p, bool rtcp,
			struct bytes cipher)
{
	int e = fill(p->rx_mb, rtcp, cipher);

	if (e < 0)
		return e;
	e = rtcp ? srtcp_decrypt(p->rx, p->rx_mb)
		 : srtp_decrypt(p->rx, p->rx_mb);
	if (e)
		return e == EALREADY ? -EALREADY : -EBADMSG;
	*out = bytes_of(p->rx_mb->buf, p->rx_mb->end);
	return 0;
}

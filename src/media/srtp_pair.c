#include "media/srtp_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct srtp_pair {
	struct media_srtp *tx, *rx;
	uint8_t tx_packet[SRTP_PAIR_PACKET_BYTES + MEDIA_SRTP_TAIL_BYTES];
	uint8_t rx_packet[SRTP_PAIR_PACKET_BYTES];
};

static enum media_srtp_suite suite_of(enum dtls_srtp_profile profile)
{
	switch (profile) {
	case DTLS_SRTP_AES128_CM_SHA1_80:
		return MEDIA_SRTP_AES_CM_128_80;
	case DTLS_SRTP_AES128_GCM:
		return MEDIA_SRTP_GCM_128;
	case DTLS_SRTP_AES256_GCM:
		return MEDIA_SRTP_GCM_256;
	case DTLS_SRTP_NONE:
		break;
	}
	return MEDIA_SRTP_NONE;
}

int srtp_pair_keys(struct media_srtp_key *tx, struct media_srtp_key *rx,
		   const struct dtls_srtp_keys *keys)
{
	tx->suite = rx->suite = suite_of(keys->profile);
	if (!tx->suite || media_srtp_key_bytes(tx->suite) != keys->n)
		return -ENOTSUP;
	memcpy(tx->bytes, keys->tx, keys->n);
	memcpy(rx->bytes, keys->rx, keys->n);
	return 0;
}

int srtp_pair_new(struct srtp_pair **pp, const struct dtls_srtp_keys *keys)
{
	struct media_srtp_key tx, rx;
	struct srtp_pair *p;
	int err = srtp_pair_keys(&tx, &rx, keys);

	if (err)
		return err;
	p = calloc(1, sizeof(*p));
	if (!p)
		err = -ENOMEM;
	if (!err)
		err = media_srtp_new(&p->tx, &tx);
	if (!err)
		err = media_srtp_new(&p->rx, &rx);
	bytes_wipe(&tx, sizeof(tx));
	bytes_wipe(&rx, sizeof(rx));
	if (err)
		srtp_pair_free(&p);
	else
		*pp = p;
	return err;
}

void srtp_pair_free(struct srtp_pair **pp)
{
	struct srtp_pair *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	media_srtp_free(&p->tx);
	media_srtp_free(&p->rx);
	free(p);
}

int srtp_pair_protect(struct bytes *out, struct srtp_pair *p, bool rtcp,
		      struct bytes plain)
{
	int n;

	if (plain.n > SRTP_PAIR_PACKET_BYTES)
		return -EMSGSIZE;
	if (plain.n)
		memcpy(p->tx_packet, plain.p, plain.n);
	n = rtcp ? media_srtcp_protect(p->tx, p->tx_packet, plain.n)
		 : media_srtp_protect(p->tx, p->tx_packet, plain.n);
	if (n < 0)
		return n;
	*out = bytes_of(p->tx_packet, (size_t)n);
	return 0;
}

int srtp_pair_unprotect(struct bytes *out, struct srtp_pair *p, bool rtcp,
			struct bytes cipher)
{
	int n;

	if (cipher.n > SRTP_PAIR_PACKET_BYTES)
		return -EMSGSIZE;
	if (cipher.n)
		memcpy(p->rx_packet, cipher.p, cipher.n);
	n = rtcp ? media_srtcp_unprotect(p->rx, p->rx_packet, cipher.n)
		 : media_srtp_unprotect(p->rx, p->rx_packet, cipher.n);
	if (n < 0)
		return n;
	*out = bytes_of(p->rx_packet, (size_t)n);
	return 0;
}

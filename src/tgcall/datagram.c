/* Datagrams of a call, in and out: what they are, and to whom they go. */
#include "base/log.h"
#include "tgcall/tgcall_internal.h"

#define STUN_COOKIE 0x2112a442u

void tgcall_base_send(struct tgcall *c, int base, const struct sa *dst,
		      struct bytes datagram)
{
	const struct tgcall_socket *s = tgcall_socket_of(c, base);

	if (s)
		tgcall_socket_send(s->fd, dst, datagram);
	else
		tgcall_relay_send(c, base, dst, datagram);
}

void tgcall_datagram_send(struct tgcall *c, struct bytes datagram)
{
	struct sa dst;
	int base;

	if (ice_agent_selected(c->ice, &base, &dst))
		tgcall_base_send(c, base, &dst, datagram);
}

void tgcall_media_plain(struct tgcall *c, struct bytes plain, bool rtcp)
{
	if (c->tap && (rtcp || tgcall_audio_is_expected(&c->audio, plain)))
		c->tap(false, rtcp, plain, c->tap_arg);
	if (rtcp)
		tgcall_audio_rtcp(&c->audio, plain, c->now);
	else if (tgcall_audio_is_expected(&c->audio, plain))
		tgcall_audio_rtp(&c->audio, plain, c->now);
	else
		count_add("tgcall", "media-unexpected", 1);
}

static void media_input(struct tgcall *c, struct bytes d)
{
	bool rtcp = rtp_is_rtcp(d);
	struct bytes plain;

	if (!c->srtp || (!rtcp && !tgcall_audio_is_expected(&c->audio, d))) {
		count_add("tgcall", "media-unexpected", 1);
		return;
	}
	if (srtp_pair_unprotect(&plain, c->srtp, rtcp, d) < 0) {
		c->rx_bad++;
		count_bad("tgcall", "srtp-packet", "refused");
		return;
	}
	tgcall_media_plain(c, plain, rtcp);
}

/* RFC 7983. A sealed packet may begin with any byte: STUN is told by its
 * cookie then (RFC 8489 5). */
static bool is_stun(const struct tgcall *c, struct bytes d)
{
	if (!d.n || d.p[0] > 3)
		return false;
	return !c->sealed || (d.n >= 20 && be32_load(d.p + 4) == STUN_COOKIE);
}

/* RFC 7983 */
void tgcall_datagram_input(struct tgcall *c, const struct sa *src,
			   struct bytes d)
{
	uint8_t first = d.n ? d.p[0] : 255;

	if (c->state == TGCALL_STATE_FAILED)
		return;
	if (is_stun(c, d)) {
		if (ice_agent_input(c->ice, c->reading, src, d, c->now) < 0)
			c->rx_bad++;
	} else if (!ice_agent_heard(c->ice, c->reading, src, c->now)) {
		c->rx_bad++;
		count_bad("tgcall", "stranger",
			  "datagram from nowhere we know");
	} else if (c->sealed) {
		tgcall_secure_sealed(c, d);
	} else if (first >= 20 && first <= 63) {
		tgcall_secure_input(c, d);
	} else if (first >= 128 && first <= 191) {
		media_input(c, d);
	} else {
		c->rx_bad++;
		count_bad("tgcall", "datagram", "of no known kind");
	}
}

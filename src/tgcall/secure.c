/* The secured part of a call: DTLS over the ICE pair, SRTP with its keys, the
 * data channel inside it. With network_use_mtproto sealed packets instead. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tgcall/tgcall_internal.h"

/* A handshake that failed is begun anew; not faster than this. */
#define RETRY_AFTER (500 * USEC_MS)

static void on_send(struct bytes datagram, void *arg)
{
	tgcall_datagram_send(arg, datagram);
}

static void sealed_send(struct tgcall *c, struct bytes data, bool is_sctp)
{
	struct bytes packet;

	if (sealed_put(&packet, c->sealed, data, is_sctp) == 0)
		tgcall_datagram_send(c, packet);
}

static void on_channel_packet(struct bytes packet, void *arg)
{
	struct tgcall *c = arg;

	if (c->sealed)
		sealed_send(c, packet, true);
	else if (c->dtls)
		media_dtls_send(c->dtls, packet);
}

static void on_channel_open(void *arg)
{
	struct tgcall *c = arg;

	c->tell_media = true;
}

static void on_channel_text(struct bytes text, void *arg)
{
	struct tgcall *c = arg;

	if (tgcall_signaling_json(c->signaling, text, c->now) < 0)
		count_bad("tgcall", "channel-text", "refused");
}

/* E.9: remote setup "active": we are the server; "passive": the client; else
 * the caller is the client. */
static bool is_client(const struct tgcall *c)
{
	switch (c->remote.setup) {
	case TGCALL_ACTIVE:
		return false;
	case TGCALL_PASSIVE:
		return true;
	case TGCALL_ACTPASS:
		break;
	}
	return c->outgoing;
}

/* Without it only the mute signs are missing. */
static void channel_begin(struct tgcall *c)
{
	struct data_channel_conf conf = {
		.opener = c->outgoing,
		.dtls_client = is_client(c),
		.handlers = {on_channel_packet, on_channel_open,
			     on_channel_text},
		.arg = c,
	};

	if (data_channel_new(&c->channel, &conf) == 0)
		data_channel_start(c->channel, c->now);
}

static void on_established(void *arg)
{
	struct tgcall *c = arg;
	struct dtls_srtp_keys keys;
	int e = media_dtls_srtp_keys(&keys, c->dtls);

	if (e == 0)
		e = srtp_pair_new(&c->srtp, &keys);
	bytes_wipe(&keys, sizeof(keys));
	if (e < 0) {
		count_bad("tgcall", "srtp", "no common profile");
		c->dtls_broken = true;
		return;
	}
	channel_begin(c);
}

static void on_data(struct bytes data, void *arg)
{
	struct tgcall *c = arg;

	if (c->channel && data_channel_input(c->channel, data, c->now) < 0)
		count_bad("tgcall", "data-channel", "bad packet");
}

void tgcall_secure_sealed(struct tgcall *c, struct bytes packet)
{
	struct bytes data;
	bool is_sctp;
	int e = sealed_open(&data, &is_sctp, c->sealed, packet);

	if (e == -EALREADY)
		return;
	if (e < 0) {
		c->rx_bad++;
		count_bad("tgcall", "sealed-packet", "refused");
	} else if (is_sctp) {
		on_data(data, c);
	} else {
		tgcall_media_plain(c, data, rtp_is_rtcp(data));
	}
}

void tgcall_secure_media(struct tgcall *c, struct bytes plain, bool rtcp)
{
	struct bytes cipher;

	if (c->sealed)
		sealed_send(c, plain, false);
	else if (c->srtp &&
		 srtp_pair_protect(&cipher, c->srtp, rtcp, plain) == 0)
		tgcall_datagram_send(c, cipher);
}

bool tgcall_secure_is_up(const struct tgcall *c)
{
	/* E.10: "Connected = ICE writable." */
	if (c->sealed)
		return c->has_remote;
	return c->srtp && media_dtls_is_established(c->dtls);
}

static void on_closed(const char *why, void *arg)
{
	struct tgcall *c = arg;

	log_debug("tgcall", NULL, "DTLS: %s", why);
	if (c->srtp)
		c->dtls_closed = true; /* the peer said goodbye */
	else
		c->dtls_broken = true;
}

void tgcall_secure_reset(struct tgcall *c)
{
	data_channel_free(&c->channel);
	srtp_pair_free(&c->srtp);
	media_dtls_free(&c->dtls);
	c->dtls_broken = c->dtls_closed = false;
}

/* Starts what can be started: "as soon as ICE is writable and the fingerprint
 * known". */
void tgcall_secure_try(struct tgcall *c)
{
	struct media_dtls_conf conf = {
		.handlers = {on_send, on_established, on_data, on_closed},
		.arg = c,
	};

	if (c->sealed) {
		if (!c->channel && c->has_remote &&
		    ice_agent_state(c->ice) == ICE_CONNECTED)
			channel_begin(c);
		return;
	}
	if (c->dtls_broken) {
		tgcall_secure_reset(c);
		c->dtls_retry_at = c->now + RETRY_AFTER;
	}
	if (c->dtls || !c->has_remote || c->now < c->dtls_retry_at ||
	    ice_agent_state(c->ice) != ICE_CONNECTED)
		return;
	conf.client = is_client(c);
	memcpy(conf.fingerprint, c->remote.fingerprint,
	       sizeof(conf.fingerprint));
	if (media_dtls_new(&c->dtls, &conf) < 0) {
		c->dtls_retry_at = c->now + RETRY_AFTER;
		return;
	}
	media_dtls_start(c->dtls, c->now);
	if (c->hello_n) {
		if (!conf.client)
			media_dtls_input(c->dtls,
					 bytes_of(c->hello, c->hello_n),
					 c->now);
		c->hello_n = 0;
	}
}

void tgcall_secure_input(struct tgcall *c, struct bytes datagram)
{
	if (c->dtls) {
		media_dtls_input(c->dtls, datagram, c->now);
	} else if (datagram.n <= sizeof(c->hello)) {
		memcpy(c->hello, datagram.p, datagram.n);
		c->hello_n = datagram.n;
	}
}

usec_t tgcall_secure_deadline(const struct tgcall *c)
{
	usec_t at = USEC_NEVER, t;

	if (!c->dtls && c->dtls_retry_at > c->now)
		at = c->dtls_retry_at;
	if (c->dtls)
		at = media_dtls_deadline(c->dtls);
	if (c->channel && !c->dtls_closed) {
		t = data_channel_deadline(c->channel);
		at = t < at ? t : at;
	}
	return at;
}

void tgcall_secure_timeout(struct tgcall *c)
{
	if (c->dtls && media_dtls_deadline(c->dtls) <= c->now)
		media_dtls_timeout(c->dtls, c->now);
	if (c->channel && !c->dtls_closed &&
	    data_channel_deadline(c->channel) <= c->now)
		data_channel_timeout(c->channel, c->now);
}

void tgcall_secure_media_state(struct tgcall *c)
{
	struct tgcall_media_state state = {.muted = c->muted};
	struct buf text;

	/* Some apps refuse the channel and take it from signalling (traces/DIFF
	 * on 14.0.0). One that opens later gets it again. */
	if (!c->channel || !data_channel_is_open(c->channel)) {
		if (c->state == TGCALL_STATE_ESTABLISHED)
			tgcall_signaling_media_state(c->signaling, &state,
						     c->now);
		return;
	}
	buf_init(&text);
	if (tgcall_media_state_put(&text, &state) == 0)
		data_channel_send(c->channel, buf_bytes(&text), c->now);
	buf_clear(&text);
}

/* The TURN client against a server made of libre's codec. */
#include "ice/turn.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"

#define REALM "example.org"

static struct ice_turn *turn;
static usec_t now;
static struct sa relayed, peer, got_peer;
static int allocated_n, failed_n, data_n, sent_n, channel_n;
static uint16_t last_method, lifetimes_n;
static uint32_t last_lifetime;
static uint8_t channel_data[64];
static size_t channel_data_n;

/* What the server is like. */
static const char *nonce;
static bool silent, wrong_key, forget_allocation, nonce_rolls;
static uint16_t bind_error;

static void md5_key(uint8_t key[MD5_SIZE], const char *password)
{
	md5_printf(key, "%s:%s:%s", "user", REALM, password);
}

static void feed(struct mbuf *mb)
{
	if (!turn) /* its last request */
		return;
	ice_turn_input(turn, bytes_of(mb->buf, mb->end), now);
}

static void answer(const struct stun_msg *m, uint16_t code)
{
	static char text[] = "No";
	struct stun_errcode ec = {code, text};
	struct mbuf *mb = mbuf_alloc(512);

	stun_msg_encode(mb, stun_msg_method(m), STUN_CLASS_ERROR_RESP,
			stun_msg_tid(m), &ec, NULL, 0, false, 0, 2,
			STUN_ATTR_REALM, REALM, STUN_ATTR_NONCE, nonce);
	feed(mb);
	mem_deref(mb);
}

static void grant(const struct stun_msg *m)
{
	bool allocate = stun_msg_method(m) == STUN_METHOD_ALLOCATE;
	struct mbuf *mb = mbuf_alloc(512);
	uint32_t lifetime = 600;
	uint8_t key[MD5_SIZE];

	md5_key(key, wrong_key ? "other" : "secret");
	stun_msg_encode(mb, stun_msg_method(m), STUN_CLASS_SUCCESS_RESP,
			stun_msg_tid(m), NULL, key, sizeof(key), true, 0, 2,
			STUN_ATTR_XOR_RELAY_ADDR, allocate ? &relayed : NULL,
			STUN_ATTR_LIFETIME, &lifetime);
	feed(mb);
	mem_deref(mb);
}

static void request_input(struct stun_msg *m)
{
	struct stun_attr *n = stun_msg_attr(m, STUN_ATTR_NONCE);
	struct stun_attr *l = stun_msg_attr(m, STUN_ATTR_LIFETIME);
	uint8_t key[MD5_SIZE];

	last_method = stun_msg_method(m);
	if (l) {
		lifetimes_n++;
		last_lifetime = l->v.lifetime;
	}
	if (silent)
		return;
	if (!n) {
		answer(m, 401);
		return;
	}
	if (nonce_rolls || strcmp(n->v.nonce, nonce) != 0) {
		answer(m, 438);
		return;
	}
	md5_key(key, "secret");
	if (stun_msg_chk_mi(m, key, sizeof(key)))
		answer(m, 401);
	else if (last_method == STUN_METHOD_CHANBIND && bind_error)
		answer(m, bind_error);
	else if (last_method == STUN_METHOD_REFRESH && forget_allocation)
		answer(m, 437);
	else
		grant(m);
}

static void on_send(struct bytes d, void *arg)
{
	struct stun_unknown_attr ua;
	struct stun_msg *m = NULL;
	struct mbuf *mb;

	sent_n++;
	if (d.p[0] >> 4 == 4) {
		channel_n++;
		channel_data_n = d.n < sizeof(channel_data) ? d.n : 0;
		memcpy(channel_data, d.p, channel_data_n);
		return;
	}
	mb = mbuf_alloc(d.n);
	mbuf_write_mem(mb, d.p, d.n);
	mb->pos = 0;
	if (stun_msg_decode(&m, mb, &ua) == 0)
		request_input(m);
	mem_deref(m);
	mem_deref(mb);
}

static void on_allocated(const struct sa *addr, void *arg)
{
	allocated_n += sa_cmp(addr, &relayed, SA_ALL);
}

static void on_data(const struct sa *from, struct bytes payload, void *arg)
{
	data_n += bytes_equal(payload, bytes_str("hello"));
	got_peer = *from;
}

static void on_failed(void *arg)
{
	failed_n++;
}

static void start(const char *password)
{
	struct ice_turn_conf conf = {
		.username = "user",
		.password = password,
		.handlers = {on_send, on_allocated, on_data, on_failed},
	};

	allocated_n = failed_n = data_n = sent_n = channel_n = 0;
	lifetimes_n = 0;
	silent = wrong_key = forget_allocation = nonce_rolls = false;
	bind_error = 0;
	nonce = "first";
	now = USEC_S;
	sa_set_str(&relayed, "192.0.2.9", 50000);
	sa_set_str(&peer, "198.51.100.7", 4000);
	ice_turn_new(&turn, &conf, now);
}

static void run_until(usec_t end)
{
	while (now < end) {
		usec_t at = ice_turn_deadline(turn);

		now = at < end ? (at > now ? at : now) : end;
		if (at <= now)
			ice_turn_timeout(turn, now);
	}
}

static void allocate(void)
{
	start("secret");
	ice_turn_timeout(turn, now);
}

static void test_turn_allocates_after_the_challenge(void)
{
	allocate();
	CHECK_INT(allocated_n, 1);
	CHECK_INT(sent_n, 2);
	ice_turn_free(&turn);
	/* It is given back. */
	CHECK_INT(last_method, STUN_METHOD_REFRESH);
	CHECK_INT(lifetimes_n, 1);
	CHECK_INT(last_lifetime, 0);
}

static void test_turn_wrong_password_fails(void)
{
	start("guess");
	ice_turn_timeout(turn, now);
	CHECK_INT(allocated_n, 0);
	CHECK_INT(failed_n, 1);
	CHECK_INT(ice_turn_deadline(turn), USEC_NEVER);
	CHECK_INT(ice_turn_send(turn, &peer, bytes_str("x"), now), -ENOTCONN);
	ice_turn_free(&turn);
}

static void test_turn_forged_grant_is_ignored(void)
{
	start("secret");
	wrong_key = true;
	ice_turn_timeout(turn, now);
	CHECK_INT(allocated_n, 0);
	CHECK_INT(failed_n, 0);
	wrong_key = false;
	run_until(now + USEC_S);
	CHECK_INT(allocated_n, 1);
	ice_turn_free(&turn);
}

static void test_turn_silent_server_fails_within_twenty_seconds(void)
{
	start("secret");
	silent = true;
	run_until(now + 20 * USEC_S);
	CHECK_INT(failed_n, 1);
	CHECK_INT(sent_n, 8);
	ice_turn_free(&turn);
}

static void test_turn_refreshes_before_the_lifetime_ends(void)
{
	allocate();
	run_until(now + 299 * USEC_S);
	CHECK_INT(sent_n, 2);
	run_until(now + 2 * USEC_S);
	CHECK_INT(last_method, STUN_METHOD_REFRESH);
	CHECK_INT(sent_n, 3);
	/* A new nonce in between costs one more request. */
	nonce = "second";
	run_until(now + 300 * USEC_S);
	CHECK_INT(sent_n, 5);
	CHECK_INT(failed_n, 0);
	forget_allocation = true;
	run_until(now + 300 * USEC_S);
	CHECK_INT(failed_n, 1);
	ice_turn_free(&turn);
}

/* A network that says nothing for 20 s just when the refresh is due. */
static void test_turn_refresh_survives_a_silence(void)
{
	allocate();
	run_until(now + 299 * USEC_S);
	silent = true;
	run_until(now + 20 * USEC_S);
	CHECK_INT(failed_n, 0);
	silent = false;
	run_until(now + 5 * USEC_S);
	CHECK_INT(last_method, STUN_METHOD_REFRESH);
	CHECK_INT(failed_n, 0);
	/* Silent for good: over when the lifetime is. */
	silent = true;
	run_until(now + 590 * USEC_S);
	CHECK_INT(failed_n, 0);
	run_until(now + 30 * USEC_S);
	CHECK_INT(failed_n, 1);
	ice_turn_free(&turn);
}

static void test_turn_data_goes_through_the_channel(void)
{
	static const uint8_t sent[] = {0x40, 0, 0, 5, 'h', 'e', 'l', 'l', 'o'};

	allocate();
	/* The first datagram binds; this server grants at once. */
	CHECK_INT(ice_turn_send(turn, &peer, bytes_str("hello"), now), 0);
	CHECK_INT(channel_n, 1);
	CHECK_INT(channel_data_n, sizeof(sent));
	CHECK_MEM(channel_data, sent, sizeof(sent));
	CHECK_INT(ice_turn_input(turn, bytes_of(sent, sizeof(sent)), now), 0);
	CHECK_INT(data_n, 1);
	CHECK(sa_cmp(&got_peer, &peer, SA_ALL));
	/* One byte short; a channel of nobody. */
	CHECK_INT(ice_turn_input(turn, bytes_of(sent, sizeof(sent) - 1), now),
		  -EBADMSG);
	channel_data[1] = 1;
	CHECK_INT(
		ice_turn_input(turn, bytes_of(channel_data, sizeof(sent)), now),
		-EBADMSG);
	CHECK_INT(data_n, 1);
	/* Bound again before the permission's 5 minutes are over. */
	run_until(now + 241 * USEC_S);
	CHECK_INT(last_method, STUN_METHOD_CHANBIND);
	ice_turn_free(&turn);
}

static void test_turn_data_indication_is_delivered(void)
{
	struct mbuf *data = mbuf_alloc(8), *mb = mbuf_alloc(256);
	uint8_t tid[STUN_TID_SIZE] = {1};

	allocate();
	mbuf_write_mem(data, (const uint8_t *)"hello", 5);
	data->pos = 0;
	stun_msg_encode(mb, STUN_METHOD_DATA, STUN_CLASS_INDICATION, tid, NULL,
			NULL, 0, false, 0, 2, STUN_ATTR_XOR_PEER_ADDR, &peer,
			STUN_ATTR_DATA, data);
	feed(mb);
	mem_deref(mb);
	mem_deref(data);
	CHECK_INT(data_n, 1);
	CHECK(sa_cmp(&got_peer, &peer, SA_ALL));
	ice_turn_free(&turn);
}

static void test_turn_refused_peer_harms_no_other(void)
{
	struct sa other;

	allocate();
	bind_error = 403;
	CHECK_INT(ice_turn_send(turn, &peer, bytes_str("x"), now), -EACCES);
	bind_error = 0;
	sa_set_str(&other, "198.51.100.8", 4000);
	CHECK_INT(ice_turn_send(turn, &other, bytes_str("x"), now), 0);
	CHECK_INT(ice_turn_send(turn, &peer, bytes_str("x"), now), -EACCES);
	CHECK_INT(failed_n, 0);
	ice_turn_free(&turn);
}

static void test_turn_drops_until_the_channel_is_bound(void)
{
	allocate();
	silent = true;
	CHECK_INT(ice_turn_send(turn, &peer, bytes_str("x"), now), -EAGAIN);
	CHECK_INT(channel_n, 0);
	silent = false;
	run_until(now + USEC_S);
	CHECK_INT(ice_turn_send(turn, &peer, bytes_str("x"), now), 0);
	CHECK_INT(channel_n, 1);
	ice_turn_free(&turn);
}

static void test_turn_endless_challenges_fail(void)
{
	start("secret");
	nonce_rolls = true;
	ice_turn_timeout(turn, now);
	CHECK_INT(failed_n, 1);
	CHECK_INT(sent_n, 5);
	ice_turn_free(&turn);
}

int main(void)
{
	RUN(test_turn_allocates_after_the_challenge);
	RUN(test_turn_wrong_password_fails);
	RUN(test_turn_forged_grant_is_ignored);
	RUN(test_turn_silent_server_fails_within_twenty_seconds);
	RUN(test_turn_refreshes_before_the_lifetime_ends);
	RUN(test_turn_refresh_survives_a_silence);
	RUN(test_turn_data_goes_through_the_channel);
	RUN(test_turn_data_indication_is_delivered);
	RUN(test_turn_refused_peer_harms_no_other);
	RUN(test_turn_drops_until_the_channel_is_bound);
	RUN(test_turn_endless_challenges_fail);
	return check_done();
}

/* Two associations with datagrams passed in memory. Retransmissions follow the
 * real clock (OpenSSL's), so the tests that lose packets take real time. */
#include "media/dtls.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "media/srtp_pair.h"
#include "tests/check.h"

#define QUEUE_MAX 64

struct end {
	struct media_dtls *dtls;
	struct end *peer;
	int established, closed, data_n;
	char data[64];
	int queue_n;
	struct {
		uint8_t p[1500];
		size_t n;
	} queue[QUEUE_MAX]; /* towards this end */
	int sent, lose;     /* bit n of lose: the n-th datagram sent is lost */
	size_t longest;
};

static struct end client, server;

static void end_send(struct bytes d, void *arg)
{
	struct end *e = arg;
	struct end *to = e->peer;

	if (d.n > e->longest)
		e->longest = d.n;
	if (e->lose >> e->sent++ & 1 || to->queue_n == QUEUE_MAX)
		return;
	memcpy(to->queue[to->queue_n].p, d.p, d.n);
	to->queue[to->queue_n++].n = d.n;
}

static void end_established(void *arg)
{
	((struct end *)arg)->established++;
}

static void end_data(struct bytes d, void *arg)
{
	struct end *e = arg;

	e->data_n++;
	snprintf(e->data, sizeof(e->data), "%.*s", (int)d.n, d.p);
}

static void end_closed(const char *why, void *arg)
{
	(void)why;
	((struct end *)arg)->closed++;
}

static int end_init(struct end *e, struct end *peer, bool is_client)
{
	struct media_dtls_conf conf = {
		.client = is_client,
		.handlers = {end_send, end_established, end_data, end_closed},
		.arg = e,
	};

	memset(e, 0, sizeof(*e));
	e->peer = peer;
	/* One process, one certificate: it is the peer's as well. */
	media_dtls_fingerprint(conf.fingerprint);
	return media_dtls_new(&e->dtls, &conf);
}

static void both_init(void)
{
	end_init(&client, &server, true);
	end_init(&server, &client, false);
}

static void both_free(void)
{
	media_dtls_free(&client.dtls);
	media_dtls_free(&server.dtls);
}

static void end_deliver(struct end *e)
{
	while (e->queue_n && e->dtls) {
		uint8_t p[1500];
		size_t n = e->queue[0].n;

		memcpy(p, e->queue[0].p, n);
		e->queue_n--;
		memmove(&e->queue[0], &e->queue[1],
			(size_t)e->queue_n * sizeof(e->queue[0]));
		media_dtls_input(e->dtls, bytes_of(p, n), clock_now());
	}
}

/* Runs until both are up or dead, at most two seconds. */
static void run(void)
{
	usec_t end = clock_now() + 5 * USEC_S;
	struct timespec tick = {0, 2000000};

	while (clock_now() < end) {
		usec_t now = clock_now();

		end_deliver(&server);
		end_deliver(&client);
		if (server.queue_n || client.queue_n)
			continue;
		if ((client.established || client.closed) &&
		    (server.established || server.closed))
			return;
		if (media_dtls_deadline(client.dtls) <= now)
			media_dtls_timeout(client.dtls, now);
		if (media_dtls_deadline(server.dtls) <= now)
			media_dtls_timeout(server.dtls, now);
		if (!server.queue_n && !client.queue_n)
			nanosleep(&tick, NULL);
	}
}

static void test_dtls_pair_is_established_and_keys_agree(void)
{
	struct dtls_srtp_keys a, b;

	both_init();
	media_dtls_start(server.dtls, clock_now());
	CHECK_INT(media_dtls_deadline(server.dtls), USEC_NEVER);
	media_dtls_start(client.dtls, clock_now());
	CHECK(media_dtls_deadline(client.dtls) != USEC_NEVER);
	run();
	CHECK_INT(client.established, 1);
	CHECK_INT(server.established, 1);
	CHECK(client.longest <= 1200 && server.longest <= 1200);
	CHECK_INT(media_dtls_srtp_keys(&a, client.dtls), 0);
	CHECK_INT(media_dtls_srtp_keys(&b, server.dtls), 0);
	CHECK_INT(a.profile, DTLS_SRTP_AES128_CM_SHA1_80);
	CHECK_INT(a.n, 30);
	CHECK_MEM(a.tx, b.rx, a.n);
	CHECK_MEM(a.rx, b.tx, a.n);
	CHECK(memcmp(a.tx, a.rx, a.n) != 0);
	CHECK_INT(media_dtls_deadline(client.dtls), USEC_NEVER);
	both_free();
}

static void test_dtls_data_goes_both_ways_and_close_is_told(void)
{
	both_init();
	CHECK_INT(media_dtls_send(client.dtls, bytes_str("early")), -ENOTCONN);
	media_dtls_start(client.dtls, clock_now());
	run();
	CHECK_INT(media_dtls_send(client.dtls, bytes_str("ping")), 0);
	end_deliver(&server);
	CHECK_STR(server.data, "ping");
	CHECK_INT(media_dtls_send(server.dtls, bytes_str("pong")), 0);
	end_deliver(&client);
	CHECK_STR(client.data, "pong");
	CHECK_INT(client.data_n + server.data_n, 2);
	media_dtls_free(&client.dtls);
	end_deliver(&server);
	CHECK_INT(server.closed, 1);
	CHECK_INT(media_dtls_send(server.dtls, bytes_str("late")), -ENOTCONN);
	both_free();
}

static void test_dtls_each_lost_flight_is_repeated(void)
{
	/* The first datagram of each end lost; then the second ones. */
	for (int lost = 1; lost <= 2; lost++) {
		both_init();
		client.lose = server.lose = lost;
		media_dtls_start(client.dtls, clock_now());
		run();
		CHECK_INT(client.established, 1);
		CHECK_INT(server.established, 1);
		both_free();
	}
}

static void test_dtls_wrong_fingerprint_is_refused(void)
{
	for (int wrong = 0; wrong < 2; wrong++) {
		struct media_dtls_conf conf = {
			.client = wrong == 0,
			.handlers = {end_send, end_established, end_data,
				     end_closed},
		};
		struct end *e = wrong == 0 ? &client : &server;

		both_init();
		media_dtls_free(&e->dtls);
		conf.arg = e;
		memset(conf.fingerprint, 7, sizeof(conf.fingerprint));
		CHECK_INT(media_dtls_new(&e->dtls, &conf), 0);
		media_dtls_start(client.dtls, clock_now());
		run();
		CHECK_INT(e->established, 0);
		CHECK_INT(e->closed, 1);
		both_free();
	}
}

static void test_dtls_garbage_does_not_end_a_handshake(void)
{
	uint8_t junk[64];

	both_init();
	media_dtls_start(client.dtls, clock_now());
	for (int i = 0; i < 64; i++) {
		memset(junk, i * 3, sizeof(junk));
		junk[0] = (uint8_t)(18 + i);
		media_dtls_input(server.dtls, bytes_of(junk, (size_t)i),
				 clock_now());
		media_dtls_input(client.dtls, bytes_of(junk, (size_t)i),
				 clock_now());
	}
	run();
	CHECK_INT(client.established, 1);
	CHECK_INT(server.established, 1);
	both_free();
}

/* -- SRTP with the keys of a handshake ------------------------------------- */

static struct srtp_pair *pair_a, *pair_b;

static void pairs_make(enum dtls_srtp_profile profile)
{
	struct dtls_srtp_keys a = {.profile = profile}, b;

	a.n = profile == DTLS_SRTP_AES128_CM_SHA1_80 ? 30
	      : profile == DTLS_SRTP_AES128_GCM      ? 28
						     : 44;
	for (size_t i = 0; i < a.n; i++) {
		a.tx[i] = (uint8_t)i;
		a.rx[i] = (uint8_t)(200 - i);
	}
	b = a;
	memcpy(b.tx, a.rx, a.n);
	memcpy(b.rx, a.tx, a.n);
	srtp_pair_new(&pair_a, &a);
	srtp_pair_new(&pair_b, &b);
}

static const uint8_t rtp[] = {0x80, 111, 0, 1, 0, 0, 0, 9, 1,
			      2,    3,   4, 5, 6, 7, 8, 9, 10};
static const uint8_t rtcp[] = {0x80, 201, 0, 1, 1, 2, 3, 4};

static void test_srtp_pair_protects_and_refuses_replay(void)
{
	static const enum dtls_srtp_profile all[] = {
		DTLS_SRTP_AES128_CM_SHA1_80, DTLS_SRTP_AES128_GCM,
		DTLS_SRTP_AES256_GCM};

	for (int i = 0; i < 3; i++) {
		struct bytes cipher, plain;
		uint8_t copy[128];

		pairs_make(all[i]);
		CHECK(pair_a && pair_b);
		CHECK_INT(srtp_pair_protect(&cipher, pair_a, false,
					    bytes_of(rtp, sizeof(rtp))),
			  0);
		CHECK(cipher.n > sizeof(rtp) && cipher.n < sizeof(copy));
		memcpy(copy, cipher.p, cipher.n);
		CHECK_INT(srtp_pair_unprotect(&plain, pair_b, false,
					      bytes_of(copy, cipher.n)),
			  0);
		CHECK(bytes_equal(plain, bytes_of(rtp, sizeof(rtp))));
		CHECK_INT(srtp_pair_unprotect(&plain, pair_b, false,
					      bytes_of(copy, cipher.n)),
			  -EALREADY);
		CHECK_INT(srtp_pair_protect(&cipher, pair_b, true,
					    bytes_of(rtcp, sizeof(rtcp))),
			  0);
		memcpy(copy, cipher.p, cipher.n);
		copy[9] ^= 1;
		CHECK(srtp_pair_unprotect(&plain, pair_a, true,
					  bytes_of(copy, cipher.n)) < 0);
		copy[9] ^= 1;
		CHECK_INT(srtp_pair_unprotect(&plain, pair_a, true,
					      bytes_of(copy, cipher.n)),
			  0);
		CHECK(bytes_equal(plain, bytes_of(rtcp, sizeof(rtcp))));
		srtp_pair_free(&pair_a);
		srtp_pair_free(&pair_b);
	}
}

static void test_srtp_pair_refuses_short_and_long_packets(void)
{
	static uint8_t big[3000] = {0x80};
	struct bytes out;

	pairs_make(DTLS_SRTP_AES128_CM_SHA1_80);
	for (size_t n = 0; n < 12; n++)
		CHECK(srtp_pair_unprotect(&out, pair_a, false,
					  bytes_of(big, n)) < 0);
	CHECK(srtp_pair_unprotect(&out, pair_a, false,
				  bytes_of(big, sizeof(big))) < 0);
	CHECK(srtp_pair_protect(&out, pair_a, false,
				bytes_of(big, sizeof(big))) < 0);
	srtp_pair_free(&pair_a);
	srtp_pair_free(&pair_b);
}

int main(void)
{
	RUN(test_dtls_pair_is_established_and_keys_agree);
	RUN(test_dtls_data_goes_both_ways_and_close_is_told);
	RUN(test_dtls_each_lost_flight_is_repeated);
	RUN(test_dtls_wrong_fingerprint_is_refused);
	RUN(test_dtls_garbage_does_not_end_a_handshake);
	RUN(test_srtp_pair_protects_and_refuses_replay);
	RUN(test_srtp_pair_refuses_short_and_long_packets);
	return check_done();
}

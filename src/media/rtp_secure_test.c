#include "media/rtp_secure.h"

#include <errno.h>
#include <stdlib.h>

#include "media/rtp_port.h"
#include "tests/check.h"

/* Two ports that speak with each other on loopback, in invented time. */
struct end {
	struct rtp_port *port;
	struct sa at;
	unsigned audio, byes;
	char heard[16];
};

static struct {
	struct rtp_ports *range;
	struct end a, b;
	usec_t now;
} pair;

static void on_audio(const struct media_packet *p, void *arg)
{
	struct end *e = arg;

	e->audio++;
	snprintf(e->heard, sizeof(e->heard), "%.*s", (int)p->payload.n,
		 (const char *)p->payload.p);
}

static void on_bye(void *arg)
{
	((struct end *)arg)->byes++;
}

static bool end_open(struct end *e)
{
	static const struct rtp_port_handlers handlers = {.audio = on_audio,
							  .bye = on_bye};

	(void)sa_set_str(&e->at, "127.0.0.1", 0);
	if (rtp_port_new(&e->port, pair.range, &e->at, &handlers, e))
		return false;
	sa_set_port(&e->at, rtp_port_number(e->port));
	return true;
}

static bool pair_open(void)
{
	memset(&pair, 0, sizeof(pair));
	pair.now = 5000 * USEC_S;
	if (rtp_ports_new(&pair.range, 40000, 49999) || !end_open(&pair.a) ||
	    !end_open(&pair.b))
		return false;
	rtp_port_set_remote(pair.a.port, &pair.b.at, &media_codec_pcma, 8, -1);
	rtp_port_set_remote(pair.b.port, &pair.a.at, &media_codec_pcma, 8, -1);
	return true;
}

static void pair_close(void)
{
	rtp_port_free(&pair.a.port);
	rtp_port_free(&pair.b.port);
	rtp_ports_free(&pair.range);
}

static void pair_poll(void)
{
	pair.now += 150 * USEC_MS;
	rtp_port_poll(pair.a.port, pair.now);
	rtp_port_poll(pair.b.port, pair.now);
	rtp_port_poll(pair.a.port, pair.now);
}

/* a says goodbye by RTCP, and b hears it. */
static bool pair_ends(void)
{
	rtp_port_free(&pair.a.port);
	pair.now += 150 * USEC_MS;
	rtp_port_poll(pair.b.port, pair.now);
	return pair.b.byes == 1;
}

/* What a says is heard by b, and the other way. */
static bool pair_talks(const char *text)
{
	unsigned a = pair.a.audio, b = pair.b.audio;

	(void)rtp_port_send(pair.a.port, bytes_str(text), 160, false);
	(void)rtp_port_send(pair.b.port, bytes_str(text), 160, false);
	pair_poll();
	return pair.a.audio == a + 1 && pair.b.audio == b + 1 &&
	       strcmp(pair.a.heard, text) == 0 &&
	       strcmp(pair.b.heard, text) == 0;
}

static struct media_srtp_key key_of(uint8_t seed)
{
	struct media_srtp_key k = {.suite = MEDIA_SRTP_AES_CM_128_80};

	for (size_t i = 0; i < media_srtp_key_bytes(k.suite); i++)
		k.bytes[i] = (uint8_t)(seed + i);
	return k;
}

static void test_rtp_secure_sdes_both_ways_and_new_keys(void)
{
	struct media_srtp_key k1 = key_of(1), k2 = key_of(2), k3 = key_of(3);
	struct rtp_port_stats s;

	CHECK(pair_open());
	CHECK_INT(rtp_port_set_sdes(pair.a.port, &k1, &k2), 0);
	CHECK_INT(rtp_port_set_sdes(pair.b.port, &k2, &k1), 0);
	CHECK(pair_talks("one"));
	/* A re-INVITE with the same keys: counters go on. */
	CHECK_INT(rtp_port_set_sdes(pair.b.port, &k2, &k1), 0);
	CHECK(pair_talks("two"));
	CHECK_INT(rtp_port_set_sdes(pair.a.port, &k3, &k2), 0);
	CHECK(!pair_talks("three"));
	CHECK_INT(rtp_port_set_sdes(pair.b.port, &k2, &k3), 0);
	CHECK(pair_talks("four"));
	rtp_port_stats(pair.b.port, &s);
	CHECK_INT(s.rx_unsafe, 1);
	pair_close();
}

static void test_rtp_secure_reports_are_protected(void)
{
	struct media_srtp_key k1 = key_of(1), k2 = key_of(2);
	struct rtp_port_stats s;

	CHECK(pair_open());
	CHECK_INT(rtp_port_set_sdes(pair.a.port, &k1, &k2), 0);
	CHECK_INT(rtp_port_set_sdes(pair.b.port, &k2, &k1), 0);
	for (unsigned i = 0; i < 120; i++)
		CHECK(pair_talks("tick"));
	rtp_port_stats(pair.b.port, &s);
	CHECK_INT(s.rx_unsafe + s.rx_bad, 0);
	CHECK(pair_ends());
	pair_close();
}

static void test_rtp_secure_plain_packets_do_not_pass(void)
{
	struct media_srtp_key k1 = key_of(1), k2 = key_of(2);
	struct rtp_port_stats s;

	CHECK(pair_open());
	CHECK_INT(rtp_port_set_sdes(pair.a.port, &k1, &k2), 0);
	CHECK(!pair_talks("plain"));
	CHECK_INT(pair.a.audio, 0);
	rtp_port_stats(pair.a.port, &s);
	CHECK_INT(s.rx_unsafe, 1);
	rtp_port_set_plain(pair.a.port);
	CHECK(pair_talks("plain"));
	pair_close();
}

/* Neither plain nor with the keys of before. */
static void test_rtp_secure_without_usable_keys_nothing_passes(void)
{
	struct media_srtp_key k1 = key_of(1), k2 = key_of(2), none = {0};

	CHECK(pair_open());
	CHECK(pair_talks("plain"));
	CHECK(rtp_port_set_sdes(pair.a.port, &none, &none) < 0);
	CHECK(rtp_port_send(pair.a.port, bytes_str("x"), 160, false) < 0);
	CHECK(!pair_talks("shut"));
	CHECK_INT(pair.a.audio, 1);
	CHECK_INT(pair.b.audio, 1);
	CHECK_INT(rtp_port_set_sdes(pair.a.port, &k1, &k2), 0);
	CHECK_INT(rtp_port_set_sdes(pair.b.port, &k2, &k1), 0);
	CHECK(pair_talks("open"));
	CHECK(rtp_port_set_sdes(pair.a.port, &k1, &none) < 0);
	CHECK(!pair_talks("shut"));
	rtp_port_set_plain(pair.a.port);
	rtp_port_set_plain(pair.b.port);
	CHECK(pair_talks("plain"));
	pair_close();
}

static bool dtls_set(bool a_is_client)
{
	uint8_t fingerprint[DTLS_FINGERPRINT_BYTES];

	return media_dtls_fingerprint(fingerprint) == 0 &&
	       rtp_port_set_dtls(pair.a.port, a_is_client, fingerprint) == 0 &&
	       rtp_port_set_dtls(pair.b.port, !a_is_client, fingerprint) == 0;
}

static bool dtls_comes_up(void)
{
	for (unsigned i = 0; i < 20; i++)
		if (pair_talks("dtls"))
			return true;
	return false;
}

static void test_rtp_secure_dtls_both_roles(void)
{
	for (int client = 0; client < 2; client++) {
		CHECK(pair_open());
		CHECK(dtls_set(client));
		CHECK_INT(
			rtp_port_send(pair.a.port, bytes_str("x"), 160, false),
			-ENOKEY);
		CHECK(dtls_comes_up());
		CHECK(dtls_set(client)); /* the same again: goes on */
		CHECK(pair_talks("more"));
		CHECK(pair_ends());
		pair_close();
	}
}

static void test_rtp_secure_dtls_another_certificate_is_refused(void)
{
	uint8_t fingerprint[DTLS_FINGERPRINT_BYTES], other[32] = {1};

	CHECK(pair_open());
	CHECK_INT(media_dtls_fingerprint(fingerprint), 0);
	CHECK_INT(rtp_port_set_dtls(pair.a.port, true, other), 0);
	CHECK_INT(rtp_port_set_dtls(pair.b.port, false, fingerprint), 0);
	CHECK(!dtls_comes_up());
	CHECK_INT(pair.a.audio + pair.b.audio, 0);
	pair_close();
}

int main(void)
{
	RUN(test_rtp_secure_sdes_both_ways_and_new_keys);
	RUN(test_rtp_secure_reports_are_protected);
	RUN(test_rtp_secure_plain_packets_do_not_pass);
	RUN(test_rtp_secure_without_usable_keys_nothing_passes);
	RUN(test_rtp_secure_dtls_both_roles);
	RUN(test_rtp_secure_dtls_another_certificate_is_refused);
	return check_done();
}

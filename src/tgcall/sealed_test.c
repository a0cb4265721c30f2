#include "tgcall/sealed.h"

#include <errno.h>
#include <string.h>

#include "tests/check.h"

static struct sealed a, b;

static void begin(void)
{
	uint8_t key[TGCALL_KEY_BYTES];

	for (int i = 0; i < TGCALL_KEY_BYTES; i++)
		key[i] = (uint8_t)i;
	sealed_init(&a, key, true);
	sealed_init(&b, key, false);
}

static void end(void)
{
	sealed_clear(&a);
	sealed_clear(&b);
}

/* E.10: "bit 30 clear and bit 31 set on every packet (type 127, BE32 length,
 * data), content = bare RTP/RTCP, or SCTP prefixed by dc dc dc dc" */
static void test_sealed_packet_is_laid_out_as_the_apps_do(void)
{
	struct tgcall_crypto peer = {.transport = true};
	struct bytes packet;
	struct buf plain;

	begin();
	memcpy(peer.key, a.crypto.key, sizeof(peer.key));
	buf_init(&plain);
	CHECK_INT(sealed_put(&packet, &a, bytes_str("\x90ox"), false), 0);
	CHECK_INT(tgcall_crypto_open(&peer, &plain, packet), 0);
	CHECK_INT(plain.n, 12);
	CHECK_MEM(plain.p, "\x80\0\0\x01\x7f\0\0\0\x03\x90ox", 12);
	buf_reset(&plain);
	CHECK_INT(sealed_put(&packet, &a, bytes_str("s"), true), 0);
	CHECK_INT(tgcall_crypto_open(&peer, &plain, packet), 0);
	CHECK_MEM(plain.p, "\x80\0\0\x02\x7f\0\0\0\x05\xdc\xdc\xdc\xdcs", 14);
	buf_clear(&plain);
	end();
}

static void test_sealed_packets_are_opened_once(void)
{
	struct bytes packet, data;
	bool is_sctp;
	uint8_t copy[64];

	begin();
	CHECK_INT(sealed_put(&packet, &a, bytes_str("\x90voice"), false), 0);
	memcpy(copy, packet.p, packet.n);
	CHECK_INT(sealed_open(&data, &is_sctp, &b, packet), 0);
	CHECK(!is_sctp);
	CHECK_INT(data.n, 6);
	CHECK_MEM(data.p, "\x90voice", 6);
	CHECK_INT(sealed_open(&data, &is_sctp, &b, bytes_of(copy, packet.n)),
		  -EALREADY);
	CHECK_INT(sealed_put(&packet, &b, bytes_str("init"), true), 0);
	CHECK_INT(sealed_open(&data, &is_sctp, &a, packet), 0);
	CHECK(is_sctp);
	CHECK_MEM(data.p, "init", 4);
	end();
}

static void test_sealed_refuses_what_is_not_the_peers(void)
{
	static const char *const broken[] = {
		"80000001", "800000017f", "800000017f00000002ff",
		"80000001fe00000000", "800000007f00000000"};
	struct tgcall_crypto peer = {.transport = true, .outgoing = true};
	struct bytes packet, data;
	bool is_sctp;
	struct buf b2;

	begin();
	buf_init(&b2);
	memcpy(peer.key, a.crypto.key, sizeof(peer.key));
	/* Our own, and a turned bit. */
	CHECK_INT(sealed_put(&packet, &a, bytes_str("x"), false), 0);
	CHECK_INT(sealed_open(&data, &is_sctp, &a, packet), -EBADMSG);
	a.packet.p[20] ^= 1;
	CHECK_INT(sealed_open(&data, &is_sctp, &b, packet), -EBADMSG);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		uint8_t plain[32];
		size_t n = strlen(broken[i]) / 2;

		buf_reset(&b2);
		CHECK_INT(hex_decode(plain, n, broken[i], 2 * n), 0);
		CHECK_INT(tgcall_crypto_seal(&peer, &b2, bytes_of(plain, n)),
			  0);
		CHECK(sealed_open(&data, &is_sctp, &b, buf_bytes(&b2)) < 0);
	}
	buf_clear(&b2);
	end();
}

int main(void)
{
	RUN(test_sealed_packet_is_laid_out_as_the_apps_do);
	RUN(test_sealed_packets_are_opened_once);
	RUN(test_sealed_refuses_what_is_not_the_peers);
	return check_done();
}

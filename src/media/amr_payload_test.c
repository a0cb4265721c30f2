#include "media/amr_payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static int read_hex(struct amr_payload *p, const char *hex, bool aligned)
{
	size_t n = strlen(hex) / 2;
	uint8_t *exact = malloc(n ? n : 1);
	int err = hex_decode(exact, n, hex, strlen(hex));

	if (!err)
		err = amr_payload_read(p, bytes_of(exact, n), aligned);
	free(exact);
	return err;
}

/* RFC 4867 4.3.5.1: one frame of 7.4 kbit/s, no mode requested: 1111 0 0100 1,
 * the 148 bits, here all ones, and two of padding. */
static void test_amr_bandwidth_efficient_frame_is_read(void)
{
	struct amr_payload p;

	CHECK_INT(
		read_hex(&p, "f27ffffffffffffffffffffffffffffffffffffc", false),
		0);
	CHECK_INT(p.request, AMR_REQUEST_NONE);
	CHECK_INT(p.n, 1);
	CHECK_INT(p.frames[0].type, 4);
	CHECK(p.frames[0].good);
	CHECK_INT(p.frames[0].bits[0], 0xff);
	CHECK_INT(p.frames[0].bits[18], 0xf0); /* 148 = 18 * 8 + 4 */
	CHECK_INT(read_hex(&p, "f27ffffffffffffffffffffffffffffffffffffc00",
			   false),
		  -EBADMSG);
	CHECK_INT(read_hex(&p, "f27fffffffffffffffffffffffffffffffffff", false),
		  -EBADMSG);
}

/* Aligned: a request for mode 6 and a damaged frame of 7.95 kbit/s: 0110 0000,
 * 0 0101 0 00, and 159 bits in 20 bytes. */
static void test_amr_aligned_frame_is_read(void)
{
	struct amr_payload p;
	char hex[100] = "6028";

	for (int i = 0; i < 20; i++)
		strcat(hex, "aa");
	CHECK_INT(read_hex(&p, hex, true), 0);
	CHECK_INT(p.request, 6);
	CHECK_INT(p.n, 1);
	CHECK_INT(p.frames[0].type, 5);
	CHECK(!p.frames[0].good);
	CHECK_INT(p.frames[0].bits[19], 0xaa);
	CHECK_INT(read_hex(&p, hex, false), -EBADMSG);
	hex[strlen(hex) - 2] = '\0';
	CHECK_INT(read_hex(&p, hex, true), -EBADMSG);
}

static void test_amr_frames_without_sound(void)
{
	struct amr_payload p;

	/* SID, then nothing; both packings */
	CHECK_INT(read_hex(&p, "f0c47c1122334455", true), 0);
	CHECK_INT(p.n, 2);
	CHECK_INT(p.frames[0].type, AMR_SID);
	CHECK_INT(p.frames[0].bits[4], 0x54);
	CHECK_INT(p.frames[1].type, AMR_NO_DATA);
	CHECK_INT(read_hex(&p, "f7c0", false), 0);
	CHECK_INT(p.frames[0].type, AMR_NO_DATA);
}

static void test_amr_refusals(void)
{
	struct amr_payload p;

	CHECK_INT(read_hex(&p, "", true), -EBADMSG);
	CHECK_INT(read_hex(&p, "f0", true), -EBADMSG);
	CHECK_INT(read_hex(&p, "f0", false), -EBADMSG);
	/* FT 9: not of AMR */
	CHECK_INT(read_hex(&p, "f04c00000000000000", true), -EBADMSG);
	/* seven frames */
	CHECK_INT(read_hex(&p, "f0fcfcfcfcfcfc7c", true), -EBADMSG);
	CHECK_INT(read_hex(&p, "f0fcfcfcfcfc7c", true), 0);
	CHECK_INT(p.n, 6);
	/* a table of contents without an end */
	CHECK_INT(read_hex(&p, "f0fcfc", true), -EBADMSG);
	/* a request for a mode that AMR does not have */
	CHECK_INT(read_hex(&p, "b07c", true), 0);
	CHECK_INT(p.request, AMR_REQUEST_NONE);
}

static void test_amr_payload_survives_a_round_trip(void)
{
	for (unsigned round = 0; round < 2 * 9 * AMR_FRAMES_MAX; round++) {
		bool aligned = round % 2;
		struct amr_payload p = {.request = (uint8_t)(round % 8),
					.n = round / 18 + 1},
				   back;
		uint8_t bytes[300];
		int n;

		for (size_t i = 0; i < p.n; i++) {
			struct amr_frame *f = &p.frames[i];
			size_t bits;

			f->type = (uint8_t)((round / 2 + i) % 9);
			f->good = (round + i) % 3;
			bits = amr_frame_bits(f->type);
			for (size_t k = 0; k < bits; k++)
				if ((k * 7 + round) % 3)
					f->bits[k / 8] |=
						(uint8_t)(0x80 >> k % 8);
		}
		n = amr_payload_write(bytes, sizeof(bytes), &p, aligned);
		CHECK(n > 0);
		CHECK_INT(amr_payload_write(bytes, (size_t)n - 1, &p, aligned),
			  -ENOSPC);
		CHECK_INT(amr_payload_read(&back, bytes_of(bytes, (size_t)n),
					   aligned),
			  0);
		CHECK(memcmp(&p, &back, sizeof(p)) == 0);
		CHECK_INT(amr_payload_read(&back,
					   bytes_of(bytes, (size_t)n - 1),
					   aligned),
			  -EBADMSG);
	}
}

static void test_amr_payload_needs_frames(void)
{
	struct amr_payload p = {.n = 0};
	uint8_t bytes[10];

	CHECK_INT(amr_payload_write(bytes, 10, &p, true), -EINVAL);
	p.n = AMR_FRAMES_MAX + 1;
	CHECK_INT(amr_payload_write(bytes, 10, &p, true), -EINVAL);
}

int main(void)
{
	RUN(test_amr_bandwidth_efficient_frame_is_read);
	RUN(test_amr_aligned_frame_is_read);
	RUN(test_amr_frames_without_sound);
	RUN(test_amr_refusals);
	RUN(test_amr_payload_survives_a_round_trip);
	RUN(test_amr_payload_needs_frames);
	return check_done();
}

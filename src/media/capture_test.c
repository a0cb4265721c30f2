#include "media/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/pcapng.h"
#include "tests/check.h"

static void address(struct sa *sa, const char *text, uint16_t port)
{
	CHECK_INT(sa_set_str(sa, text, port), 0);
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* -- the format ------------------------------------------------------------ */

static void test_pcapng_section_and_interface(void)
{
	static const uint8_t section[] = {
		0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0,    0,    0x4d, 0x3c,
		0x2b, 0x1a, 1,    0,    0,  0, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 28, 0, 0,    0};
	static const uint8_t interface[] = {
		1,   0,   0,   0,   44, 0, 0,   0,   101, 0, 0, 0, 0, 0,
		0,   0,   2,   0,   3,  0, 'r', 't', 'p', 0, 3, 0, 4, 0,
		'm', 'o', 'r', 'e', 0,  0, 0,   0,   44,  0, 0, 0};
	struct buf out;

	buf_init(&out);
	pcapng_write_section(&out);
	CHECK(bytes_equal(buf_bytes(&out), bytes_of(section, sizeof(section))));
	buf_reset(&out);
	pcapng_write_interface(&out, "rtp", "more");
	CHECK_INT(out.n, 40);
	CHECK_INT(le32(out.p + 4), 40);
	CHECK(memcmp(out.p + 8, interface + 8, 28) == 0);
	CHECK_INT(le32(out.p + 36), 40);
	buf_clear(&out);
}

static void test_pcapng_packet_ipv4(void)
{
	struct pcapng_packet p = {.interface = 2,
				  .at = {.us = 0x0123456789abcdLL},
				  .data = bytes_str("hallo"),
				  .length = 160};
	struct buf out;

	address(&p.src, "192.0.2.1", 4000);
	address(&p.dst, "192.0.2.2", 5000);
	buf_init(&out);
	CHECK_INT(pcapng_write_packet(&out, &p), 0);
	CHECK_INT(le32(out.p), 6);
	CHECK_INT(le32(out.p + 4), out.n);
	CHECK_INT(le32(out.p + 8), 2);
	CHECK_INT(le32(out.p + 12), 0x012345);
	CHECK_INT(le32(out.p + 16), 0x6789abcd);
	CHECK_INT(le32(out.p + 20), 20 + 8 + 5);
	CHECK_INT(le32(out.p + 24), 20 + 8 + 160);
	/* IPv4, its length on the wire, its sum (by hand). */
	CHECK(memcmp(out.p + 28,
		     "\x45\x00\x00\xbc\x00\x00\x00\x00\x40\x11\xf6\x2d"
		     "\xc0\x00\x02\x01\xc0\x00\x02\x02",
		     20) == 0);
	CHECK(memcmp(out.p + 48, "\x0f\xa0\x13\x88\x00\xa8\x00\x00hallo", 13) ==
	      0);
	CHECK_INT(out.n % 4, 0);
	CHECK_INT(le32(out.p + out.n - 4), out.n);
	buf_clear(&out);
}

static void test_pcapng_packet_ipv6_has_a_sum(void)
{
	struct pcapng_packet p = {.data = bytes_str("abc"), .length = 3};
	uint32_t s = 17 + 11;
	struct buf out;

	address(&p.src, "2001:db8::1", 4000);
	address(&p.dst, "2001:db8::2", 5000);
	buf_init(&out);
	CHECK_INT(pcapng_write_packet(&out, &p), 0);
	CHECK_INT(out.p[28], 0x60);
	/* Addresses, UDP and payload add up to all ones (RFC 1071). */
	for (size_t i = 28 + 8; i < 28 + 40 + 8 + 3; i += 2)
		s += (uint32_t)out.p[i] << 8 |
		     (i + 1 < 28 + 40 + 8 + 3 ? out.p[i + 1] : 0);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	CHECK_INT(s, 0xffff);
	buf_clear(&out);
}

static void test_pcapng_refuses_what_is_no_packet(void)
{
	struct pcapng_packet p = {.data = bytes_str("abc"), .length = 3};
	struct buf out;

	buf_init(&out);
	CHECK_INT(pcapng_write_packet(&out, &p), -EINVAL);
	address(&p.src, "2001:db8::1", 1);
	address(&p.dst, "192.0.2.2", 1);
	CHECK_INT(pcapng_write_packet(&out, &p), -EINVAL);
	address(&p.src, "192.0.2.1", 1);
	p.length = 2;
	CHECK_INT(pcapng_write_packet(&out, &p), -EINVAL);
	p.length = 65500;
	CHECK_INT(pcapng_write_packet(&out, &p), -EINVAL);
	p.length = 65487;
	CHECK_INT(pcapng_write_packet(&out, &p), 0);
	buf_clear(&out);
}

/* -- files ----------------------------------------------------------------- */

static char folder[] = "/tmp/gramline-capture-XXXXXX";
static char path[64];

static void packet(struct capture_packet *p, enum capture_kind kind,
		   const void *data, size_t n)
{
	*p = (struct capture_packet){.kind = kind, .data = bytes_of(data, n)};
	address(&p->src, "192.0.2.1", 4000);
	address(&p->dst, "192.0.2.2", 5000);
}

/* The file, whole, after its writer is gone. */
static size_t file_read(uint8_t *dst, size_t room)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(dst, 1, room, f) : 0;

	if (f)
		(void)fclose(f);
	(void)unlink(path);
	return n;
}

/* Packet blocks, and the bytes captured of them. */
static unsigned packets_in(const uint8_t *p, size_t n, size_t *bytes)
{
	unsigned found = 0;
	size_t at = 0;

	*bytes = 0;
	while (n - at >= 12 && le32(p + at + 4) <= n - at) {
		if (le32(p + at) == 6) {
			found++;
			*bytes += le32(p + at + 20);
		}
		at += le32(p + at + 4);
	}
	return at == n ? found : 0;
}

static void test_capture_writes_what_was_put(void)
{
	static const uint8_t rtp[172] = {0x80, 8}, rtcp[28] = {0x80, 200, 0, 6};
	static uint8_t file[8192];

	for (int full = 0; full < 2; full++) {
		struct capture_writer *w = NULL;
		struct capture *c = NULL;
		struct capture_packet p;
		struct capture_counts n;
		struct stat st;
		size_t bytes;

		CHECK_INT(capture_writer_new(&w), 0);
		CHECK_INT(capture_open(&c, w, path, full), 0);
		packet(&p, CAPTURE_SIP, "OPTIONS", 7);
		capture_control(c, &p);
		packet(&p, CAPTURE_RTP, rtp, sizeof(rtp));
		capture_media(c, &p);
		packet(&p, CAPTURE_TELEGRAM, rtcp, sizeof(rtcp));
		capture_media(c, &p);
		capture_count(c, &n);
		CHECK_INT(n.packets, 3);
		CHECK_INT(n.dropped, 0);
		capture_close(&c);
		capture_writer_free(&w);
		CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
		CHECK_INT(
			packets_in(file, file_read(file, sizeof(file)), &bytes),
			3);
		/* Of RTP its header alone: no speech. */
		CHECK_INT(bytes, 3 * 28 + 7 + (full ? 172 : 12) + 28);
	}
}

static void test_capture_counts_what_does_not_fit(void)
{
	static const uint8_t rtp[1000] = {0x80, 8};
	static uint8_t file[4 << 20];
	struct capture_writer *w = NULL;
	struct capture *c = NULL;
	struct capture_packet p;
	struct capture_counts n;
	size_t bytes;

	CHECK_INT(capture_writer_new(&w), 0);
	CHECK_INT(capture_open(&c, w, path, true), 0);
	packet(&p, CAPTURE_RTP, rtp, sizeof(rtp));
	for (int i = 0; i < 2000; i++)
		capture_media(c, &p);
	capture_count(c, &n);
	CHECK(n.packets > 50 && n.dropped > 0);
	CHECK_INT(n.packets + n.dropped, 2000);
	capture_close(&c);
	capture_writer_free(&w);
	CHECK_INT(packets_in(file, file_read(file, sizeof(file)), &bytes),
		  n.packets);
}

static void test_capture_overwrites_no_file(void)
{
	struct capture_writer *w = NULL;
	struct capture *c = NULL, *other = NULL;

	CHECK_INT(capture_writer_new(&w), 0);
	CHECK_INT(capture_open(&c, w, path, true), 0);
	CHECK_INT(capture_open(&other, w, path, true), -EEXIST);
	CHECK_INT(capture_open(&other, w, "/nowhere/at/all", true), -ENOENT);
	capture_close(&c);
	capture_writer_free(&w);
	(void)unlink(path);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/c.pcapng", folder);
	RUN(test_pcapng_section_and_interface);
	RUN(test_pcapng_packet_ipv4);
	RUN(test_pcapng_packet_ipv6_has_a_sum);
	RUN(test_pcapng_refuses_what_is_no_packet);
	RUN(test_capture_writes_what_was_put);
	RUN(test_capture_counts_what_does_not_fit);
	RUN(test_capture_overwrites_no_file);
	(void)rmdir(folder);
	return check_done();
}

#include "ice/message.h"

#include <errno.h>
#include <string.h>

#include "base/re.h"
#include "tests/check.h"

static uint8_t raw[256];
static struct bytes datagram;
static struct ice_message m;

static int load(const char *hex)
{
	size_t n = strlen(hex) / 2;

	if (hex_decode(raw, n, hex, strlen(hex)) < 0)
		return -EINVAL;
	datagram = bytes_of(raw, n);
	return ice_message_read(&m, datagram);
}

/* RFC 5769 2.1 to 2.3 */
static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";
static const char request_hex[] =
	"000100582112a442b7e7a701bc34d686fa87dfae"
	"802200105354554e207465737420636c69656e74"
	"002400046e0001ff80290008932ff9b151263b36"
	"000600096576746a3a68367659202020"
	"000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
	"80280004e57a3bcf";
static const char answer4_hex[] =
	"0101003c2112a442b7e7a701bc34d686fa87dfae"
	"8022000b7465737420766563746f7220"
	"002000080001a147e112a643"
	"000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
	"80280004c07d4c96";
static const char answer6_hex[] =
	"010100482112a442b7e7a701bc34d686fa87dfae"
	"8022000b7465737420766563746f7220"
	"002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
	"00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
	"80280004c8fb0b4c";

static void test_ice_message_reads_rfc5769_request(void)
{
	CHECK_INT(load(request_hex), 0);
	CHECK_INT(m.cls, ICE_REQUEST);
	CHECK_INT(m.method, 1);
	CHECK(bytes_equal(m.username, bytes_str("evtj:h6vY")));
	CHECK_INT(m.priority, 0x6e0001ff);
	CHECK(m.has_controlled && m.tie_breaker == 0x932ff9b151263b36);
	CHECK(ice_message_fingerprint_ok(&m, datagram));
	CHECK(ice_message_integrity_ok(&m, datagram, password));
	CHECK(!ice_message_integrity_ok(&m, datagram, "other"));
	raw[30] ^= 1;
	CHECK(!ice_message_fingerprint_ok(&m, datagram));
	CHECK(!ice_message_integrity_ok(&m, datagram, password));
}

static void test_ice_message_reads_rfc5769_answers(void)
{
	struct sa want;

	CHECK_INT(load(answer4_hex), 0);
	CHECK_INT(m.cls, ICE_SUCCESS);
	CHECK(ice_message_fingerprint_ok(&m, datagram));
	CHECK(ice_message_integrity_ok(&m, datagram, password));
	sa_set_str(&want, "192.0.2.1", 32853);
	CHECK(sa_cmp(&m.mapped, &want, SA_ALL));
	CHECK_INT(load(answer6_hex), 0);
	CHECK(ice_message_fingerprint_ok(&m, datagram));
	CHECK(ice_message_integrity_ok(&m, datagram, password));
	sa_set_str(&want, "2001:db8:1234:5678:11:2233:4455:6677", 32853);
	CHECK(sa_cmp(&m.mapped, &want, SA_ALL));
}

static void test_ice_message_refuses_every_cut(void)
{
	uint8_t copy[256];
	size_t n;

	CHECK_INT(load(request_hex), 0);
	n = datagram.n;
	memcpy(copy, raw, n);
	for (size_t cut = 0; cut < n; cut++)
		CHECK_INT(ice_message_read(&m, bytes_of(copy, cut)), -EBADMSG);
	memset(copy + n, 0, 4);
	CHECK_INT(ice_message_read(&m, bytes_of(copy, n + 1)), -EBADMSG);
	CHECK_INT(ice_message_read(&m, bytes_of(copy, n + 4)), -EBADMSG);
}

static void test_ice_message_refuses_bad_structure(void)
{
	/* Magic cookie, type bits, attribute past the end, something behind
	 * FINGERPRINT, short PRIORITY, address family 3, error code 299. */
	CHECK_INT(load("000100002112a443b7e7a701bc34d686fa87dfae"), -EBADMSG);
	CHECK_INT(load("400100002112a442b7e7a701bc34d686fa87dfae"), -EBADMSG);
	CHECK_INT(load("000100042112a442b7e7a701bc34d686fa87dfae00060004"),
		  -EBADMSG);
	CHECK_INT(load("0001000c2112a442b7e7a701bc34d686fa87dfae"
		       "802800040000000000250000"),
		  -EBADMSG);
	CHECK_INT(load("000100082112a442b7e7a701bc34d686fa87dfae"
		       "0024000201020000"),
		  -EBADMSG);
	CHECK_INT(load("0101000c2112a442b7e7a701bc34d686fa87dfae"
		       "002000080003a147e112a643"),
		  -EBADMSG);
	CHECK_INT(load("011100082112a442b7e7a701bc34d686fa87dfae"
		       "0009000400000263"),
		  -EBADMSG);
	CHECK_INT(load("011100082112a442b7e7a701bc34d686fa87dfae"
		       "0009000400000457"),
		  0);
	CHECK_INT(m.error, 487);
}

static void test_ice_message_lists_unknown_required_only(void)
{
	CHECK_INT(load("000100102112a442b7e7a701bc34d686fa87dfae"
		       "7abc0000c057000400010002"
		       "00990000"),
		  0);
	CHECK_INT(m.unknown_n, 2);
	CHECK_INT(m.unknown[0], 0x7abc);
	CHECK_INT(m.unknown[1], 0x99);
}

static void test_ice_message_reads_nomination_and_retransmit(void)
{
	CHECK_INT(load("000100102112a442b7e7a701bc34d686fa87dfae"
		       "c001000400000007ff00000400000003"),
		  0);
	CHECK(m.has_nomination && m.nomination == 7);
	CHECK(m.has_retransmit && m.retransmit.n == 4);
	CHECK_INT(m.unknown_n, 0);
}

static const uint8_t tid[ICE_TID_BYTES] = "abcdefghijkl";

/* libre as the other implementation, in both directions. */
static void test_ice_message_written_is_read_by_libre(void)
{
	struct ice_message_out o;
	struct stun_unknown_attr ua;
	struct stun_msg *msg = NULL;
	struct mbuf *mb = mbuf_alloc(512);
	struct stun_attr *attr;
	struct sa addr;
	bool good;

	sa_set_str(&addr, "203.0.113.9", 40001);
	ice_message_begin(&o, ICE_SUCCESS, tid);
	ice_message_put_address(&o, &addr);
	ice_message_put_u32(&o, ICE_ATTR_PRIORITY, 77);
	ice_message_put(&o, ICE_ATTR_USERNAME, "a:b", 3);
	ice_message_end(&o, password);
	mbuf_write_mem(mb, o.p, o.n);
	mb->pos = 0;
	good = !o.bad && stun_msg_decode(&msg, mb, &ua) == 0 &&
	       stun_msg_chk_fingerprint(msg) == 0 &&
	       stun_msg_chk_mi(msg, (const uint8_t *)password,
			       strlen(password)) == 0;
	attr = good ? stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR) : NULL;
	good = attr && sa_cmp(&attr->v.sa, &addr, SA_ALL);
	attr = good ? stun_msg_attr(msg, STUN_ATTR_USERNAME) : NULL;
	good = attr && strcmp(attr->v.username, "a:b") == 0;
	mem_deref(msg);
	mem_deref(mb);
	CHECK(good);
}

static void test_ice_message_of_libre_is_read(void)
{
	struct mbuf *mb = mbuf_alloc(512);
	uint32_t priority = 99;
	uint64_t tie = 0x1122334455667788;
	int e;

	e = stun_msg_encode(
		mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST, tid, NULL,
		(const uint8_t *)password, strlen(password), true, 0, 4,
		STUN_ATTR_USERNAME, "abcd:efgh", STUN_ATTR_PRIORITY, &priority,
		STUN_ATTR_CONTROLLING, &tie, STUN_ATTR_USE_CAND, &tie);
	datagram = bytes_of(raw, mb->end);
	memcpy(raw, mb->buf, mb->end);
	mem_deref(mb);
	CHECK_INT(e, 0);
	CHECK_INT(ice_message_read(&m, datagram), 0);
	CHECK(m.use_candidate);
	CHECK(m.has_controlling);
	CHECK_INT(m.tie_breaker, tie);
	CHECK(bytes_equal(m.username, bytes_str("abcd:efgh")));
	CHECK(ice_message_fingerprint_ok(&m, datagram));
	CHECK(ice_message_integrity_ok(&m, datagram, password));
}

static void test_ice_message_too_long_is_bad(void)
{
	struct ice_message_out o;
	char username[600];

	memset(username, 'u', sizeof(username));
	ice_message_begin(&o, ICE_REQUEST, tid);
	ice_message_put(&o, ICE_ATTR_USERNAME, username, sizeof(username));
	CHECK(!o.bad);
	ice_message_put(&o, ICE_ATTR_USERNAME, username, 97);
	CHECK(o.bad);
	ice_message_end(&o, password);
	CHECK(o.bad && o.n <= sizeof(o.p));
}

int main(void)
{
	RUN(test_ice_message_reads_rfc5769_request);
	RUN(test_ice_message_reads_rfc5769_answers);
	RUN(test_ice_message_refuses_every_cut);
	RUN(test_ice_message_refuses_bad_structure);
	RUN(test_ice_message_lists_unknown_required_only);
	RUN(test_ice_message_reads_nomination_and_retransmit);
	RUN(test_ice_message_written_is_read_by_libre);
	RUN(test_ice_message_of_libre_is_read);
	RUN(test_ice_message_too_long_is_bad);
	return check_done();
}

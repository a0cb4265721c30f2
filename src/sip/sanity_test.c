#include "sip/sanity.h"

#include <errno.h>
#include <stdlib.h>

#include "sip/address.h"
#include "sip/stack.h"
#include "tests/check.h"

#define VIA "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK77;rport\r\n"
#define FROM "From: \"A. Caller\" <sip:caller@example.net>;tag=17\r\n"
#define TO "To: <sip:callee@example.com>\r\n"
#define CALL "Call-ID: 55@192.0.2.4\r\n"
#define CSEQ(method) "CSeq: 8 " method "\r\n"
#define FORWARDS "Max-Forwards: 70\r\n"
#define LINE(method) method " sip:callee@example.com SIP/2.0\r\n"
#define GOOD(method) LINE(method) VIA FROM TO CALL CSEQ(method) FORWARDS
#define OK "SIP/2.0 200 OK\r\n" VIA FROM TO CALL

struct verdict_row {
	const char *name; /* of the message of RFC 4475 it is modelled on */
	const char *text;
	enum sanity_verdict verdict;
	unsigned code;
};

/* dependencies 2.4, in its order, then what it does not list. */
static const struct verdict_row rows[] = {
	{"insuf", LINE("INVITE") VIA CSEQ("INVITE") FORWARDS "\r\n",
	 SANITY_REFUSE, 400},
	{"insuf, no From", LINE("INVITE") VIA TO CALL CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"insuf, no CSeq", LINE("INVITE") VIA FROM TO CALL "\r\n",
	 SANITY_REFUSE, 400},
	{"scalar02",
	 LINE("REGISTER") VIA FROM TO CALL
	 "CSeq: 36893488147419103232 REGISTER\r\n\r\n",
	 SANITY_REFUSE, 400},
	{"scalar02, hops",
	 LINE("REGISTER")
		 VIA FROM TO CALL CSEQ("REGISTER") "Max-Forwards: 300\r\n\r\n",
	 SANITY_REFUSE, 400},
	{"scalarlg", OK "CSeq: 9292394834772304023312 OPTIONS\r\n\r\n",
	 SANITY_DROP, 0},
	{"bigcode",
	 "SIP/2.0 4294967301 better than OK\r\n" VIA FROM TO CALL CSEQ(
		 "INVITE") "\r\n",
	 SANITY_DROP, 0},
	{"ncl", GOOD("INVITE") "Content-Length: -999\r\n\r\nv=0\r\n",
	 SANITY_REFUSE, 400},
	{"mcl01",
	 GOOD("INVITE") "Content-Length: 5\r\nl: 13\r\n\r\nv=0\r\nabcdefghi",
	 SANITY_REFUSE, 400},
	{"clerr", GOOD("INVITE") "Content-Length: 9999\r\n\r\nv=0\r\n",
	 SANITY_REFUSE, 400},
	{"mismatch01", LINE("OPTIONS") VIA FROM TO CALL CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"mismatch02", LINE("NEWDANCE") VIA FROM TO CALL CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 501},
	{"multi01, From", GOOD("INVITE") FROM "\r\n", SANITY_REFUSE, 400},
	{"multi01, To", GOOD("INVITE") TO "\r\n", SANITY_REFUSE, 400},
	{"multi01, Call-ID", GOOD("INVITE") "i: 6\r\n\r\n", SANITY_REFUSE, 400},
	{"multi01, CSeq", GOOD("INVITE") CSEQ("INVITE") "\r\n", SANITY_REFUSE,
	 400},
	{"quotbal",
	 LINE("INVITE") VIA FROM
	 "To: \"Mr. J. User <sip:j@example.com>\r\n" CALL CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"regbadct",
	 GOOD("REGISTER") "Contact: sip:user@example.com?Route=%3Csip:s%3E\r\n"
			  "\r\n",
	 SANITY_REFUSE, 400},
	{"badaspec",
	 LINE("OPTIONS") VIA FROM
	 "To: \"Watson, T.\" < sip:t.watson@example.org >\r\n" CALL CSEQ(
		 "OPTIONS") "\r\n",
	 SANITY_REFUSE, 400},
	{"badvers",
	 "OPTIONS sip:callee@example.com SIP/7.0\r\n" VIA FROM TO CALL CSEQ(
		 "OPTIONS") "\r\n",
	 SANITY_REFUSE, 505},
	{"bext01", GOOD("OPTIONS") "Require: nothingWeHave, norThis\r\n\r\n",
	 SANITY_REFUSE, 420},
	{"unkscm",
	 "OPTIONS nobodyKnows:totallyopaque SIP/2.0\r\n" VIA FROM TO CALL CSEQ(
		 "OPTIONS") "\r\n",
	 SANITY_REFUSE, 416},
	{"novelsc",
	 "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" VIA FROM TO CALL
		 CSEQ("OPTIONS") "\r\n",
	 SANITY_REFUSE, 416},
	{"longreq, inv2543",
	 LINE("INVITE") "Via: SIP/2.0/UDP 192.0.2.4\r\n" FROM TO CALL CSEQ(
		 "INVITE") "\r\n",
	 SANITY_BRANCH, 0},
	{"unksm2",
	 LINE("REGISTER") VIA
	 "From: <nobody:>;tag=1\r\n" TO CALL CSEQ("REGISTER") "\r\n",
	 SANITY_REFUSE, 400},
	{"baddn",
	 LINE("OPTIONS") VIA "From: Bell, Alexander <sip:a@h>;tag=1\r\n" TO CALL
		 CSEQ("OPTIONS") "\r\n",
	 SANITY_REFUSE, 400},
	{"badinv01", GOOD("INVITE") "Contact: <sip:joe@example.org>>>\r\n\r\n",
	 SANITY_REFUSE, 400},
	{"ltgtruri",
	 "INVITE <sip:user@example.com> SIP/2.0\r\n" VIA FROM TO CALL CSEQ(
		 "INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"lwsruri",
	 "INVITE sip:user@example.com; lr SIP/2.0\r\n" VIA FROM TO CALL CSEQ(
		 "INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"lwsstart",
	 "INVITE  sip:user@example.com  SIP/2.0\r\n" VIA FROM TO CALL CSEQ(
		 "INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"trws",
	 "OPTIONS sip:user@example.com SIP/2.0  \r\n" VIA FROM TO CALL CSEQ(
		 "OPTIONS") "\r\n",
	 SANITY_REFUSE, 400},
	{"esc01",
	 "INVITE sip:sips%3Auser%40example.com@h.example SIP/2.0\r\n" VIA FROM
		 TO CALL CSEQ("INVITE") "\r\n",
	 SANITY_PASS, 0},
	{"escnull",
	 GOOD("REGISTER") "Contact: <sip:%00@h>, <sip:%00%00@h>\r\n"
			  "\r\n",
	 SANITY_PASS, 0},
	{"intmeth",
	 "!interesting-Method0123456789_*+`.%'~ sip:a@h SIP/2.0\r\n" VIA FROM TO
		 CALL "CSeq: 1 !interesting-Method0123456789_*+`.%'~\r\n\r\n",
	 SANITY_REFUSE, 501},
	{"zeromf",
	 LINE("OPTIONS")
		 VIA FROM TO CALL CSEQ("OPTIONS") "Max-Forwards: 0\r\n\r\n",
	 SANITY_PASS, 0},
	{"badbranch",
	 LINE("OPTIONS") "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\r\n" FROM TO
		 CALL CSEQ("OPTIONS") "\r\n",
	 SANITY_REFUSE, 400},
	{"badinv01, Via",
	 LINE("INVITE") "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO CALL
		 CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"badinv01, a second Via of nothing",
	 LINE("INVITE") VIA
	 "Via: ;branch=1\r\n" FROM TO CALL CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"badinv01, separators of Contact",
	 GOOD("INVITE") "Contact: \"Joe\" <sip:joe@example.org>;;;;\r\n\r\n",
	 SANITY_REFUSE, 400},
	{"a last semicolon",
	 GOOD("INVITE") "Contact: <sip:joe@example.org>; \r\n\r\n", SANITY_PASS,
	 0},
	{"escruri",
	 "INVITE sip:user@example.com?Route=%3Csip:h%3E SIP/2.0\r\n" VIA FROM TO
		 CALL CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"escruri without a user",
	 "INVITE sip:example.com?Route=%3Csip:h%3E SIP/2.0\r\n" VIA FROM TO CALL
		 CSEQ("INVITE") "\r\n",
	 SANITY_REFUSE, 400},
	{"a user with a question mark",
	 "INVITE sip:why?@example.com SIP/2.0\r\n" VIA FROM TO CALL CSEQ(
		 "INVITE") "\r\n",
	 SANITY_PASS, 0},
	{"wsinv, folded and spaced",
	 "INVITE sip:vivekg@chair.example.com;unknownparam SIP/2.0\r\n"
	 "TO :\r\n sip:vivekg@chair.example.com ;   tag    = 1918181833n\r\n"
	 "from   : \"J Rosenberg \\\\\\\"\"       <sip:j@example.com>\r\n"
	 "  ;\r\n  tag = 98asjd8\r\n"
	 "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.1@192.0.2.1\r\n"
	 "cseq: 0009\r\n  INVITE\r\n"
	 "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=z9hG4bK30\r\n"
	 "s :\r\nContent-Length   : 5\r\n\r\nv=0\r\n",
	 SANITY_PASS, 0},
	{"unknown method known to us", GOOD("MESSAGE") "\r\n", SANITY_REFUSE,
	 405},
	{"lower-case method", GOOD("invite") "\r\n", SANITY_REFUSE, 501},
	{"body too large", GOOD("INVITE") "Content-Length: 65536\r\n\r\n",
	 SANITY_REFUSE, 413},
	{"bad content type", GOOD("INVITE") "c: sdp\r\n\r\n", SANITY_REFUSE,
	 400},
	{"good", GOOD("INVITE") "Content-Length: 2\r\n\r\nv=", SANITY_PASS, 0},
	{"an ACK asks for nothing",
	 GOOD("ACK") "Require: nothingWeHave\r\n\r\n", SANITY_PASS, 0},
	{"BYE at its end",
	 LINE("BYE") VIA FROM
	 "To: <sip:b@h>;tag=8\r\n" CALL CSEQ("BYE") "Max-Forwards: 0\r\n\r\n",
	 SANITY_PASS, 0},
	{"register all", GOOD("REGISTER") "Contact: *\r\n\r\n", SANITY_PASS, 0},
	{"no Via", LINE("OPTIONS") FROM TO CALL CSEQ("OPTIONS") "\r\n",
	 SANITY_DROP, 0},
	{"bad Via",
	 LINE("OPTIONS") "Via: HTTP/1.1\r\n" FROM TO CALL CSEQ(
		 "OPTIONS") "\r\n",
	 SANITY_REFUSE, 400},
	{"answer", OK CSEQ("INVITE") "\r\n", SANITY_PASS, 0},
	{"answer of nobody",
	 "SIP/2.0 200 OK\r\n" FROM TO CALL CSEQ("INVITE") "\r\n", SANITY_DROP,
	 0},
	{"answer of another version",
	 "SIP/3.0 200 OK\r\n" VIA FROM TO CALL CSEQ("INVITE") "\r\n",
	 SANITY_DROP, 0},
	{"answer below 100",
	 "SIP/2.0 099 Odd\r\n" VIA FROM TO CALL CSEQ("INVITE") "\r\n",
	 SANITY_DROP, 0},
	{"answer cut short", OK CSEQ("INVITE") "Content-Length: 4\r\n\r\nv=0",
	 SANITY_DROP, 0},
	{"no empty line", GOOD("OPTIONS"), SANITY_REFUSE, 400},
	{"no colon", GOOD("OPTIONS") "nonsense\r\n\r\n", SANITY_REFUSE, 400},
	{"web", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", SANITY_DROP, 0},
	{"keep-alive", "\r\n\r\n", SANITY_IGNORE, 0},
	{"nothing", "", SANITY_IGNORE, 0},
};

static void test_sanity_verdicts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sanity v;
		struct head h;

		sanity_check(&v, &h, bytes_str(rows[i].text));
		if (v.verdict != rows[i].verdict || v.code != rows[i].code)
			printf("# %s: verdict %d, code %u (%s)\n", rows[i].name,
			       v.verdict, v.code, v.kind ? v.kind : "-");
		CHECK_INT(v.verdict, rows[i].verdict);
		CHECK_INT(v.code, rows[i].code);
		CHECK((v.kind != NULL) ==
		      (v.verdict == SANITY_REFUSE || v.verdict == SANITY_DROP));
	}
}

/* What passes must not be dropped by libre in silence, and what is branchless
 * must pass it after the repair. */
static void test_sanity_passes_what_libre_decodes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bytes text = bytes_str(rows[i].text);
		struct mbuf *mb = mbuf_alloc(2048);
		struct sip_msg *msg = NULL;
		struct sanity v;
		struct buf with;
		struct head h;

		buf_init(&with);
		sanity_check(&v, &h, text);
		if (v.verdict == SANITY_BRANCH)
			sanity_branch(&with, &h, text);
		else if (v.verdict == SANITY_PASS)
			buf_put(&with, text.p, text.n);
		(void)mbuf_write_mem(mb, with.p, with.n);
		mb->pos = 0;
		if (with.n && sip_msg_decode(&msg, mb))
			printf("# libre refuses: %s\n", rows[i].name);
		CHECK(!with.n || msg);
		mem_deref(msg);
		mem_deref(mb);
		buf_clear(&with);
	}
}

static void test_sanity_sizes(void)
{
	struct sanity v;
	struct buf text;
	struct head h;

	buf_init(&text);
	buf_str(&text, GOOD("OPTIONS"));
	for (int i = 0; i < HEAD_FIELDS_MAX - 6; i++)
		buf_str(&text, "X-Pad: 1\r\n");
	buf_str(&text, "\r\n");
	sanity_check(&v, &h, buf_bytes(&text));
	CHECK_INT(v.verdict, SANITY_PASS);
	text.n -= 2;
	buf_str(&text, "X-Pad: 1\r\n\r\n");
	sanity_check(&v, &h, buf_bytes(&text));
	CHECK_INT(v.code, 513);
	buf_reset(&text);
	buf_str(&text, GOOD("OPTIONS") "\r\n");
	buf_fill(&text, 'x', SANITY_MESSAGE_MAX - text.n);
	sanity_check(&v, &h, buf_bytes(&text));
	CHECK_INT(v.verdict, SANITY_PASS);
	buf_u8(&text, 'x');
	sanity_check(&v, &h, buf_bytes(&text));
	CHECK_INT(v.code, 513);
	buf_clear(&text);
}

static void test_sanity_answer_echoes_what_a_client_needs(void)
{
	static const char text[] =
		"OPTIONS sip:b@h SIP/7.0\r\n"
		"Via: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bK1,\r\n"
		"  SIP/2.0/UDP far.example\r\n"
		"v: SIP/2.0/TCP farther.example\r\n" FROM TO CALL CSEQ(
			"OPTIONS") "\r\n";
	struct sanity v;
	struct buf out;
	struct head h;
	struct sa source;

	(void)sa_set_str(&source, "192.0.2.77", 4444);
	buf_init(&out);
	sanity_check(&v, &h, bytes_str(text));
	CHECK_INT(sanity_answer(&out, &h, &v, &source, "Gramline/1", 0xab), 0);
	CHECK_STR(buf_cstr(&out),
		  "SIP/2.0 505 Version Not Supported\r\n"
		  "Via: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bK1"
		  ";received=192.0.2.77, SIP/2.0/UDP far.example\r\n"
		  "Via: SIP/2.0/TCP farther.example\r\n" FROM
		  "To: <sip:callee@example.com>;tag=00000000000000ab\r\n" CALL
			  CSEQ("OPTIONS") "Server: Gramline/1\r\n"
					  "Content-Length: 0\r\n\r\n");
	buf_reset(&out);
	sanity_check(&v, &h, bytes_str(GOOD("ACK") "c: sdp\r\n\r\n"));
	CHECK_INT(v.verdict, SANITY_REFUSE);
	CHECK_INT(sanity_answer(&out, &h, &v, &source, NULL, 1), -EINVAL);
	buf_clear(&out);
}

static void test_sanity_branch_is_one_for_the_transaction(void)
{
	static const char *const methods[] = {"INVITE", "ACK", "CANCEL"};
	char branches[4][64] = {{0}};

	for (int i = 0; i < 4; i++) {
		char text[512], *at;
		struct sanity v;
		struct buf with;
		struct head h;

		snprintf(text, sizeof(text),
			 "%s sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP "
			 "192.0.2.4\r\n" FROM "To: <sip:b@h>%s\r\n" CALL
			 "CSeq: %d %s\r\n\r\n",
			 methods[i % 3], i == 1 ? ";tag=9" : "", i == 3 ? 5 : 4,
			 methods[i % 3]);
		sanity_check(&v, &h, bytes_str(text));
		CHECK_INT(v.verdict, SANITY_BRANCH);
		buf_init(&with);
		sanity_branch(&with, &h, bytes_str(text));
		at = strstr(buf_cstr(&with), ";branch=z9hG4bK");
		CHECK(at != NULL);
		memcpy(branches[i], at, strcspn(at, "\r"));
		buf_clear(&with);
	}
	CHECK_STR(branches[1], branches[0]);
	CHECK_STR(branches[2], branches[0]);
	CHECK(strcmp(branches[3], branches[0]) != 0);
}

static void test_sanity_every_cut_is_survived(void)
{
	unsigned passed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t length = strlen(rows[i].text);

		for (size_t n = 0; n < length; n++) {
			uint8_t *copy = malloc(n + 1);
			struct sanity v;
			struct head h;

			memcpy(copy, rows[i].text, n);
			sanity_check(&v, &h, bytes_of(copy, n));
			passed += v.verdict == SANITY_PASS;
			free(copy);
		}
	}
	/* Only a body without a length may be cut. */
	CHECK_INT(passed, 0);
}

/* -- names and addresses --------------------------------------------------- */

static void test_address_grammar(void)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{"<sip:a@h>", true},
		{"sip:a@h;tag=1", true},
		{"\"A, B\" <sip:a@h>;tag=\"x;y\"", true},
		{"A B <sip:a@h>", true},
		{"J\xc3\xb6rg <sip:a@h>", true},
		{"\"a\\\"<b\" <sip:a@h>", true},
		{"tel:+999", true},
		{"", false},
		{"<>", false},
		{"<sip:>", false},
		{"<sip:a@h", false},
		{"\"A <sip:a@h>", false},
		{"\"A\" sip:a@h", false},
		{"A, B <sip:a@h>", false},
		{"<sip:a@h> x", false},
		{"<sip:a@h>;x=\"y", false},
		{"sip:a@h?x=y", false},
		{"< sip:a@h>", false},
		{"a@h", false},
		{"1sip:a@h", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (address_valid(bytes_str(cases[i].text)) != cases[i].valid)
			printf("# %s\n", cases[i].text);
		CHECK(address_valid(bytes_str(cases[i].text)) ==
		      cases[i].valid);
	}
}

static void test_address_names_and_users_are_escaped(void)
{
	char user[32];
	struct buf b;

	buf_init(&b);
	address_write_name(&b, "");
	CHECK_INT(b.n, 0);
	address_write_name(&b, "a\"b\\c\r\nd\xff\xe2\x82\xac");
	CHECK_STR(buf_cstr(&b), "\"a\\\"b\\\\cd\xe2\x82\xac\" ");
	buf_reset(&b);
	address_write_user(&b, "+99 #;<\r\n\xc3\xab");
	CHECK_STR(buf_cstr(&b), "+99%20%23%3B%3C%0D%0A%C3%AB");
	buf_clear(&b);
	address_read_user(user, sizeof(user), bytes_str("%2B99%00x%2%zz%61"));
	CHECK_STR(user, "+99%00x%2%zza");
	address_read_user(user, 4, bytes_str("abcdef"));
	CHECK_STR(user, "abc");
}

static void test_address_lists_and_hops(void)
{
	struct bytes list = bytes_str("\"a,b\" <sip:x,y@h> , sip:z@h");
	struct buf b;

	CHECK(bytes_equal(address_next(&list),
			  bytes_str("\"a,b\" <sip:x,y@h>")));
	CHECK(bytes_equal(address_next(&list), bytes_str("sip:z@h")));
	CHECK_INT(list.n, 0);
	buf_init(&b);
	CHECK_INT(address_hop(&b, "udp:192.0.2.1:5060"), 0);
	CHECK_STR(buf_cstr(&b), "sip:192.0.2.1:5060;transport=udp");
	buf_reset(&b);
	CHECK_INT(address_hop(&b, "tcp:[2001:db8::1]:5060"), 0);
	CHECK_STR(buf_cstr(&b), "sip:[2001:db8::1]:5060;transport=tcp");
	CHECK_INT(address_hop(&b, "ftp:x"), -EINVAL);
	CHECK_INT(address_hop(&b, "udp:x\r\ny"), -EINVAL);
	CHECK_INT(address_hop(&b, "nothing"), -EINVAL);
	buf_clear(&b);
}

static void test_address_reason_is_cleaned_and_cut(void)
{
	char reason[129], text[200];

	sip_reason_clean(reason, "Chat\r\nVia: x\tnot\x7f found");
	CHECK_STR(reason, "ChatVia: xnot found");
	sip_reason_clean(reason, NULL);
	CHECK_STR(reason, "");
	memset(text, 'a', 127);
	strcpy(text + 127, "\xc3\xab");
	sip_reason_clean(reason, text);
	CHECK_INT(strlen(reason), 127); /* not half a character */
}

int main(void)
{
	RUN(test_sanity_verdicts);
	RUN(test_sanity_passes_what_libre_decodes);
	RUN(test_sanity_sizes);
	RUN(test_sanity_answer_echoes_what_a_client_needs);
	RUN(test_sanity_branch_is_one_for_the_transaction);
	RUN(test_sanity_every_cut_is_survived);
	RUN(test_address_grammar);
	RUN(test_address_names_and_users_are_escaped);
	RUN(test_address_lists_and_hops);
	RUN(test_address_reason_is_cleaned_and_cut);
	return check_done();
}

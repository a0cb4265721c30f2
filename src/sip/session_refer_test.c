/* REFER inside a dialog, its subscription, and the texts of its headers. */
#include "sip/session_fixture_test.h"

static struct sip_refer asked;
static int refer_code;

static int on_refer(const struct sip_refer *r, void *arg)
{
	note(arg, "refer");
	asked = *r;
	return refer_code;
}

/* -- texts ----------------------------------------------------------------- */

static struct sip_msg *decode(const char *method, const char *lines)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;

	(void)mbuf_printf(
		mb,
		"%s sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9\r\n"
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
		"Call-ID: c\r\nCSeq: 1 %s\r\n%s\r\n",
		method, method, lines);
	mb->pos = 0;
	if (sip_msg_decode(&msg, mb))
		printf("# not decoded: %s\n", lines);
	mem_deref(mb);
	return msg;
}

static void test_refer_targets(void)
{
	static const struct {
		const char *lines;
		int code;
		const char *target, *replaces;
	} rows[] = {
		{"Refer-To: <sip:200@pbx>\r\n", 0, "sip:200@pbx", ""},
		{"r: sip:200@pbx\r\n", 0, "sip:200@pbx", ""},
		{"Refer-To: \"Bob\" "
		 "<sips:200@pbx;user=phone;method=INVITE>\r\n",
		 0, "sips:200@pbx;user=phone", ""},
		{"Refer-To: <sip:2@h?X=1&Replaces=a%40b%3Bto-tag%3D1%3B"
		 "from-tag%3D2&Require=replaces>\r\n",
		 0, "sip:2@h", "a@b;to-tag=1;from-tag=2"},
		{"", 400, "", ""},
		{"Refer-To: <sip:1@h>\r\nRefer-To: <sip:2@h>\r\n", 400, "", ""},
		{"Refer-To: <sip:1@h>, <sip:2@h>\r\n", 400, "", ""},
		{"Refer-To: <sip:>\r\n", 400, "", ""},
		{"Refer-To: \"Bob <sip:1@h>\r\n", 400, "", ""},
		{"Refer-To: <tel:+999>\r\n", 416, "", ""},
		{"Refer-To: <http://h/>\r\n", 416, "", ""},
		{"Refer-To: <sip:1@h;method=BYE>\r\n", 603, "", ""},
		{"Refer-To: <sip:1@h?Replaces=a%3Bto-tag%3D1>\r\n", 400, "",
		 ""},
		{"Refer-To: <sip:1@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2%0"
		 ">\r\n",
		 400, "", ""},
		{"Refer-To: <sip:1@h?Replaces=a%0d%0aX:%3Bto-tag%3D1%3B"
		 "from-tag%3D2>\r\n",
		 400, "", ""},
		{"Refer-To: <sip:1@h?Replaces=a%00%3Bto-tag%3D1%3B"
		 "from-tag%3D2>\r\n",
		 400, "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_msg *msg = decode("REFER", rows[i].lines);
		struct sip_refer r;
		int code = msg ? refer_read(&r, msg) : -1;

		if (code != rows[i].code)
			printf("# %s: %d\n", rows[i].lines, code);
		CHECK_INT(code, rows[i].code);
		if (!code) {
			CHECK_STR(r.target, rows[i].target);
			CHECK_STR(r.replaces, rows[i].replaces);
		}
		mem_deref(msg);
	}
}

static void test_refer_target_lengths(void)
{
	char lines[700], uri[600];

	for (size_t n = 510; n < 514; n++) {
		struct sip_refer r;
		struct sip_msg *msg;

		memset(uri, 'a', sizeof(uri));
		memcpy(uri, "sip:", 4);
		memcpy(uri + n - 2, "@h", 3);
		snprintf(lines, sizeof(lines), "Refer-To: <%s>\r\n", uri);
		msg = decode("REFER", lines);
		CHECK_INT(refer_read(&r, msg), n < 512 ? 0 : 400);
		mem_deref(msg);
	}
}

static void test_replaces_header(void)
{
	static const struct {
		const char *lines;
		int err;
		bool early;
	} rows[] = {
		{"", -ENOENT, false},
		{"Replaces: a@b;to-tag=1;from-tag=2\r\n", 0, false},
		{"Replaces: a@b ; from-tag=2;\r\n  to-tag = 1;early-only\r\n",
		 0, true},
		{"Replaces: a@b;to-tag=1\r\n", -EBADMSG, false},
		{"Replaces: a@b;to-tag=1;from-tag=2;to-tag=1\r\n", -EBADMSG,
		 false},
		{"Replaces: ;to-tag=1;from-tag=2\r\n", -EBADMSG, false},
		{"Replaces: a;to-tag=;from-tag=2\r\n", -EBADMSG, false},
		{"Replaces: a;to-tag=1;from-tag=2\r\n"
		 "Replaces: a;to-tag=1;from-tag=2\r\n",
		 -EBADMSG, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_msg *msg = decode("INVITE", rows[i].lines);
		struct sip_replaces r = {0};

		CHECK_INT(replaces_read(&r, msg), rows[i].err);
		CHECK(r.early_only == rows[i].early);
		if (!rows[i].err) {
			CHECK(bytes_equal(r.call_id, bytes_str("a@b")));
			CHECK(bytes_equal(r.to_tag, bytes_str("1")));
			CHECK(bytes_equal(r.from_tag, bytes_str("2")));
		}
		mem_deref(msg);
	}
}

static void test_refer_event(void)
{
	static const struct {
		const char *lines;
		bool good, with_id;
	} rows[] = {
		{"Event: refer\r\n", true, false},
		{"o: refer; id=17\r\n", true, true},
		{"Event: refer;x=1;id=17\r\n", true, true},
		{"Event: refer;id=x\r\n", false, false},
		{"Event: refer;id=4294967296\r\n", false, false},
		{"Event: presence\r\n", false, false},
		{"", false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_msg *msg = decode("SUBSCRIBE", rows[i].lines);
		uint32_t id = 0;
		bool with_id;

		CHECK(refer_event_read(msg, &id, &with_id) == rows[i].good);
		if (rows[i].good) {
			CHECK(with_id == rows[i].with_id);
			CHECK_INT(id, with_id ? 17 : 0);
		}
		mem_deref(msg);
	}
}

/* -- in a dialog ----------------------------------------------------------- */

static void peer_says(struct peer *p, const char *method, const char *tag,
		      unsigned seq, const char *lines)
{
	const struct peer_request r = {.method = method,
				       .call = "c1",
				       .to_tag = tag,
				       .seq = seq,
				       .lines = lines};

	peer_request(p, &r);
}

static bool open_call(struct side *o, struct peer *p, char tag[64])
{
	struct sip_session_handlers h = side_handlers;

	h.refer = on_refer;
	refer_code = 0;
	if (!peer_start(o, p) || !peer_call(o, p, "c1", tag))
		return false;
	sip_session_handlers(o->session, &h, o);
	return true;
}

/* The next NOTIFY has all of these; it is answered. */
static bool notified(struct peer *p, const char *event, const char *state,
		     const char *line, const char *status)
{
	const char *a = peer_wait(p, "NOTIFY sip:");
	bool good = a && strstr(a, event) && strstr(a, state) &&
		    strstr(a, line) &&
		    strstr(a, "Content-Type: message/sipfrag;version=2.0") &&
		    strstr(a, "\r\nContact: <sip:");

	if (!good)
		printf("# NOTIFY: %s\n", a ? a : "none");
	if (a)
		peer_answer(p, a, status, NULL, NULL, NULL);
	return good;
}

#define TO "Refer-To: <sip:200@pbx>\r\n"

static void test_refer_is_told_of_by_notify(void)
{
	struct side o;
	struct peer p;
	const char *a;
	char tag[64];

	CHECK(open_call(&o, &p, tag));
	peer_says(&p, "REFER", tag, 3, TO "Referred-By: <sip:me@pbx>\r\n");
	a = peer_wait(&p, "SIP/2.0 202 Accepted");
	CHECK(a && strstr(a, "\r\nContact: <sip:"));
	CHECK_STR(asked.target, "sip:200@pbx");
	CHECK_STR(asked.referred_by, "<sip:me@pbx>");
	CHECK(notified(&p, "Event: refer\r\n", "active;expires=",
		       "\r\n\r\nSIP/2.0 100 Trying\r\n", "200 OK"));
	/* One at a time. */
	peer_says(&p, "REFER", tag, 4, TO);
	CHECK(peer_wait(&p, "SIP/2.0 491 "));
	sip_session_refer_told(o.session, 180, NULL);
	CHECK(notified(&p, "Event: refer\r\n", "active;", "SIP/2.0 180 Ringing",
		       "200 OK"));
	sip_session_refer_told(o.session, 486, "Busy\r\nX: y");
	CHECK(notified(&p, "Event: refer\r\n", "terminated;reason=noresource",
		       "\r\n\r\nSIP/2.0 486 BusyX: y\r\n", "200 OK"));
	sip_session_refer_told(o.session, 200, "OK");
	/* The next of this dialog has an id. */
	peer_says(&p, "REFER", tag, 5, TO);
	CHECK(peer_wait(&p, "SIP/2.0 202 "));
	CHECK(notified(&p, "Event: refer;id=5\r\n", "active", "100 Trying",
		       "200 OK"));
	peer_says(&p, "BYE", tag, 6, "");
	CHECK(side_wait(&o, "remote 200"));
	CHECK(side_idle(&o));
	side_finish(&o, &p);
}

static bool no_requests(void *arg)
{
	return list_isempty(&((struct side *)arg)->session->requests);
}

static void test_refer_subscription_is_refreshed_and_ended(void)
{
	struct side o;
	struct peer p;
	char tag[64];
	const char *a;

	CHECK(open_call(&o, &p, tag));
	peer_says(&p, "SUBSCRIBE", tag, 3, "Event: refer\r\n");
	CHECK(peer_wait(&p, "SIP/2.0 481 "));
	peer_says(&p, "REFER", tag, 4, TO);
	CHECK(notified(&p, "Event: refer\r\n", "active", "100 Trying",
		       "200 OK"));
	peer_says(&p, "SUBSCRIBE", tag, 5, "Event: presence\r\n");
	a = peer_wait(&p, "SIP/2.0 489 Bad Event");
	CHECK(a && strstr(a, "Allow-Events: refer\r\n"));
	peer_says(&p, "SUBSCRIBE", tag, 6, "Event: refer;id=77\r\n");
	CHECK(peer_wait(&p, "SIP/2.0 481 "));
	peer_says(&p, "SUBSCRIBE", tag, 7, "Event: refer\r\nExpires: 60\r\n");
	a = peer_wait(&p, "CSeq: 7 SUBSCRIBE");
	CHECK(a && strstr(a, "SIP/2.0 200 OK") && strstr(a, "Expires: 60\r\n"));
	CHECK(notified(&p, "Event: refer\r\n", "active;expires=60",
		       "100 Trying", "200 OK"));
	peer_says(&p, "SUBSCRIBE", tag, 8,
		  "Event: refer;id=4\r\n"
		  "Expires: 0\r\n");
	a = peer_wait(&p, "CSeq: 8 SUBSCRIBE");
	CHECK(a && strstr(a, "SIP/2.0 200 OK") && strstr(a, "Expires: 0\r\n"));
	CHECK(notified(&p, "Event: refer\r\n", "terminated;reason=timeout",
		       "100 Trying", "200 OK"));
	CHECK(loop_until(no_requests, &o));
	/* Nobody wants to know. */
	sip_session_refer_told(o.session, 200, "OK");
	CHECK(list_isempty(&o.session->requests));
	side_finish(&o, &p);
}

static bool is_not_subscribed(void *arg)
{
	return !((struct side *)arg)->session->refer.subscribed;
}

static void test_refer_subscriber_that_is_gone_is_told_no_more(void)
{
	struct side o;
	struct peer p;
	char tag[64];

	CHECK(open_call(&o, &p, tag));
	peer_says(&p, "REFER", tag, 3, TO);
	CHECK(notified(&p, "Event: refer\r\n", "active", "100 Trying",
		       "481 Gone"));
	CHECK(loop_until(is_not_subscribed, &o));
	sip_session_refer_told(o.session, 180, NULL);
	CHECK(list_isempty(&o.session->requests));
	/* What it began goes on: another has to wait. */
	peer_says(&p, "REFER", tag, 4, TO);
	CHECK(peer_wait(&p, "SIP/2.0 491 "));
	side_finish(&o, &p);
}

static void test_refer_quiet_and_refused(void)
{
	struct side o;
	struct peer p;
	char tag[64];
	const char *a;

	CHECK(open_call(&o, &p, tag));
	refer_code = 503;
	peer_says(&p, "REFER", tag, 3, TO);
	CHECK(peer_wait(&p, "SIP/2.0 503 "));
	refer_code = 0;
	peer_says(&p, "REFER", tag, 4, TO "Refer-Sub: false\r\n");
	a = peer_wait(&p, "SIP/2.0 202 ");
	CHECK(a && strstr(a, "Refer-Sub: false\r\n"));
	sip_session_refer_told(o.session, 200, "OK");
	CHECK(list_isempty(&o.session->requests));
	peer_says(&p, "REFER", tag, 5, "");
	CHECK(peer_wait(&p, "SIP/2.0 400 "));
	CHECK_STR(o.log, "incoming;confirmed;refer;refer;");
	side_finish(&o, &p);
}

static void test_refer_without_a_handler_is_not_allowed(void)
{
	struct side o;
	struct peer p;
	char tag[64];
	const char *a;

	CHECK(open_call(&o, &p, tag));
	sip_session_handlers(o.session, &side_handlers, &o);
	peer_says(&p, "REFER", tag, 3, TO);
	a = peer_wait(&p, "SIP/2.0 405 Method Not Allowed");
	CHECK(a && strstr(a, "\r\nAllow: INVITE") && !strstr(a, "REFER,"));
	peer_says(&p, "REFER", NULL, 4, TO);
	CHECK(peer_wait(&p, "SIP/2.0 405 Method Not Allowed"));
	side_finish(&o, &p);
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_refer_targets);
	RUN(test_refer_target_lengths);
	RUN(test_replaces_header);
	RUN(test_refer_event);
	RUN(test_refer_is_told_of_by_notify);
	RUN(test_refer_subscription_is_refreshed_and_ended);
	RUN(test_refer_subscriber_that_is_gone_is_told_no_more);
	RUN(test_refer_quiet_and_refused);
	RUN(test_refer_without_a_handler_is_not_allowed);
	libre_close();
	return check_done();
}

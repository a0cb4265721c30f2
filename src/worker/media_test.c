/* Media threads and the media of calls: phones are plain sockets on loopback,
 * the Telegram peer is a second call of the same kind. */
#include "worker/media_call.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/loop.h"

static void (*meanwhile)(void); /* at every look, 10 ms apart */

struct claim {
	bool (*holds)(void);
	usec_t next;
};

static bool claim_look(void *arg)
{
	struct claim *c = arg;

	if (meanwhile && clock_now() >= c->next) {
		c->next = clock_now() + 10 * USEC_MS;
		meanwhile();
	}
	return c->holds();
}

static bool run_until(bool (*holds)(void))
{
	struct claim c = {.holds = holds};

	return loop_until(claim_look, &c);
}

/* -- media threads ----------------------------------------------------------
 */

static struct {
	struct media_thread *thread;
	struct media_ticker ticker;
	pthread_t self;
	_Atomic int ticks, posted;
	int wrong_thread; /* media thread only, until that has ended */
} m;

static void on_tick(usec_t now, void *arg)
{
	m.wrong_thread += !pthread_equal(m.self, pthread_self());
	/* A ticker may go in its own tick. */
	if (++m.ticks == 3)
		media_thread_remove(&m.ticker);
}

static void add_ticker(void *arg)
{
	m.self = pthread_self();
	m.ticker.tick = on_tick;
	media_thread_add(m.thread, &m.ticker);
	m.posted++;
}

static void count_post(void *arg)
{
	m.wrong_thread += !pthread_equal(m.self, pthread_self());
	m.posted++;
}

static bool ticked_and_removed(void)
{
	return m.ticks >= 3 && m.posted >= 2;
}

static void test_media_thread_ticks_what_was_added(void)
{
	memset(&m, 0, sizeof(m));
	CHECK_INT(media_thread_new(&m.thread), 0);
	CHECK_INT(media_thread_post(m.thread, add_ticker, NULL), 0);
	CHECK_INT(media_thread_post(m.thread, count_post, NULL), 0);
	CHECK(run_until(ticked_and_removed));
	/* Posted ahead of the end: it runs. */
	CHECK_INT(media_thread_post(m.thread, count_post, NULL), 0);
	media_thread_free(&m.thread);
	CHECK(!m.thread);
	CHECK_INT(m.posted, 3);
	CHECK_INT(m.ticks, 3);
	CHECK_INT(m.wrong_thread, 0);
	media_thread_free(&m.thread);
}

/* -- the media of calls ------------------------------------------------------
 */

struct side {
	struct media_call *call;
	struct side *peer; /* whose Telegram side the signals reach */
	int phone;         /* its socket */
	struct sa phone_address, port;
	uint16_t seq;
	unsigned signals, silent, closed, after_close, packets, loud;
	char digits[8];
	enum tgcall_state state;
	unsigned states;
	struct media_call_report report;
};

static struct mailbox *mailbox;
static struct media_thread *threads[2];
static struct rtp_ports *ports;
static struct side a, b;

static void on_signal(struct bytes blob, void *arg)
{
	struct side *s = arg;

	s->signals++;
	s->after_close += s->closed;
	if (s->peer && s->peer->call)
		media_call_signal(s->peer->call, blob);
}

static void on_state(enum tgcall_state state, void *arg)
{
	struct side *s = arg;

	s->state = state;
	s->states++;
	s->after_close += s->closed;
}

static void on_digit(enum dtmf_method method, char digit, void *arg)
{
	struct side *s = arg;
	size_t n = strlen(s->digits);

	if (n + 1 < sizeof(s->digits))
		s->digits[n] = digit;
}

static void on_silent(void *arg)
{
	((struct side *)arg)->silent++;
}

static void on_closed(const struct media_call_report *report, void *arg)
{
	struct side *s = arg;

	s->closed++;
	s->report = *report;
}

static int side_open(struct side *s, struct media_thread *thread,
		     unsigned silence_limit_ms)
{
	struct media_call_conf conf = {
		.thread = thread,
		.control = mailbox,
		.ports = ports,
		.silence_limit_ms = silence_limit_ms,
		.events = {.signal = on_signal,
			   .telegram = on_state,
			   .digit = on_digit,
			   .silent = on_silent,
			   .closed = on_closed},
		.arg = s,
	};
	socklen_t n;

	memset(s, 0, sizeof(*s));
	sa_set_str(&conf.address, "127.0.0.1", 0);
	sa_set_str(&s->phone_address, "127.0.0.1", 0);
	s->phone = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	n = s->phone_address.len;
	if (bind(s->phone, &s->phone_address.u.sa, n) ||
	    getsockname(s->phone, &s->phone_address.u.sa, &n))
		return -errno;
	return media_call_new(&s->call, &conf);
}

static void side_connect(struct side *s, bool deaf)
{
	struct media_call_sip sip = {
		.remote = s->phone_address,
		.codec = &media_codec_pcma,
		.pt = 8,
		.dtmf_pt = 101,
		.ptime_ms = 20,
		.deaf = deaf,
		.silent = deaf,
	};

	sa_set_str(&s->port, "127.0.0.1", media_call_port(s->call));
	media_call_sip(s->call, &sip);
}

/* A packet to the port of a call. */
static void side_send(struct side *s, uint8_t pt, bool marker, uint32_t ts,
		      const void *payload, size_t n)
{
	uint8_t packet[12 + 160] = {0x80, (uint8_t)(pt | (marker ? 0x80 : 0))};

	be16_store(packet + 2, ++s->seq);
	be32_store(packet + 4, ts);
	be32_store(packet + 8, 77);
	memcpy(packet + 12, payload, n);
	(void)sendto(s->phone, packet, 12 + n, 0, &s->port.u.sa, s->port.len);
}

/* What the phone hears: in A-law the inverted even bits leave the magnitude in
 * the low seven. */
static void side_hear(struct side *s)
{
	uint8_t packet[1500];
	ssize_t n;

	while ((n = recv(s->phone, packet, sizeof(packet), 0)) > 12) {
		unsigned loud = 0;

		for (ssize_t i = 12; i < n; i++)
			loud += ((packet[i] ^ 0x55) & 0x7f) > 0x50;
		s->packets++;
		s->loud += loud > (unsigned)(n - 12) / 2;
	}
}

static void side_close(struct side *s)
{
	media_call_close(&s->call);
	close(s->phone);
}

static bool begin(uint16_t first, uint16_t last)
{
	meanwhile = NULL;
	return !mailbox_new(&mailbox) && !media_thread_new(&threads[0]) &&
	       !media_thread_new(&threads[1]) &&
	       !rtp_ports_new(&ports, first, last);
}

static void end(void)
{
	meanwhile = NULL;
	media_thread_free(&threads[0]);
	media_thread_free(&threads[1]);
	mailbox_free(&mailbox);
	rtp_ports_free(&ports);
}

static bool a_closed(void)
{
	return a.closed > 0;
}

static bool both_closed(void)
{
	return a.closed && b.closed;
}

static void test_media_call_closes_once_and_gives_its_port_back(void)
{
	CHECK(begin(42000, 42001));
	CHECK_INT(side_open(&a, threads[0], 0), 0);
	CHECK_INT(media_call_port(a.call), 42000);
	CHECK_INT(rtp_ports_in_use(ports), 1);
	/* The range is used up. */
	CHECK_INT(side_open(&b, threads[1], 0), -EADDRINUSE);
	CHECK(!b.call);
	close(b.phone);
	side_close(&a);
	CHECK(!a.call);
	CHECK_INT(a.closed, 0); /* never inside the call */
	CHECK(run_until(a_closed));
	CHECK_INT(rtp_ports_in_use(ports), 0);
	CHECK_INT(side_open(&b, threads[1], 0), 0);
	side_close(&b);
	CHECK(run_until(both_closed));
	end();
	CHECK_INT(a.closed, 1);
	CHECK_INT(b.closed, 1);
}

/* The loop that would hand out `closed` ends before it can. */
static void test_media_call_closes_when_its_thread_ends_first(void)
{
	CHECK(begin(42000, 42003));
	CHECK_INT(side_open(&a, threads[0], 0), 0);
	side_connect(&a, false);
	side_close(&a);
	end();
	CHECK_INT(a.closed, 1);
}

static bool a_heard_packets(void)
{
	side_hear(&a);
	return a.packets >= 5;
}

static usec_t quiet_from;

static bool a_is_quiet(void)
{
	unsigned before = a.packets;

	side_hear(&a);
	if (a.packets != before)
		quiet_from = clock_now();
	/* Five packets' time. */
	return clock_now() - quiet_from >= 100 * USEC_MS;
}

static void test_media_call_sends_at_once_but_not_while_held(void)
{
	CHECK(begin(42000, 42003));
	CHECK_INT(side_open(&a, threads[0], 0), 0);
	side_connect(&a, false);
	CHECK(run_until(a_heard_packets));
	side_connect(&a, true);
	quiet_from = clock_now();
	CHECK(run_until(a_is_quiet));
	side_connect(&a, false);
	a.packets = 0;
	CHECK(run_until(a_heard_packets));
	side_close(&a);
	CHECK(run_until(a_closed));
	CHECK(a.report.rtp.tx_packets >= 10);
	end();
}

static bool a_silent(void)
{
	return a.silent > 0;
}

static void test_media_call_tells_silence_once(void)
{
	CHECK(begin(42000, 42003));
	CHECK_INT(side_open(&a, threads[0], 100), 0);
	side_connect(&a, false);
	media_call_up(a.call);
	CHECK(run_until(a_silent));
	side_close(&a);
	CHECK(run_until(a_closed));
	CHECK_INT(a.silent, 1);
	end();
}

static bool a_dialled(void)
{
	return a.digits[0] != '\0';
}

static void press_5(void)
{
	/* RFC 4733 2.3: event 5, end bit, volume 10, 800 units. */
	static const uint8_t event[4] = {5, 0x8a, 0x03, 0x20};

	side_send(&a, 101, true, 8000, event, sizeof(event));
}

static void test_media_call_reports_a_digit(void)
{
	CHECK(begin(42000, 42003));
	CHECK_INT(side_open(&a, threads[0], 0), 0);
	side_connect(&a, false);
	/* Repeated, as a phone does: the port may not know its peer yet. */
	meanwhile = press_5;
	CHECK(run_until(a_dialled));
	side_close(&a);
	CHECK(run_until(a_closed));
	CHECK_STR(a.digits, "5");
	end();
}

static struct tgcall_conf telegram(const char *version, bool outgoing)
{
	struct tgcall_conf conf = {
		.version = version,
		.outgoing = outgoing,
		.p2p_allowed = true,
		.bind_address = "127.0.0.1",
		.allow_loopback = true,
	};

	for (size_t i = 0; i < sizeof(conf.key); i++)
		conf.key[i] = (uint8_t)(i * 11 + 1);
	return conf;
}

static bool a_failed(void)
{
	return a.state == TGCALL_STATE_FAILED;
}

static void test_media_call_of_an_unknown_version_fails(void)
{
	struct tgcall_conf conf = telegram("1.2.3", true);

	CHECK(begin(42000, 42003));
	CHECK_INT(side_open(&a, threads[0], 0), 0);
	CHECK_INT(media_call_telegram(a.call, &conf), 0);
	CHECK(run_until(a_failed));
	CHECK_INT(a.states, 1);
	/* Signals to what is not there are harmless. */
	media_call_signal(a.call, bytes_str("anything"));
	side_close(&a);
	CHECK(run_until(a_closed));
	end();
}

static bool both_established(void)
{
	return a.state == TGCALL_STATE_ESTABLISHED &&
	       b.state == TGCALL_STATE_ESTABLISHED;
}

static uint32_t tone_at;

/* 400 Hz, full scale, to the first call; a packet every second look. */
static void talk(void)
{
	uint8_t tone[160];

	for (size_t i = 0; i < sizeof(tone); i++)
		tone[i] = i / 10 % 2 ? 0xaa : 0x2a;
	if (tone_at++ % 2 == 0)
		side_send(&a, 8, tone_at == 1, tone_at / 2 * 160, tone,
			  sizeof(tone));
}

static bool b_heard_the_tone(void)
{
	side_hear(&a);
	side_hear(&b);
	return b.loud >= 10;
}

static bool report_is_new(void)
{
	struct media_call_report r;

	media_call_report(a.call, &r);
	return r.rtp.rx_packets >= 10;
}

static void test_media_calls_join_two_phones_over_telegram(void)
{
	struct tgcall_conf conf;

	CHECK(begin(42000, 42007));
	CHECK_INT(side_open(&a, threads[0], 0), 0);
	CHECK_INT(side_open(&b, threads[1], 0), 0);
	a.peer = &b;
	b.peer = &a;
	side_connect(&a, false);
	side_connect(&b, false);
	conf = telegram("13.0.0", true);
	CHECK_INT(media_call_telegram(a.call, &conf), 0);
	conf = telegram("13.0.0", false);
	CHECK_INT(media_call_telegram(b.call, &conf), 0);
	/* Strings and key were copied. */
	memset(&conf, 0x5a, sizeof(conf));
	CHECK(run_until(both_established));
	media_call_up(a.call);
	media_call_up(b.call);
	tone_at = 0;
	meanwhile = talk;
	CHECK(run_until(b_heard_the_tone));
	CHECK_INT(a.loud, 0);
	CHECK(run_until(report_is_new));
	side_close(&a);
	side_close(&b);
	CHECK(run_until(both_closed));
	CHECK_STR(a.report.version, "13.0.0");
	CHECK(a.report.telegram.tx_packets > 0);
	CHECK(b.report.telegram.rx_packets > 0);
	CHECK(b.report.rtp.tx_packets >= 10);
	CHECK(!a.report.passthrough);
	end();
	CHECK_INT(a.closed + b.closed, 2);
	CHECK_INT(a.after_close + b.after_close, 0);
}

static bool a_signals(void)
{
	return a.signals > 0;
}

static void test_media_call_says_nothing_after_close(void)
{
	struct tgcall_conf conf = telegram("9.0.0", true);

	CHECK(begin(42000, 42003));
	CHECK_INT(side_open(&a, threads[0], 0), 0);
	side_connect(&a, false);
	CHECK_INT(media_call_telegram(a.call, &conf), 0);
	CHECK(run_until(a_signals));
	a.signals = a.states = 0;
	side_close(&a);
	CHECK(run_until(a_closed));
	CHECK_INT(a.signals + a.states, 0);
	end();
}

int main(void)
{
	if (libre_init())
		return 1;
	RUN(test_media_thread_ticks_what_was_added);
	RUN(test_media_call_closes_once_and_gives_its_port_back);
	RUN(test_media_call_closes_when_its_thread_ends_first);
	RUN(test_media_call_sends_at_once_but_not_while_held);
	RUN(test_media_call_tells_silence_once);
	RUN(test_media_call_reports_a_digit);
	RUN(test_media_call_of_an_unknown_version_fails);
	RUN(test_media_calls_join_two_phones_over_telegram);
	RUN(test_media_call_says_nothing_after_close);
	libre_close();
	return check_done();
}

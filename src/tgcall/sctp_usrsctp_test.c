/* The association against an independent one: usrsctp, in the same process and
 * the same invented time. A test only; the product does not use it. */
#include "tgcall/sctp.h"

#include <netinet/in.h>
#include <stdarg.h>

#include <sys/socket.h>
#include <sys/time.h>

#include <usrsctp.h>

#include "tests/check.h"
#include "tgcall/carrier_fake.h"

#define TICK (10 * USEC_MS)
#define MESSAGES 30

enum opening { WE_CONNECT, THEY_CONNECT, BOTH_CONNECT };

struct side {
	unsigned messages, broken;
	struct buf partial;
	bool established, closed;
};

static uint16_t port = 5000; /* another for each meeting */

static struct meeting {
	struct carrier carrier;
	struct sctp *sctp;
	struct socket *listener, *socket;
	usec_t tick_at;
	uint64_t random_seed;
	struct side us, them;
} meeting;

/* -- messages: sizes and bytes follow from their number ------------------ */

static size_t number_size(unsigned number)
{
	return number % 7 == 6 ? 40000 : 4 + number * 211;
}

static void number_fill(struct buf *b, unsigned number)
{
	size_t n = number_size(number);

	buf_be32(b, number);
	for (size_t i = 4; i < n; i++)
		buf_u8(b, (uint8_t)(number + i * 31));
}

static void message_note(struct side *s, struct bytes data)
{
	struct buf expected;

	buf_init(&expected);
	number_fill(&expected, s->messages);
	s->broken += !bytes_equal(buf_bytes(&expected), data);
	s->messages++;
	buf_clear(&expected);
}

/* -- our side ------------------------------------------------------------ */

static void our_packet(struct bytes packet, void *arg)
{
	carrier_send(&meeting.carrier, 1, packet);
}

static void our_established(void *arg)
{
	meeting.us.established = true;
}

static void our_message(uint16_t stream, uint32_t ppid, struct bytes data,
			void *arg)
{
	meeting.us.broken += ppid != 51 || stream != 3;
	message_note(&meeting.us, data);
}

static void our_closed(const char *why, void *arg)
{
	meeting.us.closed = true;
}

/* -- their side ---------------------------------------------------------- */

static int their_packet(void *address, void *packet, size_t n, uint8_t tos,
			uint8_t set_df)
{
	carrier_send(&meeting.carrier, 0, bytes_of(packet, n));
	return 0;
}

static void notification_note(const void *data, size_t n)
{
	struct sctp_assoc_change change;

	if (n < sizeof(change))
		return;
	memcpy(&change, data, sizeof(change));
	if (change.sac_type == SCTP_ASSOC_CHANGE &&
	    change.sac_state == SCTP_COMM_LOST)
		meeting.them.closed = true;
}

static int their_message(struct socket *sock, union sctp_sockstore address,
			 void *data, size_t n, struct sctp_rcvinfo info,
			 int flags, void *arg)
{
	struct side *s = &meeting.them;

	if (!data)
		return 1;
	if (flags & MSG_NOTIFICATION) {
		notification_note(data, n);
	} else {
		buf_put(&s->partial, data, n);
		if (flags & MSG_EOR) {
			s->broken += ntohl(info.rcv_ppid) != 53;
			message_note(s, buf_bytes(&s->partial));
			buf_reset(&s->partial);
		}
	}
	free(data);
	return 1;
}

static struct sockaddr_conn their_address(void)
{
	struct sockaddr_conn a = {
		.sconn_family = AF_CONN,
		.sconn_port = htons(port),
		.sconn_addr = &meeting,
	};

	return a;
}

static struct socket *their_socket(void)
{
	struct sockaddr_conn a = their_address();
	struct socket *s = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP,
					  their_message, NULL, 0, NULL);
	struct sctp_event event = {
		.se_type = SCTP_ASSOC_CHANGE,
		.se_on = 1,
	};
	int size = 1 << 20;

	if (!s || usrsctp_set_non_blocking(s, 1) ||
	    usrsctp_bind(s, (struct sockaddr *)&a, sizeof(a)))
		abort();
	usrsctp_setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	usrsctp_setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	usrsctp_setsockopt(s, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof(event));
	return s;
}

static void their_send(unsigned number)
{
	struct sctp_sndinfo info = {.snd_sid = 3, .snd_ppid = htonl(51)};
	struct buf b;

	buf_init(&b);
	number_fill(&b, number);
	if (usrsctp_sendv(meeting.socket, b.p, b.n, NULL, 0, &info,
			  sizeof(info), SCTP_SENDV_SNDINFO, 0) != (ssize_t)b.n)
		meeting.us.broken++;
	buf_clear(&b);
}

/* usrsctp compares its timers with the clock: it shall see invented time. */
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	usec_t now = meeting.carrier.now + 1000 * USEC_S;

	tv->tv_sec = (time_t)(now / USEC_S);
	tv->tv_usec = (suseconds_t)(now % USEC_S);
	return 0;
}

/* -- the meeting --------------------------------------------------------- */

static void meeting_input(int to, struct bytes packet, usec_t now, void *arg)
{
	if (to == 0)
		(void)sctp_input(meeting.sctp, packet, now);
	else
		usrsctp_conninput(&meeting, packet.p, packet.n, 0);
}

static usec_t meeting_deadline(int end, void *arg)
{
	return end == 0 ? sctp_deadline(meeting.sctp) : meeting.tick_at;
}

static void meeting_timeout(int end, usec_t now, void *arg)
{
	if (end == 0) {
		sctp_timeout(meeting.sctp, now);
		return;
	}
	usrsctp_handle_timers((uint32_t)(TICK / USEC_MS));
	meeting.tick_at = now + TICK;
}

static void meeting_run(usec_t time)
{
	carrier_run(&meeting.carrier, meeting.carrier.now + time);
}

static void meeting_open(enum opening opening, uint64_t seed,
			 unsigned loss_percent)
{
	const struct sctp_conf conf = {
		.port = port,
		.packet_max = 1191,
		.message_max = 262144,
		.init_first = 400 * USEC_MS,
		.init_cap = 750 * USEC_MS,
		.resend_first = 400 * USEC_MS,
		.resend_cap = 750 * USEC_MS,
		.heartbeat = 30500 * USEC_MS,
		.random = carrier_random,
		.random_arg = &meeting.random_seed,
		.handlers = {our_packet, our_established, our_message,
			     our_closed},
	};
	struct sockaddr_conn a = their_address();

	meeting = (struct meeting){
		.random_seed = seed + 77,
		.carrier = {.seed = seed,
			    .loss_percent = loss_percent,
			    .delay = 20 * USEC_MS,
			    .input = meeting_input,
			    .deadline = meeting_deadline,
			    .timeout = meeting_timeout},
	};
	buf_init(&meeting.us.partial);
	buf_init(&meeting.them.partial);
	if (sctp_new(&meeting.sctp, &conf))
		abort();
	if (opening == WE_CONNECT) {
		meeting.listener = their_socket();
		usrsctp_listen(meeting.listener, 1);
	} else {
		meeting.socket = their_socket();
		usrsctp_connect(meeting.socket, (struct sockaddr *)&a,
				sizeof(a));
	}
	if (opening != THEY_CONNECT)
		sctp_connect(meeting.sctp, 0);
	for (int i = 0; i < 1000 && !meeting.us.established; i++)
		meeting_run(TICK);
	meeting_run(USEC_S * (loss_percent ? 20 : 1));
	if (meeting.listener)
		meeting.socket = usrsctp_accept(meeting.listener, NULL, NULL);
}

static void meeting_close(void)
{
	if (meeting.socket) {
		usrsctp_shutdown(meeting.socket, SHUT_RDWR);
		meeting_run(5 * USEC_S);
		usrsctp_close(meeting.socket);
	}
	if (meeting.listener)
		usrsctp_close(meeting.listener);
	meeting_run(60 * USEC_S);
	sctp_free(&meeting.sctp);
	carrier_clear(&meeting.carrier);
	buf_clear(&meeting.us.partial);
	buf_clear(&meeting.them.partial);
	port++;
}

static void meeting_talk(enum opening opening, uint64_t seed,
			 unsigned loss_percent)
{
	meeting_open(opening, seed, loss_percent);
	CHECK(meeting.us.established);
	CHECK(meeting.socket);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct buf b;

		buf_init(&b);
		number_fill(&b, i);
		CHECK_INT(sctp_send(meeting.sctp, 0, 53, buf_bytes(&b),
				    meeting.carrier.now),
			  0);
		buf_clear(&b);
		their_send(i);
	}
	meeting_run(USEC_S * (loss_percent ? 300 : 10));
	CHECK_INT(meeting.us.messages, MESSAGES);
	CHECK_INT(meeting.them.messages, MESSAGES);
	CHECK_INT(meeting.us.broken, 0);
	CHECK_INT(meeting.them.broken, 0);
	/* Their close is a SHUTDOWN, which ends ours. */
	meeting_close();
	CHECK(meeting.us.closed);
}

static void test_sctp_talks_to_usrsctp_that_listens(void)
{
	meeting_talk(WE_CONNECT, 1, 0);
}

static void test_sctp_talks_to_usrsctp_that_connects(void)
{
	meeting_talk(THEY_CONNECT, 2, 0);
}

static void test_sctp_talks_to_usrsctp_when_both_connect(void)
{
	meeting_talk(BOTH_CONNECT, 3, 0);
}

static void test_sctp_talks_to_usrsctp_over_loss(void)
{
	for (uint64_t seed = 10; seed < 19 && !check_failed; seed++)
		meeting_talk((enum opening)(seed % 3), seed, 20);
}

static void test_sctp_abort_ends_usrsctp(void)
{
	meeting_open(WE_CONNECT, 4, 0);
	CHECK(meeting.us.established);
	CHECK(!meeting.them.closed);
	sctp_abort(meeting.sctp, meeting.carrier.now);
	meeting_run(USEC_S);
	CHECK(meeting.them.closed);
	meeting_close();
}

int main(void)
{
	int status;

	usrsctp_init_nothreads(0, their_packet, NULL);
	/* Its time-outs double up to a minute; 20 % loss would take hours. */
	usrsctp_sysctl_set_sctp_rto_max_default(1000);
	usrsctp_register_address(&meeting);
	RUN(test_sctp_talks_to_usrsctp_that_listens);
	RUN(test_sctp_talks_to_usrsctp_that_connects);
	RUN(test_sctp_talks_to_usrsctp_when_both_connect);
	RUN(test_sctp_talks_to_usrsctp_over_loss);
	RUN(test_sctp_abort_ends_usrsctp);
	status = check_done();
	usrsctp_deregister_address(&meeting);
	for (int i = 0; i < 1000 && usrsctp_finish(); i++)
		usrsctp_handle_timers(100);
	return status;
}

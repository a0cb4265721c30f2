#include "tgcall/data_channel.h"

#include <errno.h>

#include "tests/check.h"
#include "tgcall/carrier_fake.h"
#include "tgcall/sctp.h"

static struct data_channel *ends[2];
static struct sctp *raw; /* end 1 as a bare association */
static int opens[2], texts[2];
static char last[2][64];
static uint8_t dcep[64];
static size_t dcep_n;
static uint16_t dcep_stream, text_stream;
static struct carrier wire;

static int index_of(void *arg)
{
	return arg == (void *)&opens[1];
}

static void on_packet(struct bytes packet, void *arg)
{
	carrier_put(&wire, !index_of(arg), packet);
}

static void on_open(void *arg)
{
	opens[index_of(arg)]++;
}

static void on_text(struct bytes text, void *arg)
{
	int i = index_of(arg);

	texts[i]++;
	snprintf(last[i], sizeof(last[i]), "%.*s", (int)text.n, text.p);
}

static void raw_message(uint16_t stream, uint32_t ppid, struct bytes data,
			void *arg)
{
	if (ppid == 51)
		text_stream = stream;
	if (ppid == 50 && data.n <= sizeof(dcep)) {
		dcep_stream = stream;
		memcpy(dcep, data.p, data.n);
		dcep_n = data.n;
	}
}

static void wire_input(int to, struct bytes packet, usec_t now, void *arg)
{
	if (to == 1 && raw)
		sctp_input(raw, packet, now);
	else
		data_channel_input(ends[to], packet, now);
}

static usec_t wire_deadline(int end, void *arg)
{
	return end == 1 && raw ? sctp_deadline(raw)
			       : data_channel_deadline(ends[end]);
}

static void wire_timeout(int end, usec_t now, void *arg)
{
	if (end == 1 && raw)
		sctp_timeout(raw, now);
	else
		data_channel_timeout(ends[end], now);
}

static void start_roles(bool with_raw, bool opener_is_client)
{
	struct sctp_conf sctp = {
		.port = 5000,
		.packet_max = 1150,
		.message_max = 65536,
		.init_first = 400 * USEC_MS,
		.init_cap = USEC_S,
		.resend_first = 400 * USEC_MS,
		.resend_cap = USEC_S,
		.handlers = {.packet = on_packet, .message = raw_message},
		.arg = &opens[1],
	};

	memset(opens, 0, sizeof(opens));
	memset(texts, 0, sizeof(texts));
	wire = (struct carrier){.seed = 1,
				.now = USEC_S,
				.delay = 10 * USEC_MS,
				.input = wire_input,
				.deadline = wire_deadline,
				.timeout = wire_timeout};
	for (int i = 0; i < 2; i++) {
		struct data_channel_conf conf = {
			.opener = i == 0,
			.dtls_client = (i == 0) == opener_is_client,
			.handlers = {on_packet, on_open, on_text},
			.arg = &opens[i],
		};

		data_channel_new(&ends[i], &conf);
	}
	if (with_raw)
		sctp_new(&raw, &sctp);
	data_channel_start(ends[0], wire.now);
	if (with_raw)
		sctp_connect(raw, wire.now);
	else
		data_channel_start(ends[1], wire.now);
}

static void start(bool with_raw)
{
	start_roles(with_raw, true);
}

static void done(void)
{
	data_channel_free(&ends[0]);
	data_channel_free(&ends[1]);
	sctp_free(&raw);
	carrier_clear(&wire);
}

static void test_data_channel_opens_and_texts_pass(void)
{
	start(false);
	CHECK_INT(data_channel_send(ends[0], bytes_str("{}"), wire.now),
		  -ENOTCONN);
	carrier_run(&wire, wire.now + 2 * USEC_S);
	CHECK_INT(opens[0], 1);
	CHECK_INT(opens[1], 1);
	CHECK_INT(data_channel_send(ends[0], bytes_str("{\"a\":1}"), wire.now),
		  0);
	CHECK_INT(data_channel_send(ends[1], bytes_str("{\"b\":2}"), wire.now),
		  0);
	carrier_run(&wire, wire.now + USEC_S);
	CHECK_STR(last[1], "{\"a\":1}");
	CHECK_STR(last[0], "{\"b\":2}");
	done();
}

static void test_data_channel_opens_with_loss(void)
{
	start(false);
	wire.loss_percent = 20;
	carrier_run(&wire, wire.now + 20 * USEC_S);
	CHECK(data_channel_is_open(ends[0]) && data_channel_is_open(ends[1]));
	done();
}

static void test_data_channel_open_request_is_as_the_apps_write_it(void)
{
	static const uint8_t want[] = "\x03\0\0\0\0\0\0\0\0\x04\0\0data";
	static const uint8_t ack[] = {2};

	start(true);
	carrier_run(&wire, wire.now + 2 * USEC_S);
	CHECK_INT(dcep_n, sizeof(want) - 1);
	CHECK_MEM(dcep, want, dcep_n);
	CHECK_INT(opens[0], 0);
	sctp_send(raw, 0, 50, bytes_of(ack, 1), wire.now);
	carrier_run(&wire, wire.now + USEC_S);
	CHECK_INT(opens[0], 1);
	done();
}

/* With 10.0.0 and 11.0.0 the caller is DTLS server, and opens stream 1. */
static void test_data_channel_is_on_the_stream_of_its_opener(void)
{
	static const uint8_t open[] = "\x03\0\0\0\0\0\0\0\0\x04\0\0data";

	start_roles(true, false);
	carrier_run(&wire, wire.now + 2 * USEC_S);
	CHECK_INT(dcep_stream, 1);
	sctp_send(raw, 3, 50, bytes_of(open, sizeof(open) - 1), wire.now);
	carrier_run(&wire, wire.now + USEC_S);
	CHECK_INT(opens[0], 1);
	CHECK_INT(data_channel_send(ends[0], bytes_str("{}"), wire.now), 0);
	carrier_run(&wire, wire.now + USEC_S);
	CHECK_INT(text_stream, 3);
	done();
}

static void test_data_channel_malformed_open_is_ignored(void)
{
	static const uint8_t longer[] = "\x03\0\0\0\0\0\0\0\0\x05\0\0data";

	start(true);
	carrier_run(&wire, wire.now + 2 * USEC_S);
	for (size_t n = 0; n < sizeof(longer); n++)
		sctp_send(raw, 0, 50, bytes_of(longer, n), wire.now);
	carrier_run(&wire, wire.now + 5 * USEC_S);
	CHECK_INT(opens[0], 0);
	done();
}

int main(void)
{
	RUN(test_data_channel_opens_and_texts_pass);
	RUN(test_data_channel_opens_with_loss);
	RUN(test_data_channel_open_request_is_as_the_apps_write_it);
	RUN(test_data_channel_is_on_the_stream_of_its_opener);
	RUN(test_data_channel_malformed_open_is_ignored);
	return check_done();
}

/* gramline-endpoint: the media side of one Telegram app in one call, behind
 * the call endpoint contract (docs/endpoint.md): blobs as lines in and out. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/re.h"
#include "base/timer_wheel.h"
#include "sim/endpoint_options.h"
#include "sim/endpoint_voice.h"
#include "tgcall/tgcall.h"

#define TICK_MS 10
/* Every tick may be late; packets go out when their time has come. */
#define SEND_AHEAD (2 * USEC_MS)
#define LOSS_EVERY USEC_S

struct endpoint {
	struct endpoint_options options;
	struct tgcall *call;
	struct speaker speaker;
	struct listener listener;
	struct tmr tick;
	struct buf input; /* of stdin, not yet a line */
	usec_t started_at, tick_at, speak_at, first_audio_at, loss_at;
	uint64_t established_n;
	enum tgcall_state state;
	bool peer_muted, stopped;
};

static void line_write(const char *kind, const char *text)
{
	printf("%s %s\n", kind, text);
	fflush(stdout);
}

static void on_signal(struct bytes blob, void *arg)
{
	char *hex = malloc(2 * blob.n + 1);

	(void)arg;
	if (!hex)
		return;
	hex_encode(hex, blob.p, blob.n);
	line_write("SIG", hex);
	free(hex);
}

static void on_state(enum tgcall_state state, void *arg)
{
	static const char *const names[] = {"wait", "established",
					    "reconnecting", "failed"};
	struct endpoint *e = arg;

	e->state = state;
	if (state == TGCALL_STATE_ESTABLISHED && e->established_n++ == 0)
		e->speak_at = clock_now();
	line_write("STATE", names[state]);
}

static void on_audio(const struct media_packet *packet, void *arg)
{
	struct endpoint *e = arg;

	if (!e->first_audio_at)
		e->first_audio_at = packet->arrival;
	listener_packet(&e->listener, packet);
}

static void on_media_state(const struct tgcall_media_state *s, void *arg)
{
	struct endpoint *e = arg;

	if (e->peer_muted != s->muted)
		fprintf(stderr, "peer %s\n", s->muted ? "muted" : "unmuted");
	e->peer_muted = s->muted;
}

/* -- stdin ----------------------------------------------------------------- */

static void stop(struct endpoint *e)
{
	e->stopped = true;
	re_cancel();
}

static void blob_line(struct endpoint *e, const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *blob = malloc(n + 1);

	if (blob && hex_decode(blob, n, hex, strlen(hex)) == 0) {
		if (e->call &&
		    tgcall_signal_input(e->call, bytes_of(blob, n)) < 0)
			fprintf(stderr, "blob refused\n");
	} else {
		fprintf(stderr, "SIG: not hexadecimal\n");
	}
	free(blob);
}

static void line_input(struct endpoint *e, char *line)
{
	line[strcspn(line, "\r")] = '\0';
	if (strncmp(line, "SIG ", 4) == 0)
		blob_line(e, line + 4);
	else if (strncmp(line, "MUTE ", 5) == 0 && e->call)
		tgcall_mute(e->call, line[5] == '1');
	else if (strcmp(line, "STOP") == 0)
		stop(e);
	else if (*line)
		fprintf(stderr, "unknown line: %.20s\n", line);
}

static void lines_input(struct endpoint *e)
{
	char *text = (char *)e->input.p, *end;

	while (!e->stopped && e->input.n &&
	       (end = memchr(text, '\n', e->input.n)) != NULL) {
		*end = '\0';
		line_input(e, text);
		buf_drop(&e->input, (size_t)(end - text) + 1);
		text = (char *)e->input.p;
	}
}

static void on_stdin(int flags, void *arg)
{
	struct endpoint *e = arg;
	uint8_t part[65536];
	ssize_t n = read(STDIN_FILENO, part, sizeof(part));

	(void)flags;
	if (n > 0) {
		buf_put(&e->input, part, (size_t)n);
		lines_input(e);
	} else if (n == 0 || errno != EINTR) {
		fd_close(STDIN_FILENO);
		if (!e->options.seconds)
			stop(e);
	}
}

/* -- every 10 ms ----------------------------------------------------------- */

static void speak(struct endpoint *e, usec_t now)
{
	usec_t packet = e->options.ptime_ms * USEC_MS;

	if (!e->established_n)
		return;
	while (e->speak_at <= now + SEND_AHEAD) {
		const struct voice_packet *p = speaker_next(&e->speaker);

		e->speak_at += packet;
		if (p && p->n)
			tgcall_send_audio(e->call, bytes_of(p->p, p->n),
					  e->options.ptime_ms * 48);
		/* After a long stop there is no use in catching up. */
		if (e->speak_at + USEC_S < now)
			e->speak_at = now;
	}
}

/* telegram-wire E.11, of apps: in-band FEC is "on when loss is reported". */
static void expect_loss(struct endpoint *e, usec_t now)
{
	if (now < e->loss_at)
		return;
	e->loss_at = now + LOSS_EVERY;
	speaker_expect_loss(&e->speaker, (int)tgcall_reported_loss(e->call));
}

static void on_tick(void *arg)
{
	struct endpoint *e = arg;
	usec_t now = clock_now();

	e->tick_at += TICK_MS * USEC_MS;
	if (e->tick_at < now)
		e->tick_at = now;
	tmr_start(&e->tick, (e->tick_at - now) / USEC_MS, on_tick, e);
	if (e->call) {
		/* Set-up wants every packet at once; the call itself does not.
		 */
		tgcall_set_polled(e->call,
				  e->state == TGCALL_STATE_ESTABLISHED);
		if (e->state == TGCALL_STATE_ESTABLISHED)
			tgcall_poll(e->call, now);
		expect_loss(e, now);
		speak(e, now);
	}
	listener_tick(&e->listener, now);
	if (e->options.seconds &&
	    now >= e->started_at + e->options.seconds * USEC_S)
		stop(e);
}

/* -- the whole ------------------------------------------------------------- */

static json_int_t ms_since_start(const struct endpoint *e, usec_t at)
{
	return at ? (json_int_t)((at - e->started_at) / USEC_MS) : -1;
}

static void stats_write(const struct endpoint *e)
{
	struct tgcall_stats s = {0};
	struct jitter_stats j = {0};
	json_t *root;
	char *text;

	if (e->call)
		tgcall_stats(e->call, &s);
	if (e->listener.jitter)
		jitter_stats(e->listener.jitter, &j);
	root = json_pack(
		"{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:i,s:b,"
		"s:s,s:s}",
		"version", e->options.version, "packets_sent",
		(json_int_t)s.tx_packets, "packets_received",
		(json_int_t)s.rx_packets, "bytes_received",
		(json_int_t)s.rx_bytes, "lost", (json_int_t)s.rx_lost,
		"padding", (json_int_t)s.rx_padding, "bad",
		(json_int_t)s.rx_bad, "concealed", (json_int_t)j.concealed,
		"rtt_us", (json_int_t)s.rtt_us, "connect_ms",
		s.connect_us ? (json_int_t)(s.connect_us / 1000)
			     : (json_int_t)-1,
		"first_audio_ms", ms_since_start(e, e->first_audio_at),
		"jitter_target_ms", (int)j.target_ms, "remote_lost_q8",
		(int)s.remote_lost_q8, "reported_loss",
		e->call ? (int)tgcall_reported_loss(e->call) : 0, "peer_muted",
		e->peer_muted, "local", s.local, "remote", s.remote);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	line_write("STATS", text ? text : "{}");
	free(text);
	json_decref(root);
}

static int call_make(struct endpoint *e)
{
	const struct endpoint_options *o = &e->options;
	struct tgcall_conf conf = {
		.version = o->version,
		.outgoing = o->outgoing,
		.p2p_allowed = o->p2p,
		.custom_parameters = o->parameters,
		.servers = o->servers,
		.servers_n = o->servers_n,
		.bind_address = o->bind,
		.allow_loopback = true,
		.handlers = {on_signal, on_state, on_audio, on_media_state},
		.arg = e,
	};
	int error;

	memcpy(conf.key, o->key, sizeof(conf.key));
	error = tgcall_new(&e->call, &conf);
	bytes_wipe(conf.key, sizeof(conf.key));
	if (error == 0)
		tgcall_start(e->call);
	return error;
}

static void on_terminate(int number)
{
	(void)number;
	re_cancel();
}

static int run(struct endpoint *e)
{
	int error;

	e->started_at = e->tick_at = clock_now();
	error = listener_init(&e->listener, e->options.out, e->started_at);
	if (error < 0) {
		fprintf(stderr, "--out: %s\n", strerror(-error));
		return 1;
	}
	error = speaker_init(&e->speaker, e->options.in, e->options.ptime_ms,
			     e->options.pre_encoded);
	if (error < 0) {
		fprintf(stderr, "--in: %s\n", strerror(-error));
		return 1;
	}
	error = call_make(e);
	if (error == -ENOENT) {
		fprintf(stderr, "--version %s: not one of --list-versions\n",
			e->options.version);
		return 1;
	}
	if (error < 0) {
		/* The call failed, not the program: the contract goes on. */
		fprintf(stderr, "no call: %s\n", strerror(-error));
		line_write("STATE", "failed");
	}
	if (fd_listen(STDIN_FILENO, FD_READ, on_stdin, e) &&
	    !e->options.seconds) {
		fprintf(stderr, "stdin cannot be waited for\n");
		return 1;
	}
	on_tick(e);
	re_main(on_terminate); /* SIGINT and SIGTERM, from the loop */
	fd_close(STDIN_FILENO);
	return 0;
}

static void versions_list(void)
{
	for (const char *const *v = tgcall_versions(); *v; v++)
		puts(*v);
}

int main(int argc, char **argv)
{
	static struct endpoint e;
	int status = 2;

	if (endpoint_options_read(&e.options, argc, argv) < 0)
		return 2;
	if (e.options.list_versions) {
		versions_list();
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	if (libre_init() || fd_setsize(256) || timer_wheel_check()) {
		fprintf(stderr, "no event loop\n");
		return 1;
	}
	tmr_init(&e.tick);
	buf_init(&e.input);
	status = run(&e);
	if (status == 0) {
		listener_tick(&e.listener, clock_now());
		stats_write(&e);
	}
	tmr_cancel(&e.tick);
	tgcall_free(&e.call);
	listener_clear(&e.listener);
	speaker_clear(&e.speaker);
	buf_clear(&e.input);
	bytes_wipe(e.options.key, sizeof(e.options.key));
	libre_close();
	return status;
}

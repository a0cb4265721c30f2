/* load-phone: many calls of one PBX for little CPU. Registers with digest,
 * calls and is called; each call speaks with a tone of its own from packets
 * encoded beforehand and judges whose tone it hears. libre's SIP, not the
 * gateway's.
 *
 *   load-phone --server HOST:PORT --login NAME --password TEXT
 *              [--codec alaw|mulaw|opus]
 *   load-phone --wav FILE HZ      writes the voice of a tone, 48 kHz
 *
 * Lines in:
 *   dial USER SAY_HZ HEAR_HZ      calls
 *   expect USER SAY_HZ HEAR_HZ    answers the call whose X-TG-ID is USER
 *   status                        one status line
 *   reset                         forgets what was heard so far
 *   hangup USER|all
 *   quit                          (or end of input)
 * Lines out, JSON: {"event":"registered"|"established"|"ended"|"status",..}.
 * A call: user, incoming, state, setup_ms (INVITE to 200), first_ms (200 to
 * the first packet), sent, received, lost, and windows of 0.2 s:
 * heard, silent, foreign (another call's tone), unclear.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/re.h"
#include "media/rtp.h"
#include "sim/wav.h"
#include "tests/load_voice.h"

#define TICK_MS 10
#define PACKET_US (LOAD_VOICE_PACKET_MS * USEC_MS)
#define DATAGRAM_BYTES 1500
#define EXPECTED_MAX 512

struct expected {
	char user[64];
	unsigned say_hz, hear_hz;
};

struct phone {
	const char *server, *login, *password;
	const struct media_codec *codec;
	struct sip *sip;
	struct sipsess_sock *sessions;
	struct sipreg *registration;
	bool registered;
	struct list calls;
	struct expected expected[EXPECTED_MAX];
	size_t expected_n;
	unsigned tones[LOAD_VOICE_TONES_MAX]; /* that may be heard at all */
	size_t tones_n;
	struct tmr tick;
	usec_t tick_at;
	char line[4096];
	size_t line_n;
};

struct call {
	struct le le;
	struct phone *phone;
	struct expected what;
	bool incoming, established;
	struct sipsess *session;
	struct sdp_session *sdp;
	struct sdp_media *media;
	int fd, pt;
	struct sa remote;
	usec_t invited_at, established_at, first_at, send_at;
	struct load_speaker speaker;
	struct load_listener listener;
	uint32_t ssrc, ts;
	uint16_t seq;
	uint64_t sent;
	struct rtp_receive_stats received;
};

static void die(const char *what)
{
	fprintf(stderr, "load-phone: %s\n", what);
	exit(1);
}

/* -- what is told --------------------------------------------------------- */

static json_int_t ms_between(usec_t from, usec_t to)
{
	return from && to ? (json_int_t)((to - from) / USEC_MS) : -1;
}

static json_t *call_json(const struct call *c)
{
	const struct load_listener *l = &c->listener;

	return json_pack(
		"{s:s,s:b,s:s,s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:i,s:i}", "user",
		c->what.user, "incoming", c->incoming, "state",
		c->established ? "established" : "calling", "setup_ms",
		ms_between(c->invited_at, c->established_at), "first_ms",
		ms_between(c->established_at, c->first_at), "sent",
		(json_int_t)c->sent, "received",
		(json_int_t)c->received.received, "lost",
		(json_int_t)(c->received.started ? rtp_stats_lost(&c->received)
						 : 0),
		"heard", (int)l->heard, "silent", (int)l->silent, "foreign",
		(int)l->foreign, "unclear", (int)l->unclear);
}

static void event_write(const char *event, json_t *more)
{
	json_t *root = json_pack("{s:s}", "event", event);
	char *text;

	if (more)
		json_object_update(root, more);
	json_decref(more);
	text = json_dumps(root, JSON_COMPACT);
	puts(text ? text : "{}");
	fflush(stdout);
	free(text);
	json_decref(root);
}

static void status_write(const struct phone *p)
{
	json_t *list = json_array();

	for (struct le *le = list_head(&p->calls); le; le = le->next)
		json_array_append_new(list, call_json(le->data));
	event_write("status", json_pack("{s:o}", "calls", list));
}

/* -- media ---------------------------------------------------------------- */

static void call_say(struct call *c, usec_t now)
{
	uint8_t datagram[DATAGRAM_BYTES];

	while (c->send_at <= now) {
		struct rtp_header h = {
			.marker = c->sent == 0,
			.pt = (uint8_t)c->pt,
			.seq = c->seq++,
			.ts = c->ts,
			.ssrc = c->ssrc,
			.payload = load_speaker_next(&c->speaker),
		};
		int n = rtp_write(datagram, sizeof(datagram), &h);

		c->send_at += PACKET_US;
		c->ts += c->phone->codec->rtp_clock_hz * LOAD_VOICE_PACKET_MS /
			 1000;
		if (n > 0 && sendto(c->fd, datagram, (size_t)n, 0,
				    &c->remote.u.sa, c->remote.len) == n)
			c->sent++;
	}
}

static void call_hear(struct call *c, usec_t now)
{
	uint8_t datagram[DATAGRAM_BYTES];
	struct phone *p = c->phone;
	struct rtp_header h;
	ssize_t n;

	while ((n = recv(c->fd, datagram, sizeof(datagram), MSG_DONTWAIT)) >
	       0) {
		if (!c->established ||
		    rtp_read(&h, bytes_of(datagram, (size_t)n)) ||
		    h.pt != c->pt || !h.payload.n)
			continue;
		if (!c->first_at)
			c->first_at = now;
		(void)rtp_stats_update(&c->received, &h, p->codec->rtp_clock_hz,
				       now);
		load_listener_packet(&c->listener, h.payload, p->tones,
				     p->tones_n);
	}
}

static void on_tick(void *arg)
{
	struct phone *p = arg;
	usec_t now = clock_now();

	p->tick_at += TICK_MS * USEC_MS;
	if (p->tick_at < now)
		p->tick_at = now;
	tmr_start(&p->tick, (p->tick_at - now) / USEC_MS, on_tick, p);
	for (struct le *le = list_head(&p->calls); le; le = le->next) {
		struct call *c = le->data;

		call_hear(c, now);
		if (c->established)
			call_say(c, now);
	}
}

/* -- calls ---------------------------------------------------------------- */

static void tone_note(struct phone *p, unsigned hertz)
{
	for (size_t i = 0; i < p->tones_n; i++)
		if (p->tones[i] == hertz)
			return;
	if (p->tones_n < LOAD_VOICE_TONES_MAX)
		p->tones[p->tones_n++] = hertz;
}

static void call_destroy(void *arg)
{
	struct call *c = arg;

	list_unlink(&c->le);
	mem_deref(c->session);
	mem_deref(c->sdp);
	load_listener_clear(&c->listener);
	if (c->fd >= 0)
		(void)close(c->fd);
}

static int socket_open(struct sa *local)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	local->len = sizeof(local->u);
	if (fd < 0 || bind(fd, &local->u.sa, sizeof(local->u.in)) ||
	    getsockname(fd, &local->u.sa, &local->len))
		die("no socket");
	return fd;
}

static int sdp_make(struct call *c, const struct sa *local)
{
	const struct media_codec *codec = c->phone->codec;
	char pt[16];
	int err = sdp_session_alloc(&c->sdp, local);

	snprintf(pt, sizeof(pt), "%u", codec->pt);
	if (!err)
		err = sdp_media_add(&c->media, c->sdp, sdp_media_audio,
				    sa_port(local), sdp_proto_rtpavp);
	if (!err)
		err = sdp_format_add(NULL, c->media, false, pt, codec->name,
				     codec->rtp_clock_hz, codec->sdp_channels,
				     NULL, NULL, NULL, false, NULL);
	if (!err)
		err = sdp_media_set_lattr(c->media, true, "ptime", "%d",
					  LOAD_VOICE_PACKET_MS);
	return err;
}

static struct call *call_new(struct phone *p, const struct expected *what)
{
	struct call *c = mem_zalloc(sizeof(*c), call_destroy);
	struct sa local;

	if (!c)
		die("no memory");
	sa_set_str(&local, "127.0.0.1", 0);
	c->phone = p;
	c->what = *what;
	c->fd = socket_open(&local);
	c->invited_at = clock_now();
	random_bytes(&c->ssrc, sizeof(c->ssrc));
	if (sdp_make(c, &local) ||
	    load_speaker_init(&c->speaker, p->codec, what->say_hz) ||
	    load_listener_init(&c->listener, p->codec, what->hear_hz))
		die("no call");
	list_append(&p->calls, &c->le, c);
	return c;
}

static int remote_take(struct call *c, const struct sip_msg *msg, bool offer)
{
	const struct sdp_format *f;
	int err = sdp_decode(c->sdp, msg->mb, offer);

	if (err)
		return err;
	f = sdp_media_rformat(c->media, c->phone->codec->name);
	if (!f || !sdp_media_rport(c->media))
		return ENOTSUP;
	c->pt = f->pt;
	c->remote = *sdp_media_raddr(c->media);
	return 0;
}

static void call_ended(struct call *c, unsigned code, const struct pl *reason)
{
	json_t *j = call_json(c);
	char text[128] = "";

	if (reason)
		(void)pl_strcpy(reason, text, sizeof(text));
	json_object_set_new(j, "status", json_integer(code));
	json_object_set_new(j, "reason", json_string(text));
	event_write("ended", j);
	mem_deref(c);
}

static int on_offer(struct mbuf **mbp, const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;

	if (mbuf_get_left(msg->mb) && remote_take(c, msg, true))
		return ENOTSUP;
	return sdp_encode(mbp, c->sdp, !mbuf_get_left(msg->mb));
}

static int on_answer(const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;

	if (!mbuf_get_left(msg->mb))
		return 0;
	return remote_take(c, msg, false);
}

static void on_established(const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;

	c->established = true;
	c->established_at = clock_now();
	/* Calls begin at different moments of a packet time anyway. */
	c->send_at = c->established_at;
	event_write("established", call_json(c));
}

static void on_close(int err, const struct sip_msg *msg, void *arg)
{
	struct call *c = arg;

	/* A request is the peer's BYE or CANCEL. */
	call_ended(c, msg ? (msg->req ? 0 : msg->scode) : 408,
		   msg && !msg->req ? &msg->reason : NULL);
}

static int on_auth(char **user, char **password, const char *realm, void *arg)
{
	struct phone *p = arg;
	int err = str_dup(user, p->login);

	return err ? err : str_dup(password, p->password);
}

static void call_dial(struct phone *p, const struct expected *what)
{
	struct call *c = call_new(p, what);
	struct mbuf *offer = NULL;
	char to[160], from[160];
	int err;

	snprintf(to, sizeof(to), "sip:%s@%s", what->user, p->server);
	snprintf(from, sizeof(from), "sip:%s@%s", p->login, p->server);
	err = sdp_encode(&offer, c->sdp, true);
	if (!err)
		err = sipsess_connect(&c->session, p->sessions, to, NULL, from,
				      p->login, NULL, 0, "application/sdp",
				      offer, on_auth, p, false, on_offer,
				      on_answer, NULL, on_established, NULL,
				      NULL, on_close, c, NULL);
	mem_deref(offer);
	if (err)
		die("cannot dial");
}

static const struct expected *caller_find(const struct phone *p,
					  const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_xhdr(msg, "X-TG-ID");

	for (size_t i = 0; h && i < p->expected_n; i++)
		if (pl_strcmp(&h->val, p->expected[i].user) == 0)
			return &p->expected[i];
	return NULL;
}

static void on_invite(const struct sip_msg *msg, void *arg)
{
	struct phone *p = arg;
	const struct expected *what = caller_find(p, msg);
	struct mbuf *answer = NULL;
	struct call *c;
	int err;

	if (!what) {
		(void)sip_treply(NULL, p->sip, msg, 404, "Not Expected");
		return;
	}
	c = call_new(p, what);
	c->incoming = true;
	err = remote_take(c, msg, true);
	if (!err)
		err = sdp_encode(&answer, c->sdp, false);
	if (!err)
		err = sipsess_accept(&c->session, p->sessions, msg, 200, "OK",
				     p->login, "application/sdp", answer,
				     on_auth, p, false, on_offer, on_answer,
				     on_established, NULL, NULL, on_close, c,
				     NULL);
	mem_deref(answer);
	if (!err)
		return;
	(void)sip_treply(NULL, p->sip, msg, 488, "Not Acceptable Here");
	mem_deref(c);
}

static void calls_hang_up(struct phone *p, const char *user)
{
	struct le *le = list_head(&p->calls);

	while (le) {
		struct call *c = le->data;

		le = le->next;
		if (strcmp(user, "all") == 0 || strcmp(user, c->what.user) == 0)
			call_ended(c, 0, NULL);
	}
}

/* -- registration --------------------------------------------------------- */

static void on_register(int err, const struct sip_msg *msg, void *arg)
{
	struct phone *p = arg;

	if (err || !msg || msg->scode >= 300) {
		fprintf(stderr, "load-phone: not registered: %d\n",
			msg ? msg->scode : err);
		return;
	}
	if (!p->registered)
		event_write("registered", NULL);
	p->registered = true;
}

static void phone_register(struct phone *p)
{
	char server[128], self[160];

	snprintf(server, sizeof(server), "sip:%s", p->server);
	snprintf(self, sizeof(self), "sip:%s@%s", p->login, p->server);
	if (sipreg_register(&p->registration, p->sip, server, self, NULL, self,
			    600, p->login, NULL, 0, 0, on_auth, p, false,
			    on_register, p, NULL, NULL))
		die("cannot register");
}

/* -- commands ------------------------------------------------------------- */

static void calls_reset(struct phone *p)
{
	for (struct le *le = list_head(&p->calls); le; le = le->next) {
		struct call *c = le->data;

		load_listener_reset(&c->listener);
	}
}

static void expect(struct phone *p, const struct expected *what)
{
	for (size_t i = 0; i < p->expected_n; i++)
		if (strcmp(p->expected[i].user, what->user) == 0) {
			p->expected[i] = *what;
			return;
		}
	if (p->expected_n == EXPECTED_MAX)
		die("too many expected callers");
	p->expected[p->expected_n++] = *what;
}

static void command_run(struct phone *p, const char *line)
{
	struct expected what = {0};
	char command[16] = "";
	int n = sscanf(line, "%15s %63s %u %u", command, what.user,
		       &what.say_hz, &what.hear_hz);

	if (n == 4)
		tone_note(p, what.hear_hz);
	if (strcmp(command, "dial") == 0 && n == 4)
		call_dial(p, &what);
	else if (strcmp(command, "expect") == 0 && n == 4)
		expect(p, &what);
	else if (strcmp(command, "hangup") == 0 && n == 2)
		calls_hang_up(p, what.user);
	else if (strcmp(command, "status") == 0)
		status_write(p);
	else if (strcmp(command, "reset") == 0)
		calls_reset(p);
	else if (strcmp(command, "quit") == 0)
		re_cancel();
	else
		fprintf(stderr, "load-phone: unknown line: %s\n", line);
}

static void on_stdin(int flags, void *arg)
{
	struct phone *p = arg;
	size_t room = sizeof(p->line) - p->line_n;
	ssize_t n = read(STDIN_FILENO, p->line + p->line_n, room);
	char *end;

	if (n <= 0 || (size_t)n == room) {
		fd_close(STDIN_FILENO);
		re_cancel();
		return;
	}
	p->line_n += (size_t)n;
	while ((end = memchr(p->line, '\n', p->line_n)) != NULL) {
		size_t used = (size_t)(end - p->line) + 1;

		*end = '\0';
		command_run(p, p->line);
		p->line_n -= used;
		memmove(p->line, p->line + used, p->line_n);
	}
}

/* -- the voice as a file --------------------------------------------------- */

static int voice_write(const char *path, unsigned hertz)
{
	enum { N = WAV_RATE_HZ * LOAD_VOICE_S };
	static int16_t pcm[N];
	struct wav_writer w = {0};
	int err = wav_open(&w, path);

	if (err)
		die("cannot write the file");
	load_voice_fill(pcm, N, WAV_RATE_HZ, hertz);
	wav_put(&w, pcm, N);
	wav_close(&w);
	return 0;
}

/* -- the whole ------------------------------------------------------------ */

static void options_read(struct phone *p, int argc, char **argv)
{
	static const struct option options[] = {
		{"server", required_argument, NULL, 's'},
		{"login", required_argument, NULL, 'l'},
		{"password", required_argument, NULL, 'p'},
		{"codec", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	int code;

	p->codec = &media_codec_pcma;
	while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (code == 's')
			p->server = optarg;
		else if (code == 'l')
			p->login = optarg;
		else if (code == 'p')
			p->password = optarg;
		else if (code == 'c')
			p->codec = media_codec_by_setting(optarg);
	}
	if (!p->server || !p->login || !p->password || !p->codec)
		die("usage: load-phone --server HOST:PORT --login NAME "
		    "--password TEXT [--codec alaw|mulaw|opus]");
}

static void phone_open(struct phone *p)
{
	struct sa local;

	sa_set_str(&local, "127.0.0.1", 0);
	if (sip_alloc(&p->sip, NULL, 64, 64, 64, "load-phone", NULL, NULL) ||
	    sip_transp_add(p->sip, SIP_TRANSP_UDP, &local) ||
	    sipsess_listen(&p->sessions, p->sip, 64, on_invite, p))
		die("no SIP");
	if (fd_listen(STDIN_FILENO, FD_READ, on_stdin, p))
		die("stdin cannot be waited for");
	phone_register(p);
	p->tick_at = clock_now();
	on_tick(p);
}

static void phone_close(struct phone *p)
{
	calls_hang_up(p, "all");
	tmr_cancel(&p->tick);
	mem_deref(p->registration);
	sipsess_close_all(p->sessions);
	mem_deref(p->sessions);
	sip_close(p->sip, true);
	mem_deref(p->sip);
}

int main(int argc, char **argv)
{
	static struct phone p;

	if (argc == 4 && strcmp(argv[1], "--wav") == 0)
		return voice_write(argv[2],
				   (unsigned)strtoul(argv[3], NULL, 10));
	options_read(&p, argc, argv);
	if (libre_init() || fd_setsize(4096))
		die("no event loop");
	phone_open(&p);
	re_main(NULL);
	phone_close(&p);
	libre_close();
	return 0;
}

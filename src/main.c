/* gramline: subcommands to roles. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/timer_wheel.h"
#include "ctl/ctl.h"
#include "gateway.h"
#include "hangup.h"
#include "import_tg2sip.h"
#include "login.h"
#include "message.h"

#define FDS_MAX 65536
#define CONFIG_DEFAULT "/etc/gramline/gramline.conf"

static const char usage[] =
	"usage: gramline run [-c FILE]\n"
	"       gramline login [-c FILE] [--phone NUMBER | --qr | --bot] "
	"SESSION\n"
	"       gramline logout|logins [-c FILE] SESSION\n"
	"       gramline account [-c FILE] SESSION [SETTING|all]\n"
	"       gramline message send SESSION PEER TEXT\n"
	"       gramline message edit SESSION PEER ID TEXT\n"
	"       gramline message delete SESSION ID\n"
	"       gramline message list SESSION PEER\n"
	"       gramline file send [--voice] SESSION PEER PATH [CAPTION]\n"
	"       gramline file receive SESSION ID PATH\n"
	"       gramline check [-c FILE]\n"
	"       gramline key FILE\n"
	"       gramline import tg2sip SETTINGS.INI\n"
	"       gramline -x 'COMMAND' [-c FILE | -s SOCKET] [--json]\n"
	"       gramline --version\n"
	"\n"
	"  run     all roles in one process\n"
	"  login   connects a Telegram account: by phone code, by a QR\n"
	"          code that its app scans, or a bot by its token\n"
	"  logout  ends the session's log-in at Telegram\n"
	"  logins  lists all log-ins of the session's account\n"
	"  account shows the account's settings, or sets them as a gateway\n"
	"          needs them: other-devices, calls, p2p, groups, all\n"
	"  message texts of a private chat; PEER is +NUMBER, @NAME, an id or\n"
	"          me; TEXT is Markdown, or as --format says (html, plain)\n"
	"  file    sends a file, as a voice message with --voice (Opus in\n"
	"          Ogg); receives the one in a message\n"
	"  check   reads the configuration and says what is wrong with it\n"
	"  key     makes the key that seals log-ins\n"
	"  import  prints another program's settings as a configuration\n"
	"  -x      asks the running gateway: help lists the commands, show\n"
	"          calls, show trunks, explain CALL are some; see gramline(1)\n"
	"  -c      configuration (" CONFIG_DEFAULT ")\n"
	"  -s      control socket, without reading a configuration\n"
	"  --json  the answer as JSON\n";

struct options {
	const char *config, *socket, *command, *phone;
	bool json, bot, qr;
	const char *verb, *argument, *detail;
	const char *const *words; /* all behind the verb */
	size_t words_n;
	const char *format;
	bool voice;
	char **argv;
};

static struct gateway *running;

static void quit(void *arg)
{
	re_cancel();
}

static void on_signal(int sig)
{
	log_info("gateway", NULL, "stopping");
	if (running)
		gateway_stop(running, quit, NULL);
	else
		re_cancel();
}

/* As many descriptors as the system lets us have, and libre told so. */
static int start_loop(void)
{
	struct rlimit limit;
	rlim_t want = FDS_MAX;
	int err = libre_init();

	if (err)
		return err;
	err = timer_wheel_check();
	if (err)
		return err;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		if (limit.rlim_max < want)
			want = limit.rlim_max;
		limit.rlim_cur = want;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return fd_setsize((int)want);
}

static struct settings *read_settings(const struct options *o)
{
	struct config_error err = {{0}};
	struct settings *s = NULL;

	if (settings_read(&s, o->config, &err)) {
		fprintf(stderr, "gramline: %s\n", err.text);
		return NULL;
	}
	log_set_level(s->log);
	return s;
}

/* Every thread of glibc keeps a few hundred freed blocks for itself, and each
 * holds back the page it lies in: after a busy hour a megabyte that is never
 * given back, and after each further one some more. glibc reads this setting
 * before main() only, so the program starts itself anew, once; an
 * administrator's own setting stands. Where it cannot, it only needs more. */
static void heap_without_thread_caches(char **argv)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0 || getenv("GLIBC_TUNABLES"))
		return;
	self[n] = '\0';
	if (setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1))
		return;
	execv(self, argv);
	log_warn("gateway", NULL, "memory: no new start: %s", strerror(errno));
}

static void on_hangup(void *arg)
{
	struct config_error err = {{0}};

	(void)gateway_reload(arg, &err); /* tells by itself */
}

static int verb_run(const struct options *o)
{
	struct settings *s;
	int status = 1;

	heap_without_thread_caches(o->argv);
	s = read_settings(o);
	if (!s)
		return 1;
	if (!hangup_block() &&
	    !gateway_new(&running, s, GATEWAY_WORKER | GATEWAY_CONTROL) &&
	    !hangup_listen(on_hangup, running)) {
		log_info("gateway", NULL, "gramline %s is running",
			 GRAMLINE_VERSION);
		re_main(on_signal);
		status = 0;
	}
	hangup_close();
	gateway_free(&running);
	settings_free(&s);
	return status;
}

static int session_verb(const struct options *o, enum login_verb verb)
{
	struct settings *s;
	int status;

	if (!o->argument) {
		fputs(usage, stderr);
		return 2;
	}
	s = read_settings(o);
	if (!s)
		return 1;
	status = login_run(s, verb, o->argument,
			   verb == LOGIN_ACCOUNT ? o->detail : o->phone);
	settings_free(&s);
	return status;
}

static int verb_login(const struct options *o)
{
	if (o->qr)
		return session_verb(o, LOGIN_BY_QR);
	return session_verb(o, o->bot ? LOGIN_BY_TOKEN : LOGIN_BY_PHONE);
}

static int verb_logout(const struct options *o)
{
	return session_verb(o, LOGIN_OUT);
}

static int verb_logins(const struct options *o)
{
	return session_verb(o, LOGIN_LIST);
}

static int verb_account(const struct options *o)
{
	return session_verb(o, LOGIN_ACCOUNT);
}

static int words_verb(const struct options *o,
		      int (*run)(const struct settings *s,
				 const struct message_order *o))
{
	struct message_order order = {
		.words = o->words,
		.words_n = o->words_n,
		.format = o->format,
		.voice = o->voice,
		.json = o->json,
	};
	struct settings *s = read_settings(o);
	int status;

	if (!s)
		return 1;
	status = run(s, &order);
	settings_free(&s);
	return status;
}

static int verb_message(const struct options *o)
{
	return words_verb(o, message_run);
}

static int verb_file(const struct options *o)
{
	return words_verb(o, file_run);
}

static int verb_check(const struct options *o)
{
	struct settings *s = read_settings(o);

	if (!s)
		return 1;
	printf("%s: %zu session(s), %zu trunk(s)\n", o->config, s->sessions_n,
	       s->trunks_n);
	settings_free(&s);
	return 0;
}

/* The configuration to the output, what it leaves out to the errors. */
static int verb_import(const struct options *o)
{
	struct buf text, conf, notices;
	FILE *f;
	int c, err;

	if (o->words_n != 2 || strcmp(o->words[0], "tg2sip") != 0) {
		fputs(usage, stderr);
		return 2;
	}
	f = fopen(o->words[1], "re");
	if (!f) {
		fprintf(stderr, "gramline: %s: %s\n", o->words[1],
			strerror(errno));
		return 1;
	}
	buf_init(&text);
	buf_init(&conf);
	buf_init(&notices);
	while ((c = getc(f)) != EOF && text.n < 1024 * 1024)
		buf_u8(&text, (uint8_t)c);
	fclose(f);
	err = import_tg2sip(&conf, &notices, o->words[1], buf_cstr(&text));
	fputs(buf_cstr(&notices), stderr);
	if (!err)
		fputs(buf_cstr(&conf), stdout);
	buf_clear(&text);
	buf_clear(&conf);
	buf_clear(&notices);
	return err ? 1 : 0;
}

static int verb_key(const struct options *o)
{
	int err;

	if (!o->argument) {
		fputs(usage, stderr);
		return 2;
	}
	err = secret_key_create(o->argument);
	if (err)
		fprintf(stderr, "gramline: %s: %s\n", o->argument,
			strerror(-err));
	return err ? 1 : 0;
}

static int ask_running(const struct options *o)
{
	struct settings *s = NULL;
	json_t *answer = NULL;
	const char *path = o->socket;
	int status = 1, err;

	if (!path) {
		s = read_settings(o);
		if (!s)
			return 1;
		path = s->control;
	}
	err = ctl_ask(&answer, path, json_pack("{ss}", "command", o->command),
		      10);
	if (err)
		fprintf(stderr, "gramline: %s: %s\n", path, strerror(-err));
	else
		status = ctl_print(answer, o->json);
	json_decref(answer);
	settings_free(&s);
	return status;
}

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
		{"json", no_argument, NULL, 'j'},
		{"phone", required_argument, NULL, 'p'},
		{"bot", no_argument, NULL, 'b'},
		{"qr", no_argument, NULL, 'q'},
		{"format", required_argument, NULL, 'f'},
		{"voice", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:s:x:h", table, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'x':
			o->command = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'p':
			o->phone = optarg;
			break;
		case 'q':
			o->qr = true;
			break;
		case 'b':
			o->bot = true;
			break;
		case 'f':
			o->format = optarg;
			break;
		case 'v':
			o->voice = true;
			break;
		case 'V':
			puts("gramline " GRAMLINE_VERSION);
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			return -1;
		}
	}
	if (optind < argc)
		o->verb = argv[optind++];
	o->words = (const char *const *)&argv[optind];
	o->words_n = (size_t)(argc - optind);
	if (o->verb && (!strcmp(o->verb, "message") ||
			!strcmp(o->verb, "file") || !strcmp(o->verb, "import")))
		return 0;
	if (optind < argc)
		o->argument = argv[optind++];
	if (optind < argc && o->verb && !strcmp(o->verb, "account"))
		o->detail = argv[optind++];
	return optind < argc ? -1 : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct options *o);
	} verbs[] = {
		{"run", verb_run},         {"login", verb_login},
		{"logout", verb_logout},   {"logins", verb_logins},
		{"account", verb_account}, {"message", verb_message},
		{"file", verb_file},       {"check", verb_check},
		{"key", verb_key},         {"import", verb_import},
	};
	struct options o = {.config = CONFIG_DEFAULT, .argv = argv};
	int status = 2;

	if (parse(&o, argc, argv) || (!o.verb && !o.command)) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	/* One heap: the packet path allocates next to nothing, and memory that
	 * calls leave behind can be given back. */
	mallopt(M_ARENA_MAX, 1);
	if (start_loop()) {
		fputs("gramline: the event loop cannot start\n", stderr);
		return 1;
	}
	if (o.command) {
		status = ask_running(&o);
	} else {
		for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
			if (strcmp(verbs[i].name, o.verb) == 0)
				status = verbs[i].run(&o);
		if (status == 2)
			fputs(usage, stderr);
	}
	libre_close();
	return status;
}

/* gramline-sim: a simulated Telegram on loopback.
 *
 *   gramline-sim -c FILE [-D DIR] [-v]     the data centres
 *   gramline-sim ctl SOCKET '{"op":..}'..  the control interface's client
 *   gramline-sim media FD DIR              the launcher, started by the first
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/control.h"
#include "sim/launcher.h"
#include "sim/media.h"
#include "sim/rsa_key.h"
#include "sim/stream.h"

struct sim {
	struct sim_config config;
	struct sim_store *store;
	struct sim_world *world;
	struct sim_loop *loop;
	struct mtp_rsa *rsa;
	struct sim_dcs *dcs;
	struct sim_media *media;
	struct sim_control *control;
	const char *dir;
};

/* -- the client of the control interface
 * ---------------------------------------- */

static int sim_ctl_talk(FILE *f, int fd, const char *request)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int ok = 0;

	if (dprintf(fd, "%s\n", request) < 0)
		return 1;
	do {
		n = getline(&line, &cap, f);
		if (n <= 0)
			break;
		fputs(line, stdout);
		fflush(stdout);
		ok = !strstr(line, "\"ok\":false");
	} while (strstr(request, "\"watch\""));
	free(line);
	return n > 0 && ok ? 0 : 1;
}

static int sim_ctl(const char *path, char *const *requests)
{
	int fd = sim_unix_connect(path), status = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f) {
		fprintf(stderr, "%s: %s\n", path,
			strerror(fd < 0 ? -fd : errno));
		return 2;
	}
	for (; *requests && !status; requests++)
		status = sim_ctl_talk(f, fd, *requests);
	fclose(f);
	return status;
}

/* -- the data centres
 * --------------------------------------------------------------- */

static usec_t sim_deadline(void *arg)
{
	const struct sim *s = arg;
	usec_t list[3] = {sim_world_deadline(s->world),
			  sim_dcs_deadline(s->dcs),
			  sim_control_deadline(s->control)};
	usec_t due = USEC_NEVER;

	for (int i = 0; i < 3; i++)
		due = list[i] < due ? list[i] : due;
	return due;
}

static void sim_tick(usec_t now, void *arg)
{
	struct sim *s = arg;

	sim_world_time(s->world, now, clock_wall());
	sim_world_tick(s->world);
	sim_media_tick(s->media);
	sim_dcs_tick(s->dcs);
	sim_control_tick(s->control);
}

static int sim_open_state(struct sim *s)
{
	char path[600], why[256] = "";
	struct buf pem;
	int err;

	snprintf(path, sizeof(path), "%s/state.db", s->dir);
	err = sim_store_new(&s->store, path);
	if (err)
		return err;
	buf_init(&pem);
	err = sim_rsa_key_load(&pem, s->dir);
	if (!err)
		err = mtp_rsa_new(&s->rsa);
	if (!err)
		err = mtp_rsa_add_pem(s->rsa, buf_cstr(&pem), pem.n);
	buf_clear(&pem);
	if (!err)
		err = sim_world_new(&s->world, &s->config, s->store, why);
	if (err)
		fprintf(stderr, "gramline-sim: %s: %s\n", s->dir,
			why[0] ? why : strerror(-err));
	return err;
}

static int sim_open_sockets(struct sim *s, const char *program)
{
	static const struct sim_loop_handlers handlers = {sim_deadline,
							  sim_tick};
	char path[600];
	int err = sim_loop_new(&s->loop, &handlers, s);

	sim_world_time(s->world, clock_now(), clock_wall());
	if (!err)
		err = sim_media_new(&s->media, s->world, s->loop, program,
				    s->dir);
	if (!err)
		err = sim_dcs_new(&s->dcs, s->world, s->loop, s->rsa);
	snprintf(path, sizeof(path), "%s/control.sock", s->dir);
	if (!err)
		err = sim_control_new(&s->control, s->world, s->dcs, s->loop,
				      path);
	if (err)
		fprintf(stderr, "gramline-sim: sockets: %s\n", strerror(-err));
	return err;
}

static void sim_announce(const struct sim *s)
{
	for (int i = 0; i < s->config.dc_count; i++)
		printf("ready dc=%d address=%s:%u key=%s/public.pem "
		       "control=%s/control.sock\n",
		       s->config.dcs[i].id, s->config.dcs[i].host,
		       s->world->dc_ports[i], s->dir, s->dir);
	fflush(stdout);
}

static void sim_close(struct sim *s, bool clean)
{
	sim_control_free(&s->control);
	sim_dcs_free(&s->dcs);
	sim_media_free(&s->media, clean);
	sim_loop_free(&s->loop);
	sim_world_free(&s->world);
	mtp_rsa_free(&s->rsa);
	sim_store_free(&s->store);
	sim_config_clear(&s->config);
}

static int sim_run(const char *config, const char *dir)
{
	struct sim s = {.dir = dir};
	char why[256], program[512] = "";
	int err = sim_config_read(&s.config, config, why);

	if (err) {
		fprintf(stderr, "%s: %s\n", config, why);
		return 2;
	}
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return 1;
	mkdir(dir, 0700);
	signal(SIGPIPE, SIG_IGN);
	err = sim_open_state(&s);
	if (!err)
		err = sim_open_sockets(&s, program);
	if (!err) {
		sim_announce(&s);
		err = sim_loop_run(s.loop);
	}
	sim_close(&s, !err);
	return err ? 1 : 0;
}

static int sim_usage(void)
{
	fputs("usage: gramline-sim -c FILE [-D DIR] [-v]\n"
	      "       gramline-sim ctl SOCKET JSON...\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *config = NULL, *dir = "sim-data";
	int opt;

	if (argc >= 4 && !strcmp(argv[1], "ctl"))
		return sim_ctl(argv[2], argv + 3);
	if (argc == 4 && !strcmp(argv[1], "media"))
		return sim_launcher_run(atoi(argv[2]), argv[3]);
	while ((opt = getopt(argc, argv, "c:D:v")) != -1) {
		if (opt == 'c')
			config = optarg;
		else if (opt == 'D')
			dir = optarg;
		else if (opt == 'v')
			log_set_level(LOG_LEVEL_DEBUG);
		else
			return sim_usage();
	}
	if (!config || optind != argc)
		return sim_usage();
	return sim_run(config, dir);
}

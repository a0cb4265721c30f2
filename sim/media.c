#include "sim/media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/app.h"
#include "sim/stream.h"

struct sim_media {
	struct sim_world *world;
	struct sim_loop *loop;
	struct sim_stream *stream;
	bool lost;
	char program[512], dir[512], path[600];
};

static void sim_media_send(struct sim_media *m, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	if (text && m->stream) {
		sim_stream_write(m->stream, bytes_str(text));
		sim_stream_write(m->stream, bytes_str("\n"));
	}
	/* A start line holds the call key. */
	if (text)
		bytes_wipe(text, strlen(text));
	free(text);
}

static void sim_media_start(const char *id, const json_t *argv, void *arg)
{
	sim_media_send(arg, json_pack("{ss ss so}", "op", "start", "id", id,
				      "argv", json_deep_copy(argv)));
}

static void sim_media_line(const char *id, const char *line, void *arg)
{
	sim_media_send(arg, json_pack("{ss ss ss}", "op", "line", "id", id,
				      "line", line));
}

static bool sim_media_running(const char *id, void *arg)
{
	const json_t *list = arg;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (!strcmp(json_string_value(item),
						      id)) return true;
	return false;
}

static void sim_media_attached(struct sim_media *m, json_t *running)
{
	json_t *item;
	size_t i;

	sim_app_reattach(m->world, sim_media_running, running);
	json_array_foreach(
		running, i,
		item) if (!sim_app_endpoint_wanted(m->world,
						   json_string_value(item)))
		sim_media_line(json_string_value(item), "STOP", m);
	if (json_array_size(running))
		log_info("sim-media", "-", "%zu endpoints are still running",
			 json_array_size(running));
}

static void sim_media_on_line(const char *line, void *arg)
{
	struct sim_media *m = arg;
	json_t *o = json_loads(line, 0, NULL);
	const char *event = sim_json_text(o, "event", "");
	const char *id = sim_json_text(o, "id", "");

	sim_world_time(m->world, clock_now(), clock_wall());
	if (!strcmp(event, "line"))
		sim_app_on_line(m->world, id, sim_json_text(o, "line", ""));
	else if (!strcmp(event, "exit"))
		sim_app_on_exit(m->world, id,
				(int)sim_json_int(o, "status", -1));
	else if (!strcmp(event, "attached"))
		sim_media_attached(m, json_object_get(o, "running"));
	json_decref(o);
}

static void sim_media_on_closed(void *arg)
{
	struct sim_media *m = arg;

	m->lost = true;
}

/* In the new process: whoever reads our output must not wait for its end. */
static void sim_media_exec(const struct sim_media *m, int fd)
{
	char number[16], path[600];
	int in = open("/dev/null", O_RDONLY), out;

	snprintf(path, sizeof(path), "%s/launcher.log", m->dir);
	out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	fcntl(fd, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", fd);
	execl(m->program, m->program, "media", number, m->dir, (char *)NULL);
	_exit(127);
}

/* The listening socket is made here and handed over, so that connecting needs
 * no waiting for the new process. Twice forked: it is nobody's child. */
static int sim_media_spawn(struct sim_media *m)
{
	int fd = sim_unix_listen(m->path), status = 0;
	pid_t pid;

	if (fd < 0)
		return fd;
	pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		sim_media_exec(m, fd);
	}
	close(fd);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return 0;
}

static int sim_media_connect(struct sim_media *m)
{
	static const struct sim_stream_handlers handlers = {
		.line = sim_media_on_line, .closed = sim_media_on_closed};
	int fd = sim_unix_connect(m->path), err = 0;

	if (fd < 0) {
		err = sim_media_spawn(m);
		fd = err ? err : sim_unix_connect(m->path);
	}
	if (fd < 0)
		return fd;
	err = sim_stream_new(&m->stream, m->loop, fd, &handlers, m);
	if (!err)
		sim_media_send(m, json_pack("{ss}", "op", "attach"));
	return err;
}

int sim_media_new(struct sim_media **mp, struct sim_world *w,
		  struct sim_loop *l, const char *program, const char *dir)
{
	struct sim_media *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->world = w;
	m->loop = l;
	snprintf(m->program, sizeof(m->program), "%s", program);
	snprintf(m->dir, sizeof(m->dir), "%s", dir);
	snprintf(m->path, sizeof(m->path), "%s/media.sock", dir);
	w->endpoints =
		(struct sim_endpoint_ops){sim_media_start, sim_media_line, m};
	err = sim_media_connect(m);
	if (err) {
		sim_media_free(&m, false);
		return err;
	}
	*mp = m;
	return 0;
}

void sim_media_tick(struct sim_media *m)
{
	if (!m->lost)
		return;
	m->lost = false;
	sim_stream_free(&m->stream);
	log_error("sim-media", "-", "the launcher is gone; starting another");
	if (sim_media_connect(m))
		log_error("sim-media", "-", "no launcher: calls have no media");
}

void sim_media_free(struct sim_media **mp, bool stop_all)
{
	static const char quit[] = "{\"op\":\"quit\"}\n";
	struct sim_media *m = *mp;

	if (!m)
		return;
	m->world->endpoints = (struct sim_endpoint_ops){0};
	/* The loop has ended: what the stream still holds would be lost. */
	sim_stream_free(&m->stream);
	if (stop_all) {
		int fd = sim_unix_connect(m->path);

		if (fd >= 0 && write(fd, quit, sizeof(quit) - 1) > 0)
			unlink(m->path);
		if (fd >= 0)
			close(fd);
	}
	free(m);
	*mp = NULL;
}

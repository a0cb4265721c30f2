/* A connected stream socket with an output buffer, and listening sockets.
 *
 * Input comes in pieces (`data`) or whole lines (`line`, newline removed),
 * whichever handler is set. `closed` runs once, from the loop, never inside
 * sim_stream_write(); the owner may free the stream in any handler except from
 * within sim_stream_write(). One thread.
 */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include "base/bytes.h"
#include "sim/loop.h"

struct sim_stream;
struct sim_listener;

struct sim_stream_handlers {
	void (*data)(struct bytes in, void *arg);
	void (*line)(const char *line, void *arg);
	void (*closed)(void *arg);
};

/* Takes the descriptor over, also on failure. */
int sim_stream_new(struct sim_stream **sp, struct sim_loop *l, int fd,
		   const struct sim_stream_handlers *h, void *arg);
void sim_stream_free(struct sim_stream **sp);
void sim_stream_write(struct sim_stream *s, struct bytes out);
/* Closes when everything written has left. */
void sim_stream_finish(struct sim_stream *s);
int sim_stream_fd(const struct sim_stream *s);

/* accepted(): a new descriptor, owned by the handler. */
typedef void sim_listener_h(int fd, void *arg);
/* "127.0.0.1" or "::1"; port 0: any. -EADDRINUSE ... Traffic stays on this
 * machine or its namespace: the address decides. */
int sim_listener_new_tcp(struct sim_listener **lp, struct sim_loop *l,
			 const char *host, uint16_t port, sim_listener_h *h,
			 void *arg);
/* A unix socket at path, mode 0600; a stale one is replaced. */
int sim_listener_new_unix(struct sim_listener **lp, struct sim_loop *l,
			  const char *path, sim_listener_h *h, void *arg);
/* Takes a listening descriptor over. */
int sim_listener_new_fd(struct sim_listener **lp, struct sim_loop *l, int fd,
			sim_listener_h *h, void *arg);
uint16_t sim_listener_port(const struct sim_listener *l);
void sim_listener_free(struct sim_listener **lp);

int sim_unix_listen(const char *path);  /* descriptor or negative errno */
int sim_unix_connect(const char *path); /* descriptor or negative errno */

#endif

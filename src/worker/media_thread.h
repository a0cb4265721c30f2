/* A media thread: its own libre loop, a mailbox, and a tick every 10 ms that
 * serves all its calls at once. */
#ifndef WORKER_MEDIA_THREAD_H
#define WORKER_MEDIA_THREAD_H

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/re.h"

#define MEDIA_TICK_MS 10

struct media_thread;

/* Something that is served on every tick of a thread; embed and fill. */
struct media_ticker {
	struct le le;
	void (*tick)(usec_t now, void *arg);
	void *arg;
};

int media_thread_new(struct media_thread **tp);
/* Runs what was posted, then ends the thread. */
void media_thread_free(struct media_thread **tp);
/* From any thread: fn(arg) on the media thread. */
int media_thread_post(struct media_thread *t, mailbox_h *fn, void *arg);
/* On the media thread only. */
void media_thread_add(struct media_thread *t, struct media_ticker *k);
void media_thread_remove(struct media_ticker *k);

#endif

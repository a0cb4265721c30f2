#include "media/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/pcapng.h"
#include "media/rtp.h"

/* The media of a call, both legs and ways, in 100 ms: under 20 KiB; a SIP
 * message may have 64 KiB. Powers of two. */
#define RING_BYTES (128U * 1024)
#define PERIOD_NS 100000000L
/* A file that nobody looks at must not fill the disk. */
#define FILE_MAX (256L * 1024 * 1024)
#define RTP_FIXED_BYTES 12

static const struct {
	const char *name, *description;
} interfaces[] = {
	[CAPTURE_SIP] = {"sip", "SIP over UDP"},
	[CAPTURE_SIP_STREAM] = {"sip-stream",
				"SIP over TCP, TLS or WebSocket, decrypted and "
				"written as UDP"},
	[CAPTURE_RTP] = {"rtp", "RTP and RTCP of the SIP leg"},
	[CAPTURE_SRTP] = {"srtp", "RTP and RTCP of the SIP leg, which were "
				  "SRTP, decrypted"},
	[CAPTURE_TELEGRAM] = {"telegram",
			      "RTP and RTCP of the Telegram leg, decrypted; "
			      "gateway 192.0.2.1, Telegram user 192.0.2.2"},
};

/* What stands in the ring before the data. */
struct item {
	struct wall at;
	uint32_t kind;
	uint32_t length, kept;
	struct sa src, dst;
};

/* One thread puts in, one takes out. */
struct ring {
	_Atomic size_t put, taken; /* bytes ever */
	uint8_t bytes[RING_BYTES];
};

struct capture {
	struct capture *next; /* the writer's */
	struct capture_writer *writer;
	bool full;
	int fd;
	long written;
	_Atomic uint64_t packets, dropped;
	_Atomic bool closed;
	struct ring control, media;
};

struct capture_writer {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	struct capture *captures;
	bool stopping;
};

/* -- ring ------------------------------------------------------------------ */

static void ring_copy_in(struct ring *r, size_t at, const void *data, size_t n)
{
	size_t i = at % RING_BYTES, first = RING_BYTES - i;

	if (first > n)
		first = n;
	memcpy(r->bytes + i, data, first);
	memcpy(r->bytes, (const uint8_t *)data + first, n - first);
}

static void ring_copy_out(void *dst, const struct ring *r, size_t at, size_t n)
{
	size_t i = at % RING_BYTES, first = RING_BYTES - i;

	if (first > n)
		first = n;
	memcpy(dst, r->bytes + i, first);
	memcpy((uint8_t *)dst + first, r->bytes, n - first);
}

static bool ring_put(struct ring *r, const struct item *item, const void *data)
{
	size_t put = atomic_load_explicit(&r->put, memory_order_relaxed);
	size_t taken = atomic_load_explicit(&r->taken, memory_order_acquire);
	size_t n = sizeof(*item) + item->kept;

	if (RING_BYTES - (put - taken) < n)
		return false;
	ring_copy_in(r, put, item, sizeof(*item));
	if (item->kept)
		ring_copy_in(r, put + sizeof(*item), data, item->kept);
	atomic_store_explicit(&r->put, put + n, memory_order_release);
	return true;
}

/* How much of it is kept: of speech nothing, when only headers are wanted. */
static size_t kept_of(const struct capture *c, const struct capture_packet *p)
{
	bool sip = p->kind == CAPTURE_SIP || p->kind == CAPTURE_SIP_STREAM;

	if (c->full || sip || rtp_is_rtcp(p->data) ||
	    p->data.n < RTP_FIXED_BYTES)
		return p->data.n;
	return RTP_FIXED_BYTES;
}

static void ring_take(struct capture *c, struct ring *r,
		      const struct capture_packet *p)
{
	struct item item = {
		.at = p->at,
		.kind = p->kind,
		.length = (uint32_t)p->data.n,
		.kept = (uint32_t)kept_of(c, p),
		.src = p->src,
		.dst = p->dst,
	};

	if (ring_put(r, &item, p->data.p))
		atomic_fetch_add_explicit(&c->packets, 1, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&c->dropped, 1, memory_order_relaxed);
}

void capture_control(struct capture *c, const struct capture_packet *p)
{
	ring_take(c, &c->control, p);
}

void capture_media(struct capture *c, const struct capture_packet *p)
{
	ring_take(c, &c->media, p);
}

void capture_count(const struct capture *c, struct capture_counts *n)
{
	n->packets = atomic_load_explicit(&c->packets, memory_order_relaxed);
	n->dropped = atomic_load_explicit(&c->dropped, memory_order_relaxed);
}

/* -- the writer's thread --------------------------------------------------- */

static void file_write(struct capture *c, const struct buf *out)
{
	size_t done = 0;

	while (c->fd >= 0 && done < out->n) {
		ssize_t n = write(c->fd, out->p + done, out->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) { /* the disk is full, say: the rest is lost */
			(void)close(c->fd);
			c->fd = -1;
			return;
		}
		done += (size_t)n;
	}
	c->written += (long)out->n;
}

static void item_write(struct buf *out, struct capture *c,
		       const struct item *item, const uint8_t *data)
{
	const struct pcapng_packet p = {
		.interface = item->kind,
		.at = item->at,
		.src = item->src,
		.dst = item->dst,
		.data = bytes_of(data, item->kept),
		.length = item->length,
	};

	if (c->fd < 0 || c->written + (long)out->n > FILE_MAX ||
	    pcapng_write_packet(out, &p)) {
		atomic_fetch_add_explicit(&c->dropped, 1, memory_order_relaxed);
		atomic_fetch_sub_explicit(&c->packets, 1, memory_order_relaxed);
	}
}

/* The next packet of a ring; false: it is empty. data has RING_BYTES. */
static bool ring_next(struct ring *r, struct item *item, uint8_t *data)
{
	size_t put = atomic_load_explicit(&r->put, memory_order_acquire);
	size_t taken = atomic_load_explicit(&r->taken, memory_order_relaxed);

	if (put == taken)
		return false;
	ring_copy_out(item, r, taken, sizeof(*item));
	ring_copy_out(data, r, taken + sizeof(*item), item->kept);
	atomic_store_explicit(&r->taken, taken + sizeof(*item) + item->kept,
			      memory_order_release);
	return true;
}

static void capture_drain(struct capture *c, uint8_t *data)
{
	struct item item;
	struct buf out;

	buf_init(&out);
	while (ring_next(&c->control, &item, data) ||
	       ring_next(&c->media, &item, data))
		item_write(&out, c, &item, data);
	file_write(c, &out);
	buf_clear(&out);
}

static void capture_free(struct capture *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c);
}

/* One round over all captures; those that are closed are taken off. */
static void round_make(struct capture_writer *w, uint8_t *data)
{
	struct capture **at = &w->captures;

	/* Only this thread takes captures off, only the control thread puts
	 * them on, in front. */
	pthread_mutex_lock(&w->lock);
	while (*at) {
		struct capture *c = *at;
		bool closed =
			atomic_load_explicit(&c->closed, memory_order_acquire);

		pthread_mutex_unlock(&w->lock);
		capture_drain(c, data);
		pthread_mutex_lock(&w->lock);
		/* A new one may have come in front meanwhile. */
		for (at = &w->captures; *at != c; at = &(*at)->next)
			;
		if (closed) {
			*at = c->next;
			capture_free(c);
		} else {
			at = &c->next;
		}
	}
	pthread_mutex_unlock(&w->lock);
}

static void *writer_run(void *arg)
{
	struct capture_writer *w = arg;
	uint8_t *data = malloc(RING_BYTES);
	const struct timespec period = {.tv_nsec = PERIOD_NS};

	pthread_mutex_lock(&w->lock);
	while (data && (!w->stopping || w->captures)) {
		if (!w->captures) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		round_make(w, data);
		(void)nanosleep(&period, NULL);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	free(data);
	return NULL;
}

int capture_writer_new(struct capture_writer **wp)
{
	struct capture_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	if (pthread_create(&w->thread, NULL, writer_run, w)) {
		pthread_cond_destroy(&w->wake);
		pthread_mutex_destroy(&w->lock);
		free(w);
		return -EAGAIN;
	}
	*wp = w;
	return 0;
}

void capture_writer_free(struct capture_writer **wp)
{
	struct capture_writer *w = *wp;

	if (!w)
		return;
	*wp = NULL;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	while (w->captures) { /* the thread had no memory */
		struct capture *c = w->captures;

		w->captures = c->next;
		capture_free(c);
	}
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* -- open, close ----------------------------------------------------------- */

static void head_write(struct capture *c)
{
	struct buf out;

	buf_init(&out);
	pcapng_write_section(&out);
	for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++)
		pcapng_write_interface(&out, interfaces[i].name,
				       interfaces[i].description);
	file_write(c, &out);
	buf_clear(&out);
}

int capture_open(struct capture **cp, struct capture_writer *w,
		 const char *path, bool full)
{
	struct capture *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->writer = w;
	c->full = full;
	c->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	if (c->fd < 0) {
		err = -errno;
		free(c);
		return err;
	}
	head_write(c);
	pthread_mutex_lock(&w->lock);
	c->next = w->captures;
	w->captures = c;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	*cp = c;
	return 0;
}

void capture_close(struct capture **cp)
{
	struct capture *c = *cp;

	*cp = NULL;
	if (c)
		atomic_store_explicit(&c->closed, true, memory_order_release);
}

/* Files of this machine, sent and received: `file send`, `file receive`. The
 * file at `path` is read and written by this process, part by part. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/text.h"
#include "storage/message_core.h"
#include "telegram/voice.h"

struct transfer {
	struct le le;
	struct message_request *request;
	int fd;
	char *path; /* of a file being received: removed unless it is whole */
	struct tg_upload *up;
	struct tg_download *down;
	int seconds; /* of a voice message */
};

static void transfer_destroy(void *arg)
{
	struct transfer *t = arg;

	list_unlink(&t->le);
	tg_upload_cancel(&t->up);
	tg_download_cancel(&t->down);
	if (t->fd >= 0)
		close(t->fd);
	if (t->path)
		unlink(t->path);
	mem_deref(t->path);
}

static struct transfer *transfer_new(struct message_request *r)
{
	struct transfer *t = mem_zalloc(sizeof(*t), transfer_destroy);

	if (!t)
		return NULL;
	t->fd = -1;
	t->request = r;
	list_append(&r->storage->transfers, &t->le, t);
	return t;
}

void storage_transfers_drop(struct storage *s)
{
	struct le *le;

	while ((le = list_head(&s->transfers)) != NULL) {
		struct transfer *t = le->data;

		message_failed(t->request, 503, "STOPPED");
		mem_deref(t);
	}
}

static void transfer_fail(struct transfer *t, const struct mtp_error *err)
{
	message_failed(t->request, err->code, err->text);
	mem_deref(t);
}

/* -- up -------------------------------------------------------------------- */

static int on_read(uint8_t *dst, size_t n, int64_t offset, void *arg)
{
	struct transfer *t = arg;

	while (n) {
		ssize_t k = pread(t->fd, dst, n, offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? -errno : -ENODATA;
		dst += k;
		n -= (size_t)k;
		offset += k;
	}
	return 0;
}

static size_t levels_of(uint8_t levels[VOICE_LEVELS_MAX], json_t *list)
{
	size_t n = 0, i;
	json_t *v;

	json_array_foreach(list, i, v) if (n < VOICE_LEVELS_MAX) levels[n++] =
		(uint8_t)json_integer_value(v);
	return n;
}

static void on_uploaded(const struct mtp_error *err,
			const struct tg_uploaded *file, void *arg)
{
	struct transfer *t = arg;
	struct message_request *r = t->request;
	uint8_t levels[VOICE_LEVELS_MAX];
	const char *mime = text_of(r->q, "mime");
	struct tg_attachment attachment = {
		.file = file,
		.mime = *mime ? mime : NULL,
		.voice = json_is_true(json_object_get(r->q, "voice")),
		.duration_s = t->seconds,
		.levels = levels,
		.levels_n = levels_of(levels, json_object_get(r->q, "levels")),
	};
	struct draft_json d;
	int fail;

	t->up = NULL;
	if (err) {
		transfer_fail(t, err);
		return;
	}
	fail = draft_of(&d, r->q, "caption");
	if (!fail)
		fail = tg_file_send(r->session->account, &r->to, &attachment,
				    &d.draft, message_on_sent, r);
	draft_clear(&d);
	if (fail)
		message_refused(r, fail);
	mem_deref(t);
}

/* The file's head and tail tell how long it lasts. */
static int seconds_read(struct transfer *t, int64_t size)
{
	size_t n = size < VOICE_TAIL ? (size_t)size : VOICE_TAIL;
	uint8_t *head = malloc(n), *tail = malloc(n);
	int err = head && tail ? 0 : -ENOMEM;

	if (!err)
		err = on_read(head, n, 0, t);
	if (!err)
		err = on_read(tail, n, size - (int64_t)n, t);
	if (!err)
		err = voice_ogg_duration(&t->seconds, bytes_of(head, n),
					 bytes_of(tail, n));
	free(head);
	free(tail);
	return err;
}

static int file_open(struct transfer *t, const char *path, int64_t *size)
{
	struct stat st;

	t->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0 || fstat(t->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*size = st.st_size;
	return 0;
}

int file_send_run(struct message_request *r)
{
	const char *path = text_of(r->q, "path"), *name = text_of(r->q, "name");
	const char *slash = strrchr(path, '/');
	struct tg_upload_conf conf = {
		.name = *name   ? name
			: slash ? slash + 1
				: path,
		.read = on_read,
		.done = on_uploaded,
	};
	struct transfer *t = transfer_new(r);
	int err = t ? file_open(t, path, &conf.size) : -ENOMEM;

	if (!err && json_is_true(json_object_get(r->q, "voice")))
		err = seconds_read(t, conf.size);
	if (err == -EBADMSG) {
		message_failed(r, 400, "VOICE_FORMAT_INVALID");
		mem_deref(t);
		return 0;
	}
	conf.arg = t;
	if (!err)
		err = tg_upload_start(&t->up, r->session->account, &conf);
	if (err)
		mem_deref(t);
	return err;
}

/* -- down ------------------------------------------------------------------ */

static int on_write(struct bytes data, int64_t offset, void *arg)
{
	struct transfer *t = arg;

	while (data.n) {
		ssize_t k = pwrite(t->fd, data.p, data.n, offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		data.p += k;
		data.n -= (size_t)k;
		offset += k;
	}
	return 0;
}

static void on_downloaded(const struct mtp_error *err, void *arg)
{
	struct transfer *t = arg;

	t->down = NULL;
	if (err) {
		transfer_fail(t, err);
		return;
	}
	t->path = mem_deref(t->path); /* it stays */
	message_reply(t->request, json_pack("{sb}", "ok", 1));
	mem_deref(t);
}

/* Never over a file that is there. */
static int file_create(struct transfer *t, const char *path)
{
	t->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (t->fd < 0)
		return -errno;
	return str_dup(&t->path, path) ? -ENOMEM : 0;
}

static void on_found(const struct mtp_error *err, const struct tg_message *list,
		     size_t n, void *arg)
{
	struct message_request *r = arg;
	struct tg_download_conf conf = {.write = on_write,
					.done = on_downloaded};
	struct transfer *t;
	int fail;

	if (err) {
		message_failed(r, err->code, err->text);
		return;
	}
	if (!n || !list[0].document) {
		message_failed(r, 404, "FILE_UNKNOWN");
		return;
	}
	conf.document = list[0].document;
	conf.message_id = list[0].id;
	t = transfer_new(r);
	conf.arg = t;
	fail = t ? file_create(t, text_of(r->q, "path")) : -ENOMEM;
	if (!fail)
		fail = tg_download_start(&t->down, r->session->account, &conf);
	if (!fail)
		return;
	mem_deref(t);
	message_refused(r, fail);
}

int file_receive_run(struct message_request *r)
{
	int32_t id = int_of(r->q, "id", 0);

	return tg_messages_get(r->session->account, &id, 1, on_found, r);
}

#include "sim/wav.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define HEADER_BYTES 44
#define FILE_BYTES_MAX (64u << 20)

static int file_load(struct buf *b, const char *path)
{
	uint8_t part[65536];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return -errno;
	while ((n = fread(part, 1, sizeof(part), f)) > 0 &&
	       b->n < FILE_BYTES_MAX)
		buf_put(b, part, n);
	fclose(f);
	return b->bad ? -ENOMEM : 0;
}

static int chunks_read(struct bytes *data, struct bytes file)
{
	struct rd r, fmt;
	bool good = false;

	rd_init(&r, file.p, file.n);
	if (!bytes_equal(rd_bytes(&r, 4), bytes_str("RIFF")))
		return -EBADMSG;
	rd_skip(&r, 8);
	while (r.n >= 8) {
		struct bytes name = rd_bytes(&r, 4);
		size_t n = rd_le32(&r);

		if (bytes_equal(name, bytes_str("data"))) {
			/* A writer that could not seek says any length. */
			*data = rd_bytes(&r, n < r.n ? n : r.n);
			return good ? 0 : -EBADMSG;
		}
		if (bytes_equal(name, bytes_str("fmt "))) {
			rd_init(&fmt, r.p, n < r.n ? n : r.n);
			good = rd_le16(&fmt) == 1 && rd_le16(&fmt) == 1 &&
			       rd_le32(&fmt) == WAV_RATE_HZ;
			rd_skip(&fmt, 6);
			good = good && rd_le16(&fmt) == 16 && !fmt.bad;
		}
		rd_skip(&r, n + n % 2);
	}
	return -EBADMSG;
}

int wav_read(int16_t **samples, size_t *n, const char *path)
{
	struct bytes data;
	struct buf b;
	int e;

	buf_init(&b);
	e = file_load(&b, path);
	if (e == 0)
		e = chunks_read(&data, buf_bytes(&b));
	if (e == 0 && data.n < 2)
		e = -EBADMSG;
	if (e == 0) {
		*n = data.n / 2;
		*samples = malloc(2 * *n);
		if (*samples)
			memcpy(*samples, data.p, 2 * *n);
		else
			e = -ENOMEM;
	}
	buf_clear(&b);
	return e;
}

static void header_write(struct wav_writer *w)
{
	uint32_t bytes = (uint32_t)(2 * w->samples);
	uint8_t h[HEADER_BYTES];

	memcpy(h, "RIFF....WAVEfmt ", 16);
	le32_store(h + 4, bytes + HEADER_BYTES - 8);
	le32_store(h + 16, 16);
	le32_store(h + 20, 1 | 1 << 16); /* PCM, one channel */
	le32_store(h + 24, WAV_RATE_HZ);
	le32_store(h + 28, 2 * WAV_RATE_HZ);
	le32_store(h + 32, 2 | 16 << 16); /* bytes a frame, bits a sample */
	memcpy(h + 36, "data", 4);
	le32_store(h + 40, bytes);
	fwrite(h, 1, sizeof(h), w->file);
}

int wav_open(struct wav_writer *w, const char *path)
{
	w->samples = 0;
	w->file = fopen(path, "wb");
	if (!w->file)
		return -errno;
	header_write(w);
	fflush(w->file);
	return 0;
}

void wav_put(struct wav_writer *w, const int16_t *samples, size_t n)
{
	fwrite(samples, 2, n, w->file);
	w->samples += n;
}

void wav_sync(struct wav_writer *w)
{
	fseek(w->file, 0, SEEK_SET);
	header_write(w);
	fseek(w->file, 0, SEEK_END);
	fflush(w->file);
}

void wav_close(struct wav_writer *w)
{
	if (!w->file)
		return;
	wav_sync(w);
	fclose(w->file);
	w->file = NULL;
}

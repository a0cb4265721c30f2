/* Files in parts, up and down, and sending them (telegram-wire C.4).
 *
 * The account's loop. A transfer keeps up to three parts under way and repeats
 * one that got no answer; its bytes are read and written by the caller's
 * functions, part by part, so a file is never in memory as a whole. `done` runs
 * exactly once, from the loop, and frees the transfer; a cancelled transfer
 * calls nothing any more. Cancel what runs before its account is freed.
 * Telegram's errors pass through: 420 FLOOD_WAIT_n ends a transfer, too.
 */
#ifndef TELEGRAM_FILES_H
#define TELEGRAM_FILES_H

#include "telegram/messages.h"

/* 4000 parts of 512 KiB. */
#define TG_FILE_MAX ((int64_t)4000 * 512 * 1024)

typedef void(tg_progress_h)(int64_t bytes, int64_t total, void *arg);

/* -- up -------------------------------------------------------------------- */

struct tg_upload;

/* A file that Telegram holds for some hours, to be sent. A value. */
struct tg_uploaded {
	int64_t id, size;
	int32_t parts;
	bool big;     /* over 10 MiB */
	char md5[33]; /* empty when big */
	char name[256];
};

struct tg_upload_conf {
	int64_t size;     /* 1 .. TG_FILE_MAX */
	const char *name; /* as the other side will see it; copied */
	/* Exactly n bytes from offset into dst: 0, else a negative errno that
	 * ends the upload: code, and its name, "EIO", as text. In order, each
	 * part once, the first inside tg_upload_start(). */
	int (*read)(uint8_t *dst, size_t n, int64_t offset, void *arg);
	tg_progress_h *progress; /* may be NULL */
	void (*done)(const struct mtp_error *err,
		     const struct tg_uploaded *file, void *arg);
	void *arg;
};

/* -EINVAL: empty; -EFBIG; -ENOTCONN, -ENOMEM. */
int tg_upload_start(struct tg_upload **up, struct tg_account *a,
		    const struct tg_upload_conf *conf);
/* Sets NULL; NULL is accepted. Not after done. */
void tg_upload_cancel(struct tg_upload **up);

struct tg_attachment {
	const struct tg_uploaded *file;
	const char *mime; /* NULL: application/octet-stream; voice: audio/ogg */
	bool voice;       /* Opus in Ogg, 48 kHz mono */
	int duration_s;   /* of voice */
	/* Loudness over time for the picture of a voice message, 0..31 each,
	 * about 100 of them; or none. */
	const uint8_t *levels;
	size_t levels_n;
};

/* draft: the caption (text NULL: none, at most 1024 UTF-16 units), keyboard,
 * reply_to, silent, random_id. Rules of tg_message_send(). Telegram: 400
 * FILE_PART_n_MISSING (it was forgotten: upload again), MD5_CHECKSUM_INVALID,
 * VOICE_MESSAGES_FORBIDDEN. */
int tg_file_send(struct tg_account *a, const struct tg_user *to,
		 const struct tg_attachment *attachment,
		 const struct tg_draft *draft, tg_sent_h *done, void *arg);

/* -- down ------------------------------------------------------------------ */

struct tg_download;

struct tg_download_conf {
	const struct tg_document *document; /* copied */
	/* The message it stands in: an expired reference is renewed from there,
	 * once. 0: it is not, 400 FILE_REFERENCE_EXPIRED ends the download. */
	int32_t message_id;
	/* In order, without gaps: 0, else a negative errno that ends the
	 * download, as above. */
	int (*write)(struct bytes data, int64_t offset, void *arg);
	tg_progress_h *progress; /* may be NULL */
	/* err NULL: all of the document's size was written. */
	void (*done)(const struct mtp_error *err, void *arg);
	void *arg;
};

/* Follows FILE_MIGRATE_X. Ours: 500 "FILE_SHORT", fewer bytes than told.
 * -EINVAL: no document; -ENOTCONN, -EHOSTUNREACH (no address of its data
 * centre), -ENOMEM. */
int tg_download_start(struct tg_download **dp, struct tg_account *a,
		      const struct tg_download_conf *conf);
void tg_download_cancel(struct tg_download **dp);

#endif

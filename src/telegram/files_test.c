/* Files in parts, up and down, over a stand-in for the MTProto engine
 * (account_world.h). */
#include "telegram/files.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "telegram/account_world.h"
#include "tests/check.h"

#define PART (128 * 1024)
#define SIZE (4 * PART + 5)

static struct world w;
static uint8_t *source, *copy;
static int64_t progressed, written;
static unsigned done_n, sent_n, reads;
static int code, fail_read, fail_write;
static char text[64];
static struct tg_uploaded uploaded;
static struct tg_upload *up;
static struct tg_download *down;

static void take(const struct mtp_error *err)
{
	done_n++;
	code = err ? err->code : 0;
	snprintf(text, sizeof(text), "%s", err ? err->text : "");
}

static int on_read(uint8_t *dst, size_t n, int64_t offset, void *arg)
{
	reads++;
	memcpy(dst, source + offset, n);
	return fail_read;
}

static int on_write(struct bytes data, int64_t offset, void *arg)
{
	if (offset != written)
		return -EBADE; /* not in order */
	memcpy(copy + offset, data.p, data.n);
	written += (int64_t)data.n;
	return fail_write;
}

static void on_progress(int64_t bytes, int64_t total, void *arg)
{
	progressed = bytes;
}

static void on_uploaded(const struct mtp_error *err,
			const struct tg_uploaded *file, void *arg)
{
	up = NULL;
	take(err);
	if (file)
		uploaded = *file;
}

static void on_downloaded(const struct mtp_error *err, void *arg)
{
	down = NULL;
	take(err);
}

static void on_sent(const struct mtp_error *err, const struct tg_message *m,
		    void *arg)
{
	sent_n++;
	take(err);
}

static bool opened(void)
{
	done_n = sent_n = reads = 0;
	code = -1;
	fail_read = fail_write = 0;
	progressed = written = 0;
	for (size_t i = 0; i < SIZE; i++)
		source[i] = (uint8_t)(i * 31 + i / PART);
	memset(copy, 0, SIZE);
	return make_ready(&w);
}

static struct tl_obj *yes(void)
{
	return tl_new(&w.arena, TL_boolTrue);
}

/* -- up -------------------------------------------------------------------- */

static int upload(int64_t size)
{
	struct tg_upload_conf conf = {.size = size,
				      .name = "f.bin",
				      .read = on_read,
				      .progress = on_progress,
				      .done = on_uploaded};

	return tg_upload_start(&up, w.account, &conf);
}

static void test_upload_in_parts_of_one_size(void)
{
	struct tl_obj *q;

	CHECK(opened());
	CHECK_INT(upload(SIZE), 0);
	/* No more than three are under way. */
	CHECK_INT(engine->queries_n, 3);
	for (int32_t i = 0; i < 5; i++) {
		q = asked(&w, TL_upload_saveFilePart);
		CHECK_INT(tl_int(q, TL_upload_saveFilePart_file_part), i);
		CHECK(bytes_equal(
			tl_bytes(q, TL_upload_saveFilePart_bytes),
			bytes_of(source + i * PART, i < 4 ? PART : 5)));
		CHECK_INT(done_n, 0);
		CHECK(answer(&w, TL_upload_saveFilePart, yes()));
	}
	CHECK_INT(done_n, 1);
	CHECK_INT(code, 0);
	CHECK_INT(progressed, SIZE);
	CHECK_INT(reads, 5);
	CHECK_INT(uploaded.parts, 5);
	CHECK(!uploaded.big);
	CHECK_INT(strlen(uploaded.md5), 32);
	world_close(&w);
}

static void test_upload_over_ten_megabytes_is_big(void)
{
	struct tl_obj *q;

	CHECK(opened());
	free(source);
	source = calloc(1, 11 << 20);
	CHECK_INT(upload((10 << 20) + 1), 0);
	q = asked(&w, TL_upload_saveBigFilePart);
	CHECK_INT(tl_int(q, TL_upload_saveBigFilePart_file_total_parts), 81);
	for (int i = 0; i < 81; i++)
		CHECK(answer(&w, TL_upload_saveBigFilePart, yes()));
	CHECK(uploaded.big);
	CHECK_STR(uploaded.md5, "");
	CHECK_INT(upload(10 << 20), 0);
	CHECK(asked(&w, TL_upload_saveFilePart) != NULL);
	tg_upload_cancel(&up);
	world_close(&w);
}

static void test_upload_md5_is_of_the_bytes(void)
{
	CHECK(opened());
	memcpy(source, "abc", 3);
	CHECK_INT(upload(3), 0);
	CHECK(answer(&w, TL_upload_saveFilePart, yes()));
	/* RFC 1321 A.5 */
	CHECK_STR(uploaded.md5, "900150983cd24fb0d6963f7d28e17f72");
	world_close(&w);
}

static void test_upload_limits(void)
{
	CHECK(opened());
	CHECK_INT(upload(0), -EINVAL);
	CHECK_INT(upload(TG_FILE_MAX + 1), -EFBIG);
	fail_read = -EIO;
	CHECK_INT(upload(5), -EIO);
	CHECK_INT(done_n, 0);
	world_close(&w);
}

static void test_upload_ends_with_what_went_wrong(void)
{
	CHECK(opened());
	CHECK_INT(upload(SIZE), 0);
	CHECK(refuse(&w, TL_upload_saveFilePart, 420, "FLOOD_WAIT_9"));
	CHECK_INT(done_n, 1);
	CHECK_STR(text, "FLOOD_WAIT_9");
	/* The answers to the others change nothing. */
	CHECK(answer(&w, TL_upload_saveFilePart, yes()));
	CHECK(refuse(&w, TL_upload_saveFilePart, 400, "FILE_PART_INVALID"));
	CHECK_INT(done_n, 1);
	CHECK_INT(upload(SIZE), 0);
	fail_read = -EIO;
	CHECK(answer(&w, TL_upload_saveFilePart, yes()));
	CHECK_INT(done_n, 2);
	CHECK_INT(code, -EIO);
	CHECK_STR(text, "EIO");
	world_close(&w);
}

static bool part_asked(struct world *world)
{
	return asked(world, TL_upload_saveFilePart) != NULL;
}

static void test_upload_part_is_repeated(void)
{
	struct tl_obj *q;

	CHECK(opened());
	CHECK_INT(upload(5), 0);
	CHECK(refuse(&w, TL_upload_saveFilePart, 408, "TIMEOUT"));
	CHECK_INT(done_n, 0);
	CHECK(!part_asked(&w));
	CHECK(run(&w, part_asked)); /* after a second */
	q = asked(&w, TL_upload_saveFilePart);
	CHECK_INT(tl_bytes(q, TL_upload_saveFilePart_bytes).n, 5);
	CHECK_INT(reads, 1);
	CHECK(answer(&w, TL_upload_saveFilePart, yes()));
	CHECK_INT(done_n, 1);
	CHECK_INT(code, 0);
	world_close(&w);
}

static void test_upload_cancelled_and_closed(void)
{
	CHECK(opened());
	CHECK_INT(upload(SIZE), 0);
	tg_upload_cancel(&up);
	CHECK(up == NULL);
	CHECK(answer(&w, TL_upload_saveFilePart, yes()));
	CHECK_INT(done_n, 0);
	tg_upload_cancel(&up);
	CHECK_INT(upload(SIZE), 0);
	world_close(&w);
	/* Told once, however many parts were under way. */
	CHECK_INT(done_n, 1);
	CHECK_STR(text, "CLOSED");
}

/* -- sending --------------------------------------------------------------- */

static void test_file_is_sent_as_document_or_voice(void)
{
	static const uint8_t levels[] = {31, 0, 1};
	struct tg_user anna = {.id = 222, .access_hash = 223};
	struct tg_uploaded f = {
		.id = 9, .parts = 2, .size = 7, .name = "f.bin"};
	struct tg_attachment m = {.file = &f};
	struct tg_draft d = {.text = "*see*"};
	char caption[1026] = "";
	struct tl_obj *q, *media, *o;

	CHECK(opened());
	CHECK_INT(tg_file_send(w.account, &anna, &m, &d, on_sent, NULL), 0);
	q = asked(&w, TL_messages_sendMedia);
	media = tl_child(q, TL_messages_sendMedia_media);
	o = tl_child(media, TL_inputMediaUploadedDocument_file);
	CHECK_INT(tl_int(o, TL_inputFile_parts), 2);
	CHECK(tl_has(media, TL_inputMediaUploadedDocument_force_file));
	o = tl_item(media, TL_inputMediaUploadedDocument_attributes, 0);
	CHECK(bytes_equal(tl_bytes(o, TL_documentAttributeFilename_file_name),
			  bytes_str("f.bin")));
	CHECK_INT(tl_count(q, TL_messages_sendMedia_entities), 1);
	CHECK(refuse(&w, TL_messages_sendMedia, 400, "FILE_PART_1_MISSING"));
	CHECK_STR(text, "FILE_PART_1_MISSING");
	m.voice = true;
	m.duration_s = 4;
	m.levels = levels;
	m.levels_n = 3;
	f.big = true;
	d.text = NULL;
	CHECK_INT(tg_file_send(w.account, &anna, &m, &d, on_sent, NULL), 0);
	media = tl_child(asked(&w, TL_messages_sendMedia),
			 TL_messages_sendMedia_media);
	CHECK(tl_is(tl_child(media, TL_inputMediaUploadedDocument_file),
		    TL_inputFileBig));
	CHECK(bytes_equal(
		tl_bytes(media, TL_inputMediaUploadedDocument_mime_type),
		bytes_str("audio/ogg")));
	o = tl_item(media, TL_inputMediaUploadedDocument_attributes, 0);
	CHECK(tl_has(o, TL_documentAttributeAudio_voice));
	CHECK_INT(tl_int(o, TL_documentAttributeAudio_duration), 4);
	CHECK_MEM(tl_bytes(o, TL_documentAttributeAudio_waveform).p, "\x1f\x04",
		  2);
	memset(caption, 'c', 1025);
	d.text = caption;
	CHECK_INT(tg_file_send(w.account, &anna, &m, &d, on_sent, NULL),
		  -EMSGSIZE);
	world_close(&w);
	CHECK_INT(sent_n, 2);
}

/* -- down ------------------------------------------------------------------ */

static int download(int64_t size, int dc, int32_t message_id)
{
	struct tg_document d = {.id = 5,
				.access_hash = 6,
				.dc_id = dc,
				.size = size,
				.reference = bytes_str("old")};
	struct tg_download_conf conf = {.document = &d,
					.message_id = message_id,
					.write = on_write,
					.progress = on_progress,
					.done = on_downloaded};

	return tg_download_start(&down, w.account, &conf);
}

/* The answer to the query that is asked first. */
static bool give(size_t n)
{
	struct tl_obj *q = asked(&w, TL_upload_getFile);
	struct tl_obj *o = tl_new(&w.arena, TL_upload_file);
	int64_t offset = tl_long(q, TL_upload_getFile_offset);

	tl_set_child(o, TL_upload_file_type,
		     tl_new(&w.arena, TL_storage_fileUnknown));
	tl_set_int(o, TL_upload_file_mtime, 0);
	tl_set_bytes(o, TL_upload_file_bytes, source + offset, n);
	return q && answer(&w, TL_upload_getFile, o);
}

static void test_download_in_chunks_within_the_borders(void)
{
	CHECK(opened());
	CHECK_INT(download(SIZE, 1, 0), 0);
	CHECK_INT(engine->queries_n, 3);
	for (int i = 0; i < 5; i++) {
		struct tl_obj *q = asked(&w, TL_upload_getFile);
		int64_t offset = tl_long(q, TL_upload_getFile_offset);
		int32_t limit = tl_int(q, TL_upload_getFile_limit);

		CHECK_INT(offset % 4096, 0);
		CHECK_INT(limit % 4096, 0);
		CHECK_INT(offset >> 20, (offset + limit - 1) >> 20);
		CHECK_INT(done_n, 0);
		CHECK(give(i < 4 ? PART : 5));
	}
	CHECK_INT(done_n, 1);
	CHECK_INT(code, 0);
	CHECK_INT(progressed, SIZE);
	CHECK_MEM(copy, source, SIZE);
	world_close(&w);
}

static bool chunk_asked(struct world *world)
{
	return asked(world, TL_upload_getFile) != NULL;
}

/* A chunk that has to be asked for again holds back those behind it. */
static void test_download_writes_in_order(void)
{
	CHECK(opened());
	CHECK_INT(download(2 * PART, 1, 0), 0);
	CHECK(refuse(&w, TL_upload_getFile, 408, "TIMEOUT"));
	CHECK(give(PART));
	CHECK_INT(written, 0);
	CHECK(run(&w, chunk_asked));
	CHECK(give(PART));
	CHECK_INT(done_n, 1);
	CHECK_INT(code, 0);
	CHECK_MEM(copy, source, 2 * PART);
	world_close(&w);
}

static void test_download_short_and_refused(void)
{
	CHECK(opened());
	CHECK_INT(download(10, 1, 0), 0);
	CHECK(give(9));
	CHECK_STR(text, "FILE_SHORT");
	CHECK_INT(download(10, 1, 0), 0);
	CHECK(give(11));
	CHECK_STR(text, "FILE_SHORT");
	CHECK_INT(download(10, 1, 0), 0);
	CHECK(refuse(&w, TL_upload_getFile, 400, "LOCATION_INVALID"));
	CHECK_STR(text, "LOCATION_INVALID");
	CHECK_INT(download(10, 1, 0), 0);
	fail_write = -ENOSPC;
	CHECK(give(10));
	CHECK_STR(text, "ENOSPC");
	CHECK_INT(done_n, 4);
	CHECK_INT(download(-1, 1, 0), -EINVAL);
	world_close(&w);
}

static bool ended(struct world *world)
{
	return done_n > 0;
}

static void test_download_of_nothing(void)
{
	CHECK(opened());
	CHECK_INT(download(0, 1, 0), 0);
	CHECK_INT(done_n, 0);
	CHECK(run(&w, ended));
	CHECK_INT(code, 0);
	CHECK(!chunk_asked(&w));
	world_close(&w);
}

static struct tl_obj *message_with_file(const char *reference)
{
	struct tl_obj *list = tl_new(&w.arena, TL_messages_messages);
	struct tl_obj *m = tl_new(&w.arena, TL_message);
	struct tl_obj *peer = tl_new(&w.arena, TL_peerUser);
	struct tl_obj *media = tl_new(&w.arena, TL_messageMediaDocument);
	struct tl_obj *d = tl_new(&w.arena, TL_document);

	tl_set_long(d, TL_document_id, 5);
	tl_set_long(d, TL_document_access_hash, 6);
	tl_set_str(d, TL_document_file_reference, reference);
	tl_set_int(d, TL_document_date, 1);
	tl_set_str(d, TL_document_mime_type, "x/y");
	tl_set_long(d, TL_document_size, 10);
	tl_set_int(d, TL_document_dc_id, 1);
	tl_set_vector(&w.arena, d, TL_document_attributes, 0);
	tl_set_child(media, TL_messageMediaDocument_document, d);
	tl_set_long(peer, TL_peerUser_user_id, 222);
	tl_set_int(m, TL_message_id, 7);
	tl_set_child(m, TL_message_peer_id, peer);
	tl_set_int(m, TL_message_date, 1);
	tl_set_str(m, TL_message_message, "");
	tl_set_child(m, TL_message_media, media);
	tl_set_vector(&w.arena, list, TL_messages_messages_messages, 1);
	tl_put_obj(list, TL_messages_messages_messages, 0, m);
	tl_set_vector(&w.arena, list, TL_messages_messages_topics, 0);
	tl_set_vector(&w.arena, list, TL_messages_messages_chats, 0);
	tl_set_vector(&w.arena, list, TL_messages_messages_users, 0);
	return list;
}

static void test_download_renews_the_reference_once(void)
{
	struct tl_obj *at;

	CHECK(opened());
	CHECK_INT(download(10, 1, 7), 0);
	CHECK(refuse(&w, TL_upload_getFile, 400, "FILE_REFERENCE_EXPIRED"));
	CHECK_INT(done_n, 0);
	CHECK(answer(&w, TL_messages_getMessages, message_with_file("new")));
	CHECK(run(&w, chunk_asked));
	at = tl_child(asked(&w, TL_upload_getFile), TL_upload_getFile_location);
	CHECK(bytes_equal(
		tl_bytes(at, TL_inputDocumentFileLocation_file_reference),
		bytes_str("new")));
	CHECK(refuse(&w, TL_upload_getFile, 400, "FILE_REFERENCE_EXPIRED"));
	CHECK_INT(done_n, 1);
	CHECK_STR(text, "FILE_REFERENCE_EXPIRED");
	/* Without a message there is nothing to renew it from. */
	CHECK_INT(download(10, 1, 0), 0);
	CHECK(refuse(&w, TL_upload_getFile, 400, "FILE_REFERENCE_EXPIRED"));
	CHECK_INT(done_n, 2);
	world_close(&w);
}

static bool carried(struct world *world)
{
	return look_at(1) && asked(world, TL_auth_exportAuthorization);
}

static void test_download_follows_the_file(void)
{
	CHECK(opened());
	CHECK_INT(download(10, 9, 0), -EHOSTUNREACH);
	CHECK_INT(download(10, 1, 0), 0);
	CHECK(refuse(&w, TL_upload_getFile, 303, "FILE_MIGRATE_2"));
	CHECK_INT(done_n, 0);
	/* The log-in is carried there first (branch.h). */
	CHECK(run(&w, carried));
	tg_download_cancel(&down);
	world_close(&w);
	CHECK_INT(done_n, 0);
}

static void test_download_cancelled_and_closed(void)
{
	CHECK(opened());
	CHECK_INT(download(SIZE, 1, 0), 0);
	tg_download_cancel(&down);
	CHECK(give(PART));
	CHECK_INT(done_n, 0);
	CHECK_INT(written, 0);
	CHECK_INT(download(SIZE, 1, 0), 0);
	world_close(&w);
	CHECK_INT(done_n, 1);
	CHECK_STR(text, "CLOSED");
}

int main(void)
{
	if (libre_init())
		return 1;
	log_set_level(LOG_LEVEL_ERROR);
	source = malloc(SIZE);
	copy = malloc(SIZE);
	RUN(test_upload_in_parts_of_one_size);
	RUN(test_upload_over_ten_megabytes_is_big);
	RUN(test_upload_md5_is_of_the_bytes);
	RUN(test_upload_limits);
	RUN(test_upload_ends_with_what_went_wrong);
	RUN(test_upload_part_is_repeated);
	RUN(test_upload_cancelled_and_closed);
	RUN(test_file_is_sent_as_document_or_voice);
	RUN(test_download_in_chunks_within_the_borders);
	RUN(test_download_writes_in_order);
	RUN(test_download_short_and_refused);
	RUN(test_download_of_nothing);
	RUN(test_download_renews_the_reference_once);
	RUN(test_download_follows_the_file);
	RUN(test_download_cancelled_and_closed);
	free(source);
	free(copy);
	libre_close();
	return check_done();
}

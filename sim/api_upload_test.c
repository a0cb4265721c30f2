/* Files: parts, the documents they become, and reading them. */
#include "sim/document.h"
#include "sim/world_test.h"

static struct fixture x;
static uint8_t bytes_512k[512 * 1024 + 1];

static void open_two(void)
{
	fixture_open(&x);
	fake_login(&x.a, "9990000001");
	fake_login(&x.b, "9990000002");
	for (size_t i = 0; i < sizeof(bytes_512k); i++)
		bytes_512k[i] = (uint8_t)(i * 31 + i / 1024);
}

static void ask_part(int64_t id, int32_t part, size_t n)
{
	struct tl_obj *q = fake_new(&x.a, TL_upload_saveFilePart);

	tl_set_long(q, TL_upload_saveFilePart_file_id, id);
	tl_set_int(q, TL_upload_saveFilePart_file_part, part);
	tl_set_bytes(q, TL_upload_saveFilePart_bytes, bytes_512k, n);
	fake_ask(&x.a, q);
}

static void ask_big_part(int64_t id, int32_t part, int32_t total, size_t n)
{
	struct tl_obj *q = fake_new(&x.a, TL_upload_saveBigFilePart);

	tl_set_long(q, TL_upload_saveBigFilePart_file_id, id);
	tl_set_int(q, TL_upload_saveBigFilePart_file_part, part);
	tl_set_int(q, TL_upload_saveBigFilePart_file_total_parts, total);
	tl_set_bytes(q, TL_upload_saveBigFilePart_bytes, bytes_512k, n);
	fake_ask(&x.a, q);
}

static struct tl_obj *small_file(int64_t id, int32_t parts, const char *md5)
{
	struct tl_obj *o = fake_new(&x.a, TL_inputFile);

	tl_set_long(o, TL_inputFile_id, id);
	tl_set_int(o, TL_inputFile_parts, parts);
	tl_set_str(o, TL_inputFile_name, "f.bin");
	tl_set_str(o, TL_inputFile_md5_checksum, md5);
	return o;
}

static struct tl_obj *big_file(int64_t id, int32_t parts)
{
	struct tl_obj *o = fake_new(&x.a, TL_inputFileBig);

	tl_set_long(o, TL_inputFileBig_id, id);
	tl_set_int(o, TL_inputFileBig_parts, parts);
	tl_set_str(o, TL_inputFileBig_name, "f.bin");
	return o;
}

static void ask_send_file(struct tl_obj *file, bool voice, const char *caption)
{
	static int64_t random_id = 100;
	struct tl_obj *q = fake_new(&x.a, TL_messages_sendMedia);
	struct tl_obj *media = fake_new(&x.a, TL_inputMediaUploadedDocument);
	struct tl_obj *audio = fake_new(&x.a, TL_documentAttributeAudio);

	tl_set_child(media, TL_inputMediaUploadedDocument_file, file);
	tl_set_str(media, TL_inputMediaUploadedDocument_mime_type,
		   voice ? "audio/ogg" : "application/octet-stream");
	tl_set_vector(&x.a.arena, media,
		      TL_inputMediaUploadedDocument_attributes, voice ? 1 : 0);
	if (voice) {
		tl_set_true(audio, TL_documentAttributeAudio_voice);
		tl_set_int(audio, TL_documentAttributeAudio_duration, 3);
		tl_put_obj(media, TL_inputMediaUploadedDocument_attributes, 0,
			   audio);
	}
	tl_set_child(q, TL_messages_sendMedia_peer, fake_peer(&x.a, 1, 2));
	tl_set_child(q, TL_messages_sendMedia_media, media);
	tl_set_str(q, TL_messages_sendMedia_message, caption);
	tl_set_long(q, TL_messages_sendMedia_random_id, ++random_id);
	fake_ask(&x.a, q);
}

static struct tl_obj *received(void)
{
	struct tl_obj *m = tl_child(fake_update(&x.b, x.b.pushes - 1),
				    TL_updateNewMessage_message);

	return tl_child(tl_child(m, TL_message_media),
			TL_messageMediaDocument_document);
}

static void ask_get(const struct tl_obj *document, int64_t offset,
		    int32_t limit)
{
	struct tl_obj *q = fake_new(&x.b, TL_upload_getFile);
	struct tl_obj *at = fake_new(&x.b, TL_inputDocumentFileLocation);
	struct bytes reference = tl_bytes(document, TL_document_file_reference);

	tl_set_long(at, TL_inputDocumentFileLocation_id,
		    tl_long(document, TL_document_id));
	tl_set_long(at, TL_inputDocumentFileLocation_access_hash,
		    tl_long(document, TL_document_access_hash));
	tl_set_bytes(at, TL_inputDocumentFileLocation_file_reference,
		     reference.p, reference.n);
	tl_set_str(at, TL_inputDocumentFileLocation_thumb_size, "");
	tl_set_child(q, TL_upload_getFile_location, at);
	tl_set_long(q, TL_upload_getFile_offset, offset);
	tl_set_int(q, TL_upload_getFile_limit, limit);
	fake_ask(&x.b, q);
}

static void test_sim_upload_parts_are_checked(void)
{
	open_two();
	ask_part(1, 0, 0);
	CHECK_STR(x.a.text, "FILE_PART_EMPTY");
	ask_part(1, 0, 512 * 1024 + 1);
	CHECK_STR(x.a.text, "FILE_PART_TOO_BIG");
	ask_part(1, -1, 1);
	CHECK_STR(x.a.text, "FILE_PART_INVALID");
	ask_part(1, 4000, 1);
	CHECK_STR(x.a.text, "FILE_PART_INVALID");
	ask_big_part(1, 2, 2, 1024);
	CHECK_STR(x.a.text, "FILE_PART_INVALID");
	ask_big_part(1, 0, 0, 1024);
	CHECK_STR(x.a.text, "FILE_PARTS_INVALID");
	ask_big_part(1, 0, 2, 1024);
	CHECK_INT(x.a.code, 0);
	ask_big_part(1, 1, 3, 1024);
	CHECK_STR(x.a.text, "FILE_PARTS_INVALID");
	fixture_close(&x);
}

static void test_sim_upload_file_must_be_whole(void)
{
	open_two();
	ask_send_file(small_file(1, 1, ""), false, "");
	CHECK_STR(x.a.text, "FILE_PART_0_MISSING");
	ask_part(1, 0, 1024);
	ask_part(1, 2, 100);
	ask_send_file(small_file(1, 3, ""), false, "");
	CHECK_STR(x.a.text, "FILE_PART_1_MISSING");
	ask_part(1, 1, 512);
	ask_send_file(small_file(1, 3, ""), false, "");
	CHECK_STR(x.a.text, "FILE_PART_SIZE_CHANGED");
	ask_part(1, 1, 1024);
	ask_send_file(small_file(1, 3, "0123456789abcdef0123456789abcdef"),
		      false, "");
	CHECK_STR(x.a.text, "MD5_CHECKSUM_INVALID");
	ask_send_file(big_file(1, 3), false, "");
	CHECK_STR(x.a.text, "FILE_PARTS_INVALID");
	ask_send_file(small_file(1, 0, ""), false, "");
	CHECK_STR(x.a.text, "FILE_PARTS_INVALID");
	ask_send_file(small_file(1, 3, ""), false, "");
	CHECK_INT(x.a.code, 0);
	CHECK_INT(tl_long(received(), TL_document_size), 2148);
	/* A part size that does not divide 512 KiB. */
	ask_part(2, 0, 3072);
	ask_part(2, 1, 3072);
	ask_send_file(small_file(2, 2, ""), false, "");
	CHECK_STR(x.a.text, "FILE_PART_SIZE_INVALID");
	fixture_close(&x);
}

static void test_sim_upload_small_way_ends_at_ten_megabytes(void)
{
	open_two();
	for (int i = 0; i < 21; i++)
		ask_part(1, i, 512 * 1024);
	ask_send_file(small_file(1, 21, ""), false, "");
	CHECK_STR(x.a.text, "FILE_PARTS_INVALID");
	ask_send_file(small_file(1, 20, ""), false, "");
	CHECK_INT(x.a.code, 0);
	fixture_close(&x);
}

static void test_sim_file_is_read_in_chunks(void)
{
	struct tl_obj *d;

	open_two();
	ask_part(1, 0, 512 * 1024);
	ask_part(1, 1, 1);
	ask_send_file(small_file(1, 2, ""), false, "the caption");
	d = received();
	CHECK_INT(tl_long(d, TL_document_size), 512 * 1024 + 1);
	ask_get(d, 0, 512 * 1024);
	CHECK(tl_is(x.b.answer, TL_upload_file));
	CHECK(bytes_equal(tl_bytes(x.b.answer, TL_upload_file_bytes),
			  bytes_of(bytes_512k, 512 * 1024)));
	ask_get(d, 512 * 1024, 4096);
	CHECK_INT(tl_bytes(x.b.answer, TL_upload_file_bytes).n, 1);
	ask_get(d, 1024 * 1024, 4096);
	CHECK_INT(tl_bytes(x.b.answer, TL_upload_file_bytes).n, 0);
	ask_get(d, 1, 4096);
	CHECK_STR(x.b.text, "OFFSET_INVALID");
	ask_get(d, 0, 4095);
	CHECK_STR(x.b.text, "LIMIT_INVALID");
	ask_get(d, 0, 2 * 1024 * 1024);
	CHECK_STR(x.b.text, "LIMIT_INVALID");
	ask_get(d, 1024 * 1024 - 4096, 8192);
	CHECK_STR(x.b.text, "LIMIT_INVALID");
	fixture_close(&x);
}

static void test_sim_file_reference_and_data_centre(void)
{
	struct tl_obj *d;

	open_two();
	ask_part(1, 0, 4096);
	ask_send_file(small_file(1, 1, ""), false, "");
	d = received();
	tl_set_long(d, TL_document_access_hash, 1);
	ask_get(d, 0, 4096);
	CHECK_STR(x.b.text, "LOCATION_INVALID");
	d = received();
	tl_set_long(
		d, TL_document_access_hash,
		sim_document_access_hash(x.w, 2, tl_long(d, TL_document_id)));
	sim_documents_expire(x.w);
	ask_get(d, 0, 4096);
	CHECK_STR(x.b.text, "FILE_REFERENCE_EXPIRED");
	tl_set_bytes(d, TL_document_file_reference, "", 0);
	ask_get(d, 0, 4096);
	CHECK_STR(x.b.text, "FILE_REFERENCE_EMPTY");
	ask_part(2, 0, 4096);
	ask_send_file(small_file(2, 1, ""), false, "");
	x.b.s.dc = 4;
	ask_get(received(), 0, 4096);
	CHECK_STR(x.b.text, "FILE_MIGRATE_2");
	CHECK_INT(x.b.code, 303);
	fixture_close(&x);
}

static void test_sim_file_voice_and_caption(void)
{
	char caption[1026];
	struct tl_obj *m;

	open_two();
	memset(caption, 'c', sizeof(caption));
	caption[1025] = '\0';
	ask_part(1, 0, 100);
	ask_send_file(small_file(1, 1, ""), true, caption);
	CHECK_STR(x.a.text, "MEDIA_CAPTION_TOO_LONG");
	caption[1024] = '\0';
	ask_send_file(small_file(1, 1, ""), true, caption);
	CHECK_INT(x.a.code, 0);
	m = tl_child(fake_update(&x.b, x.b.pushes - 1),
		     TL_updateNewMessage_message);
	CHECK(tl_has(tl_child(m, TL_message_media),
		     TL_messageMediaDocument_voice));
	CHECK_INT(tl_bytes(m, TL_message_message).n, 1024);
	CHECK_INT(tl_int(tl_item(received(), TL_document_attributes, 0),
			 TL_documentAttributeAudio_duration),
		  3);
	sim_world_account(x.w, 2)->forbids_voice = true;
	ask_part(2, 0, 100);
	ask_send_file(small_file(2, 1, ""), true, "");
	CHECK_STR(x.a.text, "VOICE_MESSAGES_FORBIDDEN");
	fixture_close(&x);
}

static void test_sim_file_survives_restart(void)
{
	struct tl_obj *d;
	int64_t id;

	open_two();
	ask_part(1, 0, 4097);
	ask_send_file(small_file(1, 1, ""), false, "");
	id = tl_long(received(), TL_document_id);
	fixture_restart(&x);
	d = sim_object_document(&x.b.arena, x.w, 2, id);
	CHECK_INT(tl_long(d, TL_document_size), 4097);
	ask_get(d, 4096, 4096);
	CHECK_INT(tl_bytes(x.b.answer, TL_upload_file_bytes).n, 1);
	CHECK_INT(sim_world_account(x.w, 2)->messages[0].document, id);
	fixture_close(&x);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	RUN(test_sim_upload_parts_are_checked);
	RUN(test_sim_upload_file_must_be_whole);
	RUN(test_sim_upload_small_way_ends_at_ten_megabytes);
	RUN(test_sim_file_is_read_in_chunks);
	RUN(test_sim_file_reference_and_data_centre);
	RUN(test_sim_file_voice_and_caption);
	RUN(test_sim_file_survives_restart);
	return check_done();
}

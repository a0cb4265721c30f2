/* Sending a file that was uploaded: as a document or a voice message (C.4). */
#include <errno.h>

#include "base/random.h"
#include "telegram/files.h"
#include "telegram/message_core.h"
#include "telegram/voice.h"

static struct tl_obj *file_build(struct tl_arena *arena,
				 const struct tg_uploaded *f)
{
	struct tl_obj *o;

	if (f->big) {
		o = tl_new(arena, TL_inputFileBig);
		tl_set_long(o, TL_inputFileBig_id, f->id);
		tl_set_int(o, TL_inputFileBig_parts, f->parts);
		tl_set_str(o, TL_inputFileBig_name, f->name);
		return o;
	}
	o = tl_new(arena, TL_inputFile);
	tl_set_long(o, TL_inputFile_id, f->id);
	tl_set_int(o, TL_inputFile_parts, f->parts);
	tl_set_str(o, TL_inputFile_name, f->name);
	tl_set_str(o, TL_inputFile_md5_checksum, f->md5);
	return o;
}

static struct tl_obj *attribute_build(struct tl_arena *arena,
				      const struct tg_attachment *m)
{
	struct tl_obj *o;
	struct buf packed;
	struct bytes kept;

	if (!m->voice) {
		o = tl_new(arena, TL_documentAttributeFilename);
		tl_set_str(o, TL_documentAttributeFilename_file_name,
			   m->file->name);
		return o;
	}
	o = tl_new(arena, TL_documentAttributeAudio);
	tl_set_true(o, TL_documentAttributeAudio_voice);
	tl_set_int(o, TL_documentAttributeAudio_duration, m->duration_s);
	buf_init(&packed);
	voice_waveform_pack(&packed, m->levels, m->levels_n);
	kept = tl_arena_copy(arena, buf_bytes(&packed));
	if (kept.n)
		tl_set_bytes(o, TL_documentAttributeAudio_waveform, kept.p,
			     kept.n);
	buf_clear(&packed);
	return o;
}

static struct tl_obj *media_build(struct tl_arena *arena,
				  const struct tg_attachment *m)
{
	struct tl_obj *o = tl_new(arena, TL_inputMediaUploadedDocument);
	const char *mime = m->voice ? "audio/ogg" : "application/octet-stream";

	tl_set_child(o, TL_inputMediaUploadedDocument_file,
		     file_build(arena, m->file));
	tl_set_str(o, TL_inputMediaUploadedDocument_mime_type,
		   m->mime ? m->mime : mime);
	/* Otherwise pictures and sounds become something else. */
	if (!m->voice)
		tl_set_true(o, TL_inputMediaUploadedDocument_force_file);
	tl_set_vector(arena, o, TL_inputMediaUploadedDocument_attributes, 1);
	tl_put_obj(o, TL_inputMediaUploadedDocument_attributes, 0,
		   attribute_build(arena, m));
	return o;
}

static void send_fill(struct tl_obj *q, struct tl_arena *arena,
		      const struct tg_user *to, const struct tg_draft *d)
{
	tl_set_child(q, TL_messages_sendMedia_peer, input_peer(arena, to));
	tl_set_long(q, TL_messages_sendMedia_random_id,
		    d->random_id ? d->random_id : (int64_t)random_u64());
	if (!d->text)
		tl_set_str(q, TL_messages_sendMedia_message, "");
	if (d->silent)
		tl_set_true(q, TL_messages_sendMedia_silent);
	if (d->reply_to)
		tl_set_child(q, TL_messages_sendMedia_reply_to,
			     reply_build(arena, d->reply_to));
}

int tg_file_send(struct tg_account *a, const struct tg_user *to,
		 const struct tg_attachment *attachment,
		 const struct tg_draft *draft, tg_sent_h *done, void *arg)
{
	static const struct draft_fields fields = {
		TL_messages_sendMedia_message, TL_messages_sendMedia_entities,
		TL_messages_sendMedia_reply_markup};
	struct tg_styled caption;
	struct sending *s = NULL;
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!to->id || attachment->levels_n > VOICE_LEVELS_MAX)
		return -EINVAL;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_messages_sendMedia);
	err = draft_put(q, &arena, a, draft, &fields, &caption,
			TG_CAPTION_UNITS);
	send_fill(q, &arena, to, draft);
	tl_set_child(q, TL_messages_sendMedia_media,
		     media_build(&arena, attachment));
	if (!err)
		s = sending_new(a, to, done, arg);
	if (s) {
		s->size = attachment->file->size;
		buf_put(&s->text, caption.text.p, caption.text.n);
		err = sending_query(s, q);
	} else if (!err) {
		err = -ENOMEM;
	}
	tg_styled_clear(&caption);
	tl_arena_clear(&arena);
	return err;
}

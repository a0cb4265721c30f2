#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/text.h"
#include "storage/message_core.h"
#include "telegram/voice.h"

#define ROWS_MAX 100

/* -- numbers --------------------------------------------------------------- */

json_t *id_json(int64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, id);
	return json_string(text);
}

int64_t id_of(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v)
				  : strtoll(text_of(o, key), NULL, 10);
}

int int_of(json_t *o, const char *key, int otherwise)
{
	return json_object_get(o, key) ? (int)id_of(o, key) : otherwise;
}

bool inline_id_of(struct tg_inline_id *id, const char *text)
{
	*id = (struct tg_inline_id){.dc_id = 0};
	return sscanf(text, "%d/%" SCNd64 "/%" SCNd64 "/%" SCNd64, &id->dc_id,
		      &id->owner_id, &id->id, &id->access_hash) == 4;
}

/* -- what is told ---------------------------------------------------------- */

/* A NUL ends the text: JSON's readers do not take it. */
static json_t *text_json(struct bytes text)
{
	json_t *o = json_stringn((const char *)text.p,
				 text.n ? strnlen((const char *)text.p, text.n)
					: 0);

	return o ? o : json_string("");
}

static bool is_plain(struct bytes data)
{
	for (size_t i = 0; i < data.n; i++)
		if (data.p[i] < ' ')
			return false;
	return text_is_utf8(data);
}

/* The bytes of a button: text when they are, else "hex:..". */
static json_t *data_json(struct bytes data)
{
	char hex[4 + 2 * TG_BUTTON_DATA_MAX + 1] = "hex:";

	if (is_plain(data))
		return text_json(data);
	if (data.n > TG_BUTTON_DATA_MAX)
		return json_string("");
	hex_encode(hex + 4, data.p, data.n);
	return json_string(hex);
}

static const char *style_name(enum tg_style style)
{
	static const char *const names[] = {
		"bold", "italic", "underline", "strike",  "spoiler", "code",
		"pre",  "quote",  "link",      "mention", "other"};

	return names[style];
}

static json_t *entities_json(const struct tg_message *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->entities_n; i++) {
		const struct tg_entity *e = &m->entities[i];

		json_array_append_new(
			list,
			json_pack("{ss si si so}", "style",
				  style_name(e->style), "offset", e->offset,
				  "length", e->length, "detail",
				  e->user_id ? id_json(e->user_id)
					     : text_json(e->detail)));
	}
	return list;
}

static json_t *keyboard_json(const struct tg_keyboard *k)
{
	json_t *rows = json_array();

	for (size_t i = 0; k && i < k->n; i++) {
		json_t *row = json_array();

		for (size_t j = 0; j < k->rows[i].n; j++) {
			const struct tg_button *b = &k->rows[i].buttons[j];

			json_array_append_new(
				row, json_pack("{so so so}", "text",
					       text_json(b->text), "data",
					       data_json(b->data), "url",
					       text_json(b->url)));
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *levels_json(struct bytes waveform)
{
	uint8_t levels[VOICE_LEVELS_MAX];
	size_t n = voice_waveform_unpack(levels, sizeof(levels), waveform);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(levels[i]));
	return list;
}

static json_t *document_json(const struct tg_document *d)
{
	json_t *o =
		json_pack("{so so so sb si}", "name", text_json(d->name),
			  "mime", text_json(d->mime), "size", id_json(d->size),
			  "voice", d->voice, "seconds", d->duration_s);

	if (d->waveform.n)
		json_object_set_new(o, "levels", levels_json(d->waveform));
	return o;
}

json_t *message_json(const struct tg_message *m)
{
	json_t *o = json_pack("{si so sb si so}", "id", m->id, "chat",
			      storage_user_json(&m->chat), "out", m->out,
			      "date", m->date, "text", text_json(m->text));

	if (m->edited)
		json_object_set_new(o, "edited", json_integer(m->edited));
	if (m->reply_to)
		json_object_set_new(o, "reply_to", json_integer(m->reply_to));
	if (m->via_bot)
		json_object_set_new(o, "via_bot", id_json(m->via_bot));
	if (m->entities_n)
		json_object_set_new(o, "entities", entities_json(m));
	if (m->keyboard)
		json_object_set_new(o, "keyboard", keyboard_json(m->keyboard));
	if (m->document)
		json_object_set_new(o, "file", document_json(m->document));
	if (m->other_media)
		json_object_set_new(o, "other_media", json_true());
	return o;
}

static json_t *inline_id_json(const struct tg_inline_id *id)
{
	char text[96];

	snprintf(text, sizeof(text), "%d/%" PRId64 "/%" PRId64 "/%" PRId64,
		 id->dc_id, id->owner_id, id->id, id->access_hash);
	return json_string(text);
}

static json_t *asked_json(const struct tg_event *e, const char *name)
{
	json_t *o = json_pack("{ss so so}", "event", name, "query",
			      id_json(e->query_id), "from",
			      storage_user_json(&e->from));

	if (e->kind == TG_EVENT_PRESSED)
		json_object_set_new(o, "data", data_json(e->data));
	else
		json_object_set_new(o, "text", text_json(e->text));
	if (e->message_id)
		json_object_set_new(o, "id", json_integer(e->message_id));
	if (e->result.n)
		json_object_set_new(o, "result", text_json(e->result));
	if (e->offset.n)
		json_object_set_new(o, "offset", text_json(e->offset));
	if (e->has_inline_id)
		json_object_set_new(o, "message",
				    inline_id_json(&e->inline_id));
	return o;
}

static json_t *deleted_json(const struct tg_event *e)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < e->ids_n; i++)
		json_array_append_new(ids, json_integer(e->ids[i]));
	return json_pack("{ss so}", "event", "deleted", "ids", ids);
}

json_t *event_json(const struct tg_event *e)
{
	switch (e->kind) {
	case TG_EVENT_MESSAGE:
	case TG_EVENT_EDITED:
		return json_pack("{ss so}", "event",
				 e->kind == TG_EVENT_MESSAGE ? "message"
							     : "edited",
				 "message", message_json(&e->message));
	case TG_EVENT_DELETED:
		return deleted_json(e);
	case TG_EVENT_PRESSED:
		return asked_json(e, "pressed");
	case TG_EVENT_INLINE_QUERY:
		return asked_json(e, "inline-query");
	case TG_EVENT_INLINE_CHOSEN:
		return asked_json(e, "inline-chosen");
	}
	return json_null();
}

/* -- what is asked --------------------------------------------------------- */

static struct bytes bytes_at(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return bytes_of(json_string_value(v), json_string_length(v));
}

struct bytes button_data_of(json_t *o, uint8_t room[TG_BUTTON_DATA_MAX])
{
	struct bytes text = bytes_at(o, "data");
	size_t n = text.n > 4 ? (text.n - 4) / 2 : 0;

	if (!n || n > TG_BUTTON_DATA_MAX || memcmp(text.p, "hex:", 4) != 0 ||
	    hex_decode(room, n, (const char *)text.p + 4, text.n - 4))
		return text;
	return bytes_of(room, n);
}

static int keyboard_of(struct draft_json *d, json_t *list)
{
	size_t n = json_array_size(list), count = 0, at = 0, i, k;
	json_t *row, *b;

	json_array_foreach(list, i, row) count += json_array_size(row);
	if (!json_is_array(list) || n > ROWS_MAX || count > TG_BUTTONS_MAX)
		return -EINVAL;
	d->rows = calloc(n + 1, sizeof(*d->rows));
	d->buttons = calloc(count + 1, sizeof(*d->buttons));
	d->data = calloc(count + 1, sizeof(*d->data));
	if (!d->rows || !d->buttons || !d->data)
		return -ENOMEM;
	json_array_foreach(list, i, row)
	{
		d->rows[i].buttons = &d->buttons[at];
		d->rows[i].n = json_array_size(row);
		json_array_foreach(row, k, b)
		{
			d->buttons[at].text = bytes_at(b, "text");
			d->buttons[at].data = button_data_of(b, d->data[at]);
			d->buttons[at++].url = bytes_at(b, "url");
		}
	}
	d->keyboard.rows = d->rows;
	d->keyboard.n = n;
	d->draft.keyboard = &d->keyboard;
	return 0;
}

static int format_of(enum tg_format *format, const char *text)
{
	if (!*text || !strcmp(text, "markdown"))
		*format = TG_FORMAT_MARKDOWN;
	else if (!strcmp(text, "html"))
		*format = TG_FORMAT_HTML;
	else if (!strcmp(text, "plain"))
		*format = TG_FORMAT_PLAIN;
	else
		return -EINVAL;
	return 0;
}

int draft_of(struct draft_json *d, json_t *o, const char *text_key)
{
	json_t *keyboard = json_object_get(o, "keyboard");
	int err;

	memset(d, 0, sizeof(*d));
	d->draft.text = json_string_value(json_object_get(o, text_key));
	d->draft.reply_to = int_of(o, "reply_to", 0);
	d->draft.silent = json_is_true(json_object_get(o, "silent"));
	d->draft.preview = json_is_true(json_object_get(o, "preview"));
	d->draft.random_id = id_of(o, "random");
	err = format_of(&d->draft.format, text_of(o, "format"));
	if (!err && keyboard)
		err = keyboard_of(d, keyboard);
	return err;
}

void draft_clear(struct draft_json *d)
{
	free(d->rows);
	free(d->buttons);
	free(d->data);
}

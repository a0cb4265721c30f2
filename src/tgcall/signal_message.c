#include "tgcall/signal_message.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/plant.h"

/* jansson recurses, so the depth is looked at before. Brackets in strings do
 * not count. */
static bool depth_is_fine(struct bytes text)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > SIGNAL_DEPTH_MAX)
				return false;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return true;
}

/* -- InitialSetup -------------------------------------------------------- */

enum tgcall_setup signal_setup_read(const char *text)
{
	if (strcmp(text, "active") == 0)
		return TGCALL_ACTIVE;
	return strcmp(text, "passive") == 0 ? TGCALL_PASSIVE : TGCALL_ACTPASS;
}

static const char *text_get(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int credential_copy(char *dst, size_t n, const char *src)
{
	if (!src || !*src || strlen(src) >= n)
		return -EBADMSG;
	strcpy(dst, src);
	return 0;
}

static int setup_parse(struct tgcall_transport *t, const json_t *root)
{
	const json_t *renomination = json_object_get(root, "renomination");
	const json_t *entry =
		json_array_get(json_object_get(root, "fingerprints"), 0);
	const char *hash = text_get(entry, "hash");
	const char *setup = text_get(entry, "setup");
	const char *fingerprint = text_get(entry, "fingerprint");

	if (credential_copy(t->ufrag, sizeof(t->ufrag),
			    text_get(root, "ufrag")) ||
	    credential_copy(t->pwd, sizeof(t->pwd), text_get(root, "pwd")))
		return -EBADMSG;
	if (renomination && !json_is_boolean(renomination))
		return -EBADMSG;
	t->renomination = json_is_true(renomination);
	if (!hash || strcasecmp(hash, "sha-256") != 0 || !setup || !fingerprint)
		return -EBADMSG;
	t->setup = signal_setup_read(setup);
	if (hex_pairs_decode(t->fingerprint, sizeof(t->fingerprint),
			     fingerprint, strlen(fingerprint)))
		return -EBADMSG;
	PLANT_OVERFLOW(strlen(t->pwd) > 24, t->pwd, strlen(t->pwd));
	return 0;
}

/* -- NegotiateChannels --------------------------------------------------- */

#define LIST_MAX 128
#define NAME_MAX_BYTES 128

/* "decimal uint32 as string (number accepted)" */
static int u32_parse(uint32_t *v, const json_t *value)
{
	const char *text = json_string_value(value);
	uint64_t n = 0;

	if (json_is_integer(value)) {
		json_int_t i = json_integer_value(value);

		if (i < 0 || i > UINT32_MAX)
			return -EBADMSG;
		*v = (uint32_t)i;
		return 0;
	}
	if (!text || !*text || strlen(text) > 10)
		return -EBADMSG;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EBADMSG;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	if (n > UINT32_MAX)
		return -EBADMSG;
	*v = (uint32_t)n;
	return 0;
}

static bool is_short_text(const json_t *v)
{
	return json_is_string(v) && json_string_length(v) <= NAME_MAX_BYTES;
}

static bool is_list(const json_t *v)
{
	return json_is_array(v) && json_array_size(v) <= LIST_MAX;
}

static bool feedback_is_fine(const json_t *list)
{
	json_t *entry;
	size_t i;

	if (!is_list(list))
		return false;
	json_array_foreach(list, i, entry)
	{
		if (!is_short_text(json_object_get(entry, "type")) ||
		    !is_short_text(json_object_get(entry, "subtype")))
			return false;
	}
	return true;
}

static bool parameters_are_fine(json_t *map)
{
	const char *key;
	json_t *value;

	if (!json_is_object(map) || json_object_size(map) > LIST_MAX)
		return false;
	json_object_foreach(map, key, value)
	{
		if (strlen(key) > NAME_MAX_BYTES || !is_short_text(value))
			return false;
	}
	return true;
}

static bool payload_is_fine(const json_t *payload)
{
	const json_t *id = json_object_get(payload, "id");
	const json_t *channels = json_object_get(payload, "channels");
	const json_t *feedback = json_object_get(payload, "feedbackTypes");
	json_t *parameters = json_object_get(payload, "parameters");

	return json_is_integer(id) && json_integer_value(id) >= 0 &&
	       json_integer_value(id) <= 127 &&
	       is_short_text(json_object_get(payload, "name")) &&
	       json_is_integer(json_object_get(payload, "clockrate")) &&
	       (!channels || json_is_integer(channels)) &&
	       (!feedback || feedback_is_fine(feedback)) &&
	       (!parameters || parameters_are_fine(parameters));
}

/* The entry of Opus, or NULL; *err when one of them is broken. */
static json_t *opus_find(int *err, const json_t *payloads)
{
	json_t *payload, *opus = NULL;
	size_t i;

	*err = is_list(payloads) ? 0 : -EBADMSG;
	json_array_foreach(payloads, i, payload)
	{
		if (!payload_is_fine(payload)) {
			*err = -EBADMSG;
			return NULL;
		}
		if (!opus && strcasecmp(text_get(payload, "name"), "opus") == 0)
			opus = payload;
	}
	return opus;
}

static const struct {
	const char *uri;
	size_t at; /* in struct tgcall_channel */
} extensions[] = {
	{SIGNAL_URI_ABS_SEND_TIME,
	 offsetof(struct tgcall_channel, ext_abs_send_time)},
	{SIGNAL_URI_TRANSPORT_CC,
	 offsetof(struct tgcall_channel, ext_transport_cc)},
	{"urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	 offsetof(struct tgcall_channel, ext_audio_level)},
	{"urn:ietf:params:rtp-hdrext:sdes:mid",
	 offsetof(struct tgcall_channel, ext_mid)},
};

#define EXTENSIONS_N (sizeof(extensions) / sizeof(*extensions))

int *signal_extension_slot(struct tgcall_channel *c, const char *uri)
{
	for (size_t i = 0; i < EXTENSIONS_N; i++)
		if (strcmp(extensions[i].uri, uri) == 0)
			return (int *)(void *)((char *)c + extensions[i].at);
	return NULL;
}

/* Notes the ids of the extensions we know, and lists them for the answer. */
static int extensions_parse(struct tgcall_channel *c, json_t *known,
			    const json_t *list)
{
	json_t *entry;
	size_t i;

	if (!list)
		return 0;
	if (!is_list(list))
		return -EBADMSG;
	json_array_foreach(list, i, entry)
	{
		const json_t *id = json_object_get(entry, "id");
		const char *uri = text_get(entry, "uri");
		int *slot;

		if (!json_is_integer(id) || !uri)
			return -EBADMSG;
		slot = signal_extension_slot(c, uri);
		/* RFC 8285 4.2: one-byte headers */
		if (!slot || *slot || json_integer_value(id) < 1 ||
		    json_integer_value(id) > 14)
			continue;
		*slot = (int)json_integer_value(id);
		json_array_append_new(
			known, json_pack("{s:i,s:s}", "id", *slot, "uri", uri));
	}
	return 0;
}

static bool groups_are_fine(const json_t *groups)
{
	json_t *group, *ssrc;
	size_t i, k;

	if (!groups)
		return true;
	if (!is_list(groups))
		return false;
	json_array_foreach(groups, i, group)
	{
		const json_t *ssrcs = json_object_get(group, "ssrcs");
		uint32_t v;

		if (!is_short_text(json_object_get(group, "semantics")) ||
		    !is_list(ssrcs))
			return false;
		json_array_foreach(ssrcs, k, ssrc)
		{
			if (u32_parse(&v, ssrc))
				return false;
		}
	}
	return true;
}

/* E.6: "repeat type and the offerer's ssrc and ssrcGroups, with the accepted
 * payloadTypes (subset, same ids) and rtpExtensions (subset, same ids)" */
static json_t *answer_make(const json_t *content, json_t *opus, json_t *known)
{
	static const char *const keys[] = {"ssrc", "ssrcGroups"};
	static const char *const payload_keys[] = {
		"id",       "name",          "clockrate",
		"channels", "feedbackTypes", "parameters"};
	json_t *answer = json_pack("{s:s,s:[{}],s:O}", "type", "audio",
				   "payloadTypes", "rtpExtensions", known);
	json_t *payload =
		json_array_get(json_object_get(answer, "payloadTypes"), 0);

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(content, keys[i]);

		if (value)
			json_object_set(answer, keys[i], value);
	}
	for (size_t i = 0; i < sizeof(payload_keys) / sizeof(*payload_keys);
	     i++) {
		json_t *value = json_object_get(opus, payload_keys[i]);

		if (value)
			json_object_set(payload, payload_keys[i], value);
	}
	return answer;
}

static int content_parse(struct signal_negotiation *n, const json_t *content)
{
	const char *type = text_get(content, "type");
	struct tgcall_channel c = {0};
	json_t *known, *opus;
	int err;

	if (!type || u32_parse(&c.ssrc, json_object_get(content, "ssrc")) ||
	    !groups_are_fine(json_object_get(content, "ssrcGroups")))
		return -EBADMSG;
	opus = opus_find(&err, json_object_get(content, "payloadTypes"));
	if (err)
		return err;
	known = json_array();
	err = extensions_parse(&c, known,
			       json_object_get(content, "rtpExtensions"));
	if (!err && opus && c.ssrc && !n->has_audio &&
	    strcmp(type, "audio") == 0) {
		c.payload_type =
			(int)json_integer_value(json_object_get(opus, "id"));
		n->audio = c;
		n->answer = answer_make(content, opus, known);
		n->has_audio = n->answer != NULL;
	}
	json_decref(known);
	return err;
}

static int negotiation_parse(struct signal_negotiation *n, const json_t *root)
{
	const json_t *contents = json_object_get(root, "contents");
	json_t *content;
	size_t i;

	if (u32_parse(&n->exchange_id, json_object_get(root, "exchangeId")) ||
	    !is_list(contents))
		return -EBADMSG;
	json_array_foreach(contents, i, content)
	{
		int err = content_parse(n, content);

		if (err)
			return err;
	}
	return 0;
}

/* -- Candidates, MediaState ---------------------------------------------- */

static int candidates_parse(struct signal_message *m, const json_t *root)
{
	const json_t *list = json_object_get(root, "candidates");
	json_t *entry;
	size_t i;

	if (!json_is_array(list))
		return -EBADMSG;
	json_array_foreach(list, i, entry)
	{
		const json_t *value = json_object_get(entry, "sdpString");

		if (!json_is_string(value))
			return -EBADMSG;
		m->has_mid |= json_is_string(json_object_get(entry, "sdpMid"));
		/* Web clients mark the end with an empty one. */
		if (json_string_length(value) == 0 ||
		    json_string_length(value) > SIGNAL_CANDIDATE_BYTES_MAX ||
		    m->candidates_n == SIGNAL_CANDIDATES_MAX)
			continue;
		m->candidates[m->candidates_n++] = json_string_value(value);
	}
	return 0;
}

static int state_parse(struct tgcall_media_state *s, const json_t *root)
{
	const json_t *muted = json_object_get(root, "muted");
	const json_t *low = json_object_get(root, "lowBattery");

	if (!json_is_boolean(muted) || (low && !json_is_boolean(low)))
		return -EBADMSG;
	s->muted = json_is_true(muted);
	s->low_battery = json_is_true(low);
	return 0;
}

/* -- 10.0.0 and 11.0.0 ---------------------------------------------------- */

static int description_parse(struct signal_message *m, const json_t *root)
{
	const json_t *sdp = json_object_get(root, "sdp");

	if (!json_is_string(sdp))
		return -EBADMSG;
	m->sdp = bytes_of(json_string_value(sdp), json_string_length(sdp));
	return 0;
}

static int sdp_candidate_parse(struct signal_message *m, const json_t *root)
{
	const json_t *value = json_object_get(root, "sdp");

	if (!json_is_string(value))
		return -EBADMSG;
	if (json_string_length(value) > 0 &&
	    json_string_length(value) <= SIGNAL_CANDIDATE_BYTES_MAX)
		m->candidates[m->candidates_n++] = json_string_value(value);
	return 0;
}

/* -- whole messages ------------------------------------------------------ */

static int sdp_message_parse(struct signal_message *m, const char *type)
{
	if (strcmp(type, "offer") == 0 || strcmp(type, "answer") == 0) {
		m->type = *type == 'o' ? SIGNAL_OFFER : SIGNAL_ANSWER;
		return description_parse(m, m->root);
	}
	if (strcmp(type, "candidate") == 0) {
		m->type = SIGNAL_SDP_CANDIDATE;
		return sdp_candidate_parse(m, m->root);
	}
	return 0;
}

int signal_message_parse(struct signal_message *m, struct bytes text)
{
	const char *type;

	*m = (struct signal_message){0};
	if (text.n > SIGNAL_TEXT_MAX || !depth_is_fine(text))
		return -EBADMSG;
	m->root = json_loadb((const char *)text.p, text.n, 0, NULL);
	type = text_get(m->root, "@type");
	if (!type)
		return -EBADMSG;
	if (strcmp(type, "InitialSetup") == 0) {
		m->type = SIGNAL_INITIAL_SETUP;
		return setup_parse(&m->setup, m->root);
	}
	if (strcmp(type, "NegotiateChannels") == 0) {
		m->type = SIGNAL_NEGOTIATE_CHANNELS;
		return negotiation_parse(&m->negotiation, m->root);
	}
	if (strcmp(type, "Candidates") == 0) {
		m->type = SIGNAL_CANDIDATES;
		return candidates_parse(m, m->root);
	}
	if (strcmp(type, "MediaState") == 0) {
		m->type = SIGNAL_MEDIA_STATE;
		return state_parse(&m->state, m->root);
	}
	return sdp_message_parse(m, type);
}

void signal_message_clear(struct signal_message *m)
{
	json_decref(m->negotiation.answer);
	json_decref(m->root);
	bytes_wipe(m, sizeof(*m));
}

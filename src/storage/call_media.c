#include "storage/call_media.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "telegram/phone_key.h"

static json_t *server_json(const struct tg_call_server *s, int number,
			   const char *host)
{
	char tag[33] = "";

	if (s->reflector)
		hex_encode(tag, s->peer_tag, sizeof(s->peer_tag));
	return json_pack("{si ss si ss ss sb sb sb ss}", "id", number, "host",
			 host, "port", (int)s->port, "username", s->username,
			 "password", s->password, "turn", s->turn, "reflector",
			 s->reflector, "tcp", s->tcp, "peer_tag", tag);
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* telegram-wire E.8: reflectors are numbered 1..n by their sorted, distinct
 * ids, so that both peers name them alike. */
static int server_number(const struct tg_call_media *m,
			 const struct tg_call_server *s)
{
	int64_t ids[16];
	size_t n = 0;
	int number = 0;

	for (size_t i = 0; i < m->servers_n; i++)
		if (m->servers[i].reflector)
			ids[n++] = m->servers[i].id;
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || ids[i] != ids[i - 1])
			number++;
		if (ids[i] == s->id)
			return number;
	}
	return 0;
}

/* D.9: an entry for each address. IPv6 comes last: where there is room for some
 * relays only, both sides most likely have IPv4. */
static void servers_append(json_t *list, const struct tg_call_media *m,
			   bool ipv6)
{
	for (size_t i = 0; i < m->servers_n; i++) {
		const struct tg_call_server *s = &m->servers[i];
		const char *host = ipv6 ? s->ipv6 : s->ip;

		if (*host)
			json_array_append_new(
				list,
				server_json(s, server_number(m, s), host));
	}
}

static void emoji_text(char text[PHONE_EMOJI_TEXT_BYTES],
		       const struct tg_call_media *m)
{
	uint16_t emoji[4];

	for (int i = 0; i < 4; i++)
		emoji[i] = be16_load(m->emoji + 2 * i);
	phone_emoji_text(text, emoji);
}

json_t *call_media_event(const struct tg_call_media *m)
{
	json_t *servers = json_array(), *event;
	char key[513], emoji[PHONE_EMOJI_TEXT_BYTES];

	servers_append(servers, m, false);
	servers_append(servers, m, true);
	hex_encode(key, m->key, sizeof(m->key));
	emoji_text(emoji, m);
	event = json_pack("{ss ss ss sb ss sb so ss?}", "event", "active",
			  "key", key, "emoji", emoji, "outgoing", m->outgoing,
			  "version", m->version, "p2p_allowed", m->p2p_allowed,
			  "servers", servers, "custom_parameters",
			  m->custom_parameters);
	bytes_wipe(key, sizeof(key));
	return event;
}

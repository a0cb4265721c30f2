/* What phoneCall tells the media engine (D.3, D.9). */
#include "telegram/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SERVERS_MAX                                                            \
	(sizeof(((struct tg_call_media *)NULL)->servers) /                     \
	 sizeof(((struct tg_call_media *)NULL)->servers[0]))

/* A text of the server as a C string. False: too long, or a NUL inside. */
static bool text_copy(char *dst, size_t size, struct bytes text)
{
	if (text.n >= size || (text.n && memchr(text.p, 0, text.n)))
		return false;
	if (text.n)
		memcpy(dst, text.p, text.n);
	dst[text.n] = '\0';
	return true;
}

static bool port_copy(uint16_t *port, int32_t v)
{
	*port = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

static bool reflector_read(struct tg_call_server *s, const struct tl_obj *o)
{
	struct bytes tag = tl_bytes(o, TL_phoneConnection_peer_tag);

	s->reflector = true;
	s->id = tl_long(o, TL_phoneConnection_id);
	s->tcp = tl_has(o, TL_phoneConnection_tcp);
	if (tag.n != sizeof(s->peer_tag))
		return false;
	memcpy(s->peer_tag, tag.p, sizeof(s->peer_tag));
	return text_copy(s->ip, sizeof(s->ip),
			 tl_bytes(o, TL_phoneConnection_ip)) &&
	       text_copy(s->ipv6, sizeof(s->ipv6),
			 tl_bytes(o, TL_phoneConnection_ipv6)) &&
	       port_copy(&s->port, tl_int(o, TL_phoneConnection_port));
}

static bool webrtc_read(struct tg_call_server *s, const struct tl_obj *o)
{
	s->id = tl_long(o, TL_phoneConnectionWebrtc_id);
	s->turn = tl_has(o, TL_phoneConnectionWebrtc_turn);
	s->stun = tl_has(o, TL_phoneConnectionWebrtc_stun);
	return text_copy(s->ip, sizeof(s->ip),
			 tl_bytes(o, TL_phoneConnectionWebrtc_ip)) &&
	       text_copy(s->ipv6, sizeof(s->ipv6),
			 tl_bytes(o, TL_phoneConnectionWebrtc_ipv6)) &&
	       text_copy(s->username, sizeof(s->username),
			 tl_bytes(o, TL_phoneConnectionWebrtc_username)) &&
	       text_copy(s->password, sizeof(s->password),
			 tl_bytes(o, TL_phoneConnectionWebrtc_password)) &&
	       port_copy(&s->port, tl_int(o, TL_phoneConnectionWebrtc_port));
}

static void servers_read(struct tg_call_media *m, const struct tl_obj *call)
{
	uint32_t n = tl_count(call, TL_phoneCall_connections);

	for (uint32_t i = 0; i < n && m->servers_n < SERVERS_MAX; i++) {
		const struct tl_obj *o =
			tl_item(call, TL_phoneCall_connections, i);
		struct tg_call_server s = {0};
		bool ok = tl_is(o, TL_phoneConnection) ? reflector_read(&s, o)
						       : webrtc_read(&s, o);

		/* ip may be empty when only ipv6 is given. */
		if (ok && (s.ip[0] || s.ipv6[0]))
			m->servers[m->servers_n++] = s;
		else
			count_bad("call", "connection", "unusable server");
		bytes_wipe(&s, sizeof(s));
	}
}

/* D.3: the chosen version is library_versions[0]. */
static int version_read(struct tg_call_media *m, const struct tg_call *c,
			const struct tl_obj *call)
{
	const struct tl_obj *protocol = tl_child(call, TL_phoneCall_protocol);
	struct bytes v;

	if (!tl_count(protocol, TL_phoneCallProtocol_library_versions))
		return -EBADMSG;
	v = tl_item_bytes(protocol, TL_phoneCallProtocol_library_versions, 0);
	if (!text_copy(m->version, sizeof(m->version), v))
		return -EBADMSG;
	for (size_t i = 0; i < c->versions_n; i++)
		if (!strcmp(m->version, c->versions[i]))
			return 0;
	return -EBADMSG;
}

int call_media_read(struct tg_call_media *m, const struct tg_call *c,
		    const struct tl_obj *call)
{
	const struct tl_obj *parameters =
		tl_child(call, TL_phoneCall_custom_parameters);
	struct bytes json = tl_bytes(parameters, TL_dataJSON_data);

	if (version_read(m, c, call))
		return -EBADMSG;
	m->p2p_allowed = tl_has(call, TL_phoneCall_p2p_allowed);
	servers_read(m, call);
	if (parameters && !(json.n && memchr(json.p, 0, json.n))) {
		m->custom_parameters = malloc(json.n + 1);
		if (!m->custom_parameters)
			return -ENOMEM;
		text_copy(m->custom_parameters, json.n + 1, json);
	}
	return 0;
}

void call_media_clear(struct tg_call_media *m)
{
	free(m->custom_parameters);
	bytes_wipe(m, sizeof(*m));
}

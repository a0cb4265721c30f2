/* What the server says, in tests: see account_world.h. */
#include "telegram/account_world.h"

struct tl_obj *config(struct world *w)
{
	struct tl_obj *o = tl_new(&w->arena, TL_config);
	struct tl_obj *dc = tl_new(&w->arena, TL_dcOption);

	tl_set_int(dc, TL_dcOption_id, 5);
	tl_set_str(dc, TL_dcOption_ip_address, "127.0.0.9");
	tl_set_int(dc, TL_dcOption_port, 443);
	tl_set_int(o, TL_config_date, 1000);
	tl_set_int(o, TL_config_expires, 2000);
	tl_set_bool(&w->arena, o, TL_config_test_mode, false);
	tl_set_int(o, TL_config_this_dc, 1);
	tl_set_vector(&w->arena, o, TL_config_dc_options, 1);
	tl_put_obj(o, TL_config_dc_options, 0, dc);
	tl_set_str(o, TL_config_dc_txt_domain_name, "");
	for (int f = TL_config_chat_size_max;
	     f <= TL_config_channels_read_media_period; f++)
		tl_set_int(o, f, 1);
	tl_set_int(o, TL_config_call_receive_timeout_ms, 7000);
	tl_set_int(o, TL_config_call_ring_timeout_ms, 33000);
	tl_set_int(o, TL_config_call_connect_timeout_ms, 1);
	tl_set_int(o, TL_config_call_packet_timeout_ms, 1);
	tl_set_str(o, TL_config_me_url_prefix, "");
	tl_set_int(o, TL_config_caption_length_max, 1);
	tl_set_int(o, TL_config_message_length_max, 1);
	tl_set_int(o, TL_config_webfile_dc_id, 1);
	return o;
}

struct tl_obj *user(struct world *w, int64_t id, bool self)
{
	struct tl_obj *o = tl_new(&w->arena, TL_user);

	if (self)
		tl_set_true(o, TL_user_self);
	tl_set_long(o, TL_user_id, id);
	tl_set_long(o, TL_user_access_hash, id + 1);
	tl_set_str(o, TL_user_first_name, "Zoe");
	return o;
}

struct tl_obj *user_list(struct world *w, struct tl_obj *u)
{
	struct tl_obj *o = tl_new(&w->arena, TL_vector);

	tl_set_vector(&w->arena, o, TL_vector_items, 1);
	tl_put_obj(o, TL_vector_items, 0, u);
	return o;
}

struct tl_obj *state(struct world *w)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updates_state);

	tl_set_int(o, TL_updates_state_pts, 50);
	tl_set_int(o, TL_updates_state_qts, 1);
	tl_set_int(o, TL_updates_state_date, 1234);
	tl_set_int(o, TL_updates_state_seq, 2);
	tl_set_int(o, TL_updates_state_unread_count, 0);
	return o;
}

struct tl_obj *no_difference(struct world *w)
{
	struct tl_obj *o = tl_new(&w->arena, TL_updates_differenceEmpty);

	tl_set_int(o, TL_updates_differenceEmpty_date, 1300);
	tl_set_int(o, TL_updates_differenceEmpty_seq, 2);
	return o;
}

struct tl_obj *sent_code(struct world *w)
{
	struct tl_obj *o = tl_new(&w->arena, TL_auth_sentCode);
	struct tl_obj *t = tl_new(&w->arena, TL_auth_sentCodeTypeApp);

	tl_set_int(t, TL_auth_sentCodeTypeApp_length, 5);
	tl_set_child(o, TL_auth_sentCode_type, t);
	tl_set_str(o, TL_auth_sentCode_phone_code_hash, "h4sh");
	tl_set_int(o, TL_auth_sentCode_timeout, 60);
	return o;
}

struct tl_obj *authorization(struct world *w, struct tl_obj *u)
{
	struct tl_obj *o = tl_new(&w->arena, TL_auth_authorization);

	tl_set_child(o, TL_auth_authorization_user, u);
	return o;
}

struct tl_obj *resolved(struct world *w, int64_t id, struct tl_obj *u)
{
	struct tl_obj *o = tl_new(&w->arena, TL_contacts_resolvedPeer);
	struct tl_obj *p = tl_new(&w->arena, TL_peerUser);

	tl_set_long(p, TL_peerUser_user_id, id);
	tl_set_child(o, TL_contacts_resolvedPeer_peer, p);
	tl_set_vector(&w->arena, o, TL_contacts_resolvedPeer_chats, 0);
	tl_set_vector(&w->arena, o, TL_contacts_resolvedPeer_users, u ? 1 : 0);
	if (u)
		tl_put_obj(o, TL_contacts_resolvedPeer_users, 0, u);
	return o;
}

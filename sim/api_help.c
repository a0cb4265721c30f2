/* help.*, and the questions clients ask around them. */
#include <string.h>

#include "sim/api.h"

static struct tl_obj *sim_dc_option(struct sim_request *r, int i)
{
	const struct sim_dc_config *d = &r->world->config->dcs[i];
	struct tl_obj *o = tl_new(r->arena, TL_dcOption);
	uint16_t port = r->world->dc_ports[i] ? r->world->dc_ports[i] : d->port;

	tl_set_int(o, TL_dcOption_id, d->id);
	tl_set_str(o, TL_dcOption_ip_address, d->host);
	tl_set_int(o, TL_dcOption_port, port);
	tl_set_true(o, TL_dcOption_static);
	if (strchr(d->host, ':'))
		tl_set_true(o, TL_dcOption_ipv6);
	if (d->media_only)
		tl_set_true(o, TL_dcOption_media_only);
	if (d->tcpo_only)
		tl_set_true(o, TL_dcOption_tcpo_only);
	if (d->cdn)
		tl_set_true(o, TL_dcOption_cdn);
	if (d->this_port_only)
		tl_set_true(o, TL_dcOption_this_port_only);
	if (d->secret_n)
		tl_set_bytes(o, TL_dcOption_secret, d->secret, d->secret_n);
	return o;
}

/* Limits no test asks for; Telegram's usual values. */
static void sim_config_limits(struct tl_obj *o)
{
	static const struct {
		int field;
		int32_t value;
	} list[] = {
		{TL_config_chat_size_max, 200},
		{TL_config_megagroup_size_max, 200000},
		{TL_config_forwarded_count_max, 100},
		{TL_config_online_update_period_ms, 210000},
		{TL_config_offline_blur_timeout_ms, 5000},
		{TL_config_offline_idle_timeout_ms, 30000},
		{TL_config_online_cloud_timeout_ms, 300000},
		{TL_config_notify_cloud_delay_ms, 30000},
		{TL_config_notify_default_delay_ms, 1500},
		{TL_config_push_chat_period_ms, 60000},
		{TL_config_push_chat_limit, 2},
		{TL_config_edit_time_limit, 172800},
		{TL_config_revoke_time_limit, 2147483647},
		{TL_config_revoke_pm_time_limit, 2147483647},
		{TL_config_rating_e_decay, 2419200},
		{TL_config_stickers_recent_limit, 200},
		{TL_config_channels_read_media_period, 604800},
		{TL_config_caption_length_max, 1024},
		{TL_config_message_length_max, 4096},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		tl_set_int(o, list[i].field, list[i].value);
}

static void sim_help_config(struct sim_request *r)
{
	const struct sim_config *c = r->world->config;
	struct tl_obj *o = tl_new(r->arena, TL_config);

	tl_set_int(o, TL_config_date, sim_world_date(r->world));
	tl_set_int(o, TL_config_expires, sim_world_date(r->world) + 3600);
	tl_set_bool(r->arena, o, TL_config_test_mode, false);
	tl_set_int(o, TL_config_this_dc, r->session->dc);
	tl_set_vector(r->arena, o, TL_config_dc_options, (uint32_t)c->dc_count);
	for (int i = 0; i < c->dc_count; i++)
		tl_put_obj(o, TL_config_dc_options, (uint32_t)i,
			   sim_dc_option(r, i));
	tl_set_str(o, TL_config_dc_txt_domain_name, "");
	sim_config_limits(o);
	tl_set_int(o, TL_config_call_receive_timeout_ms, c->receive_timeout_ms);
	tl_set_int(o, TL_config_call_ring_timeout_ms, c->ring_timeout_ms);
	tl_set_int(o, TL_config_call_connect_timeout_ms, c->connect_timeout_ms);
	tl_set_int(o, TL_config_call_packet_timeout_ms, c->packet_timeout_ms);
	tl_set_str(o, TL_config_me_url_prefix, "https://t.me/");
	tl_set_int(o, TL_config_webfile_dc_id, r->session->dc);
	sim_answer(r, o);
}

static void sim_help_nearest(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_nearestDc);

	tl_set_str(o, TL_nearestDc_country, "XX");
	tl_set_int(o, TL_nearestDc_this_dc, r->session->dc);
	tl_set_int(o, TL_nearestDc_nearest_dc, r->session->dc);
	sim_answer(r, o);
}

static void sim_app_number(struct sim_request *r, struct tl_obj *json,
			   uint32_t i, const char *key, int32_t value)
{
	struct tl_obj *pair = tl_new(r->arena, TL_jsonObjectValue);
	struct tl_obj *number = tl_new(r->arena, TL_jsonNumber);

	tl_set_double(number, TL_jsonNumber_value, value);
	tl_set_str(pair, TL_jsonObjectValue_key, key);
	tl_set_child(pair, TL_jsonObjectValue_value, number);
	tl_put_obj(json, TL_jsonObject_value, i, pair);
}

/* Telegram tells a frozen account so, since when and until when. */
static void sim_app_frozen(struct sim_request *r, struct tl_obj *json)
{
	int32_t now = sim_world_date(r->world);

	tl_set_vector(r->arena, json, TL_jsonObject_value, 2);
	sim_app_number(r, json, 0, "freeze_since_date", now - 3600);
	sim_app_number(r, json, 1, "freeze_until_date", now + 30 * 86400);
}

static void sim_help_app_config(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_help_appConfig);
	struct tl_obj *json = tl_new(r->arena, TL_jsonObject);

	if (r->me && r->me->frozen)
		sim_app_frozen(r, json);
	else
		sim_object_empty(r->arena, json, TL_jsonObject_value);
	tl_set_int(o, TL_help_appConfig_hash, 1);
	tl_set_child(o, TL_help_appConfig_config, json);
	sim_answer(r, o);
}

static void sim_help_terms(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_help_termsOfServiceUpdateEmpty);

	tl_set_int(o, TL_help_termsOfServiceUpdateEmpty_expires,
		   sim_world_date(r->world) + 86400);
	sim_answer(r, o);
}

static void sim_help_promo(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_help_promoDataEmpty);

	tl_set_int(o, TL_help_promoDataEmpty_expires,
		   sim_world_date(r->world) + 86400);
	sim_answer(r, o);
}

const struct sim_method sim_methods_help[] = {
	{TL_help_getConfig, SIM_ACCESS_OPEN, sim_help_config},
	{TL_help_getNearestDc, SIM_ACCESS_OPEN, sim_help_nearest},
	{TL_help_getAppConfig, SIM_ACCESS_OPEN, sim_help_app_config},
	{TL_help_getTermsOfServiceUpdate, SIM_ACCESS_OPEN, sim_help_terms},
	{TL_help_getPromoData, SIM_ACCESS_OPEN, sim_help_promo},
	{0, SIM_ACCESS_OPEN, NULL},
};

/* What an account asks first on a new connection: the configuration, and who
 * it is itself. Both are asked again only when nobody answered.
 */
#include "telegram/account_core.h"

#include <string.h>

static void dc_option_take(struct tg_account *a, const struct tl_obj *o)
{
	struct bytes ip = tl_bytes(o, TL_dcOption_ip_address);
	int32_t port = tl_int(o, TL_dcOption_port);
	struct tg_dc dc = {.id = tl_int(o, TL_dcOption_id),
			   .port = (uint16_t)port,
			   .test = a->dcs[0].test};

	/* Neither for files only nor behind a proxy's secret; a `tcpo_only`
	 * address requires the obfuscated transport. */
	if (tl_has(o, TL_dcOption_media_only) || tl_has(o, TL_dcOption_cdn) ||
	    tl_has(o, TL_dcOption_secret) || tl_has(o, TL_dcOption_ipv6) ||
	    (tl_has(o, TL_dcOption_tcpo_only) && !a->obfuscated) || !ip.n ||
	    ip.n >= sizeof(dc.host) || memchr(ip.p, 0, ip.n) || port <= 0 ||
	    port > UINT16_MAX)
		return;
	memcpy(dc.host, ip.p, ip.n);
	account_dc_add(a, &dc);
}

/* -- after connecting ----------------------------------------------------- */

static void config_take(struct tg_account *a, const struct tl_obj *config)
{
	uint32_t n = tl_count(config, TL_config_dc_options);

	for (uint32_t i = 0; i < n; i++)
		dc_option_take(a, tl_item(config, TL_config_dc_options, i));
	phone_timers(&a->phone,
		     tl_int(config, TL_config_call_receive_timeout_ms),
		     tl_int(config, TL_config_call_ring_timeout_ms));
}

/* Nobody answered: to be asked again. Any answer of Telegram, even an error,
 * is one. */
static bool is_silence(const struct mtp_error *err)
{
	return err->code == 408 || err->code < 0;
}

static void config_answered(const struct mtp_error *err,
			    const struct tl_obj *answer, void *arg)
{
	struct tg_account *a = arg;

	/* Without it the defaults serve. */
	if (err && is_silence(err)) {
		a->config_asked = false;
		account_wake(a);
		return;
	}
	if (!err)
		config_take(a, answer);
	a->config_known = true;
	account_state_update(a);
}

static void self_answered(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg)
{
	struct tg_account *a = arg;

	/* What the answer holds was learnt on its way in. */
	if (err && is_silence(err)) {
		a->self_asked = false;
		account_wake(a);
		return;
	}
	a->self_known = true;
	account_state_update(a);
}

static void self_ask(struct tg_account *a)
{
	struct tl_arena arena;
	struct tl_obj *q;

	tl_arena_init(&arena);
	q = tl_new(&arena, TL_users_getUsers);
	if (!tl_set_vector(&arena, q, TL_users_getUsers_id, 1)) {
		tl_put_obj(q, TL_users_getUsers_id, 0,
			   tl_new(&arena, TL_inputUserSelf));
		a->self_asked = !tg_account_query(a, q, 0, self_answered, a);
	}
	tl_arena_clear(&arena);
}

static void config_ask(struct tg_account *a)
{
	struct tl_arena arena;

	tl_arena_init(&arena);
	a->config_asked = !tg_account_query(
		a, tl_new(&arena, TL_help_getConfig), 0, config_answered, a);
	tl_arena_clear(&arena);
}

static bool config_due(const struct tg_account *a)
{
	return !a->config_asked && !a->config_known;
}

static bool self_due(const struct tg_account *a)
{
	return a->logged_in && !a->self_asked && !a->self_known;
}

bool account_greet_due(const struct tg_account *a)
{
	return a->connection && a->state != TG_STATE_DEAD &&
	       !a->rebuild_wanted && connection_ready(a->connection) &&
	       (config_due(a) || self_due(a));
}

void account_greet(struct tg_account *a)
{
	if (!account_greet_due(a))
		return;
	if (config_due(a))
		config_ask(a);
	if (self_due(a))
		self_ask(a);
}

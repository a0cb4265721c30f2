/* What an account asks first on a new connection: the configuration, and who
 * it is itself. Both are asked again only when nobody answered. Then whether
 * Telegram has frozen it.
 */
#include "telegram/account_core.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* A freeze ends without a word to the clients. */
#define FREEZE_STANDS (3600 * USEC_S)
#define APP_CONFIG_AGAIN FREEZE_STANDS

static void dc_option_take(struct tg_account *a, const struct tl_obj *o)
{
	struct bytes ip = tl_bytes(o, TL_dcOption_ip_address);
	int32_t port = tl_int(o, TL_dcOption_port);
	struct tg_dc dc = {.id = tl_int(o, TL_dcOption_id),
			   .port = (uint16_t)port,
			   .test = a->dcs[0].test,
			   .tcpo_only = tl_has(o, TL_dcOption_tcpo_only),
			   .fixed = tl_has(o, TL_dcOption_static),
			   .this_port_only =
				   tl_has(o, TL_dcOption_this_port_only)};
	struct bytes secret = tl_bytes(o, TL_dcOption_secret);
	struct sa sa;

	/* For files only, or of a content network: never dialled. */
	if (tl_has(o, TL_dcOption_media_only) || tl_has(o, TL_dcOption_cdn) ||
	    !ip.n || ip.n >= sizeof(dc.host) || memchr(ip.p, 0, ip.n) ||
	    port <= 0 || port > UINT16_MAX || dc.id < 1)
		return;
	memcpy(dc.host, ip.p, ip.n);
	if (sa_set_str(&sa, dc.host, dc.port) ||
	    (secret.n && secret.n != MTP_SECRET_BYTES &&
	     secret.n != MTP_SECRET_BYTES + 1)) {
		count_bad("telegram", "dc_option", "an address is unusable");
		return;
	}
	dc.secret_n = (uint8_t)secret.n;
	if (secret.n)
		memcpy(dc.secret, secret.p, secret.n);
	account_dc_add(a, &dc);
}

/* -- after connecting ----------------------------------------------------- */

static void config_take(struct tg_account *a, const struct tl_obj *config)
{
	uint32_t n = tl_count(config, TL_config_dc_options);

	/* What was told before no longer counts. */
	if (n)
		a->dcs_n = a->dcs_own;
	for (uint32_t i = 0; i < n; i++)
		dc_option_take(a, tl_item(config, TL_config_dc_options, i));
	if (n && a->keep.dcs)
		a->keep.dcs(a->dcs + a->dcs_own, a->dcs_n - a->dcs_own, a->arg);
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
	account_wake(a);
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

/* -- freezes -------------------------------------------------------------- */

static const struct tl_obj *app_value(const struct tl_obj *config,
				      const char *key)
{
	uint32_t n = tl_count(config, TL_jsonObject_value);

	for (uint32_t i = 0; i < n; i++) {
		const struct tl_obj *v =
			tl_item(config, TL_jsonObject_value, i);

		if (bytes_equal(tl_bytes(v, TL_jsonObjectValue_key),
				bytes_str(key)))
			return tl_child(v, TL_jsonObjectValue_value);
	}
	return NULL;
}

static int64_t app_date(const struct tl_obj *config, const char *key)
{
	const struct tl_obj *v = app_value(config, key);
	double date =
		tl_is(v, TL_jsonNumber) ? tl_double(v, TL_jsonNumber_value) : 0;

	return date > 0 && date < INT32_MAX ? (int64_t)date : 0;
}

/* A method that was refused as frozen weighs more than a configuration that
 * may be an old one. By our own clock: the server's may be far off. */
static bool is_fresh_freeze(const struct tg_account *a)
{
	usec_t at = a->frozen.refused_at;

	return at && clock_now() - at < FREEZE_STANDS;
}

static void app_config_take(struct tg_account *a, const struct tl_obj *config)
{
	const struct tl_obj *url = app_value(config, "freeze_appeal_url");
	int64_t since = app_date(config, "freeze_since_date");

	if (!since && is_fresh_freeze(a))
		return;
	a->frozen.appeal_url[0] = '\0';
	if (tl_is(url, TL_jsonString))
		text_clean(a->frozen.appeal_url, sizeof(a->frozen.appeal_url),
			   tl_bytes(url, TL_jsonString_value));
	account_frozen(a, since, app_date(config, "freeze_until_date"));
}

static void app_config_answered(const struct mtp_error *err,
				const struct tl_obj *answer, void *arg)
{
	struct tg_account *a = arg;

	a->app_config_at = clock_now() + APP_CONFIG_AGAIN;
	if (err || !tl_is(answer, TL_help_appConfig) ||
	    !tl_is(tl_child(answer, TL_help_appConfig_config), TL_jsonObject))
		return;
	app_config_take(a, tl_child(answer, TL_help_appConfig_config));
}

static void app_config_ask(struct tg_account *a)
{
	struct tl_arena arena;
	struct tl_obj *q;

	a->app_config_asked = true;
	a->app_config_at = USEC_NEVER;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_help_getAppConfig);
	tl_set_int(q, TL_help_getAppConfig_hash, 0);
	if (tg_account_query(a, q, 0, app_config_answered, a))
		a->app_config_at = clock_now() + APP_CONFIG_AGAIN;
	tl_arena_clear(&arena);
}

/* -- what is due ---------------------------------------------------------- */

static bool config_due(const struct tg_account *a)
{
	return !a->config_asked && !a->config_known;
}

static bool self_due(const struct tg_account *a)
{
	return a->logged_in && !a->self_asked && !a->self_known;
}

/* Once a connection, when all else is known; a freeze is watched. */
static usec_t app_config_due(const struct tg_account *a)
{
	if (!a->logged_in || !a->synced)
		return USEC_NEVER;
	if (!a->app_config_asked)
		return 0;
	return a->frozen.since ? a->app_config_at : USEC_NEVER;
}

usec_t account_greet_deadline(const struct tg_account *a)
{
	if (!a->connection || tg_state_is_over(a->state) ||
	    (a->rebuild_wanted && !account_migration_waits(a)) ||
	    !connection_ready(a->connection))
		return USEC_NEVER;
	return config_due(a) || self_due(a) ? 0 : app_config_due(a);
}

void account_greet(struct tg_account *a)
{
	usec_t now = clock_now();

	if (account_greet_deadline(a) > now)
		return;
	if (config_due(a))
		config_ask(a);
	if (self_due(a))
		self_ask(a);
	if (app_config_due(a) <= now)
		app_config_ask(a);
}

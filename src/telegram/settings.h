/* The account settings a gateway wants (behaviour 3.2, telegram-wire C.2): so
 * that one call does not ring everywhere, strangers get through, media is
 * direct, and no group is joined.
 *
 * Telegram refuses to change other log-ins during the first 24 hours of ours:
 * 406 "FRESH_RESET_AUTHORISATION_FORBIDDEN", which passes through.
 */
#ifndef TELEGRAM_SETTINGS_H
#define TELEGRAM_SETTINGS_H

#include "telegram/account.h"

enum tg_setting {
	TG_SETTING_OTHER_DEVICES, /* every other log-in takes no calls; ours
				   * does, and is confirmed */
	TG_SETTING_CALLS,         /* everybody may call */
	TG_SETTING_P2P,           /* peer-to-peer with everybody */
	TG_SETTING_GROUPS,        /* nobody may add it to a group */
	TG_SETTINGS,
};

/* "other-devices", "calls", "p2p", "groups"; -EINVAL. */
int tg_setting_of(enum tg_setting *setting, const char *name);
const char *tg_setting_name(enum tg_setting setting);
const char *tg_setting_text(enum tg_setting setting); /* what it does */

/* is_set: as the gateway wants it. left: other log-ins that still take calls
 * (of OTHER_DEVICES only). */
typedef void(tg_setting_h)(const struct mtp_error *err, bool is_set,
			   unsigned left, void *arg);
/* Errors of both: -ENOTCONN, -EPERM, -ENOMEM; done does not run then. Setting
 * one replaces its rules, exceptions for single users among them. */
int tg_setting_read(struct tg_account *a, enum tg_setting setting,
		    tg_setting_h *done, void *arg);
/* Already as wanted: nothing is sent. Refused half-way: the error, and how
 * many are left. */
int tg_setting_apply(struct tg_account *a, enum tg_setting setting,
		     tg_setting_h *done, void *arg);

#endif

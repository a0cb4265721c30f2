/* The states of a session, all that an administrator can see, and what leads
 * to each (telegram-wire A.8; behaviour 3.1, 8).
 *
 *   trying    the account goes on by itself; calls: "503 Session is not
 *             running"
 *   ready     calls pass
 *   limited   connected and logged in, but Telegram lets it call nobody;
 *             calls: "500 FROZEN_METHOD_INVALID"
 *   stopped   no connection and no attempt before the gateway is started
 *             again, or somebody logs in; the log-in is kept. Calls: 503
 *   dead      the log-in is gone, its key erased; only a new log-in helps.
 *             Calls: 503 "Session is not running"; the PBX's REGISTER: "403
 *             Telegram session is inactive"
 *
 * Dead and limited states survive a restart of the gateway. `reason` is the
 * last word of whoever refused: Telegram's text, or the system's.
 *
 *   state                kind     retried  reason that leads there
 *   -------------------  -------  -------  --------------------------------
 *   offline              trying   yes      TCP failed or was lost (back-off)
 *   connecting           trying   yes      TCP, key, first questions
 *   proxy_refused        trying   yes      "proxy ..": of a connection
 *   no_address           trying   no       of the data centre, in no list
 *   updating             trying   yes      learning what was missed
 *   ready                ready
 *   waiting_for_login    stopped* no       nobody has logged in yet
 *   frozen               limited  hourly   420 FROZEN_METHOD_INVALID, or
 *                                          freeze_since_date in appConfig
 *   update_app_to_login  stopped  no       406 UPDATE_APP_TO_LOGIN
 *   api_id_invalid       stopped  no       400 API_ID_INVALID,
 *                                          API_ID_PUBLISHED_FLOOD
 *   key_file_wrong       stopped  no       the kept key does not open
 *   logged_out           dead     no       LOGGED_OUT: by the administrator
 *   key_unregistered     dead     no       401 AUTH_KEY_UNREGISTERED,
 *                                          AUTH_KEY_INVALID,
 *                                          AUTH_KEY_PERM_EMPTY
 *   key_unknown          dead     no       AUTH_KEY_UNKNOWN: four times -404
 *   revoked              dead     no       401 SESSION_REVOKED
 *   expired              dead     no       401 SESSION_EXPIRED
 *   duplicated           dead     no       406 (401) AUTH_KEY_DUPLICATED
 *   deactivated          dead     no       401 USER_DEACTIVATED
 *   banned               dead     no       401 USER_DEACTIVATED_BAN
 *
 *   * with a connection, waiting for a log-in.
 */
#ifndef TELEGRAM_STATE_H
#define TELEGRAM_STATE_H

#include <stdbool.h>

enum tg_state {
	TG_STATE_OFFLINE,
	TG_STATE_CONNECTING,
	TG_STATE_PROXY_REFUSED,
	TG_STATE_NO_ADDRESS,
	TG_STATE_UPDATING,
	TG_STATE_READY,
	TG_STATE_WAITING_FOR_LOGIN,
	TG_STATE_FROZEN,
	TG_STATE_UPDATE_APP,
	TG_STATE_API_ID,
	TG_STATE_KEY_FILE,
	TG_STATE_LOGGED_OUT,
	TG_STATE_UNREGISTERED,
	TG_STATE_KEY_UNKNOWN,
	TG_STATE_REVOKED,
	TG_STATE_EXPIRED,
	TG_STATE_DUPLICATED,
	TG_STATE_DEACTIVATED,
	TG_STATE_BANNED,
	TG_STATES,
};

const char *tg_state_name(enum tg_state state); /* "ready", ... */
/* What to do about it, one sentence for the administrator. */
const char *tg_state_text(enum tg_state state);
/* Neither connection nor attempts: stopped and dead. */
bool tg_state_is_over(enum tg_state state);
/* The log-in is gone. */
bool tg_state_is_dead(enum tg_state state);
/* Telegram knows this session as somebody's log-in, as far as we know. */
bool tg_state_is_logged_in(enum tg_state state);

/* The stopped, dead or limited state that an RPC error leads to; false: it
 * concerns its query only. A login's own refusals do not lead anywhere while
 * nobody is logged in, but those of the application do. */
bool tg_state_of_error(enum tg_state *state, int code, const char *text);
/* The same of a kept reason. */
bool tg_state_of_reason(enum tg_state *state, const char *reason);

#endif

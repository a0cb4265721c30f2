/* Manager <-> Storage. Version 1.
 *
 *   manager.call.incoming  {session, storage, call, telegram_id, access_hash,
 *                          caller: USER} a Telegram user calls an account; the
 *                          Storage has confirmed receipt (it rings)
 *   manager.session.state  {session, storage, state, reason, user: USER|null}
 *   storage.S.call.assign  {call, worker}: events of the call go there
 *   storage.S.login.start  request {session, phone}
 *     answer {ok: true, how, length, timeout_s} | {ok: false, code, text}
 *   storage.S.login.code   request {session, code}
 *     answer {ok: true, user: USER} | {ok: false, code, text}
 *   storage.S.logout       request {session} -> {ok}
 *   storage.S.show         request {what: "sessions"} -> {rows: [..]}
 */
#ifndef BUS_MANAGER_STORAGE_H
#define BUS_MANAGER_STORAGE_H

#define BUS_MANAGER_CALL_INCOMING "manager.call.incoming"
#define BUS_MANAGER_SESSION_STATE "manager.session.state"
#define BUS_STORAGE_CALL_ASSIGN "storage.%s.call.assign"
#define BUS_STORAGE_LOGIN_START "storage.%s.login.start"
#define BUS_STORAGE_LOGIN_CODE "storage.%s.login.code"
#define BUS_STORAGE_LOGOUT "storage.%s.logout"
#define BUS_STORAGE_SHOW "storage.%s.show"

#endif

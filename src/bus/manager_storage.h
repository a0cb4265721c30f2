/* Manager <-> Storage. Version 1.
 *
 *   manager.call.incoming  {session, storage, call, telegram_id, access_hash,
 *                          caller: USER} a Telegram user calls an account; the
 *                          Storage has confirmed receipt (it rings);
 *     request -> {ok: true} | {ok: false, cause: name of base/cause.h}: the
 *     Storage ends the call and tells the caller
 *   manager.session.state  {session, storage, state, reason, logged_in: bool,
 *                          lost: bool: it had a log-in that is gone or cannot
 *                          be read, user: USER|null}; state as in
 *                          telegram/state.h
 *   manager.message        {session, storage, from: USER, text} a user wrote
 *                          to an account whose messages are on; not our own,
 *                          edited ones or those of other accounts of ours
 *   manager.storage.gone   {storage}: it has stopped
 *   manager.up             {}: a Manager came back (manager_worker.h); Storages
 *                          tell the state of their sessions
 *   storage.S.call.assign  {call, worker}: events of the call go there
 *   storage.S.login.start    request {session, phone}
 *   storage.S.login.resend   request {session}
 *     answer {ok: true, how, length, pattern, next, timeout_s}
 *   storage.S.login.cancel   request {session} -> {ok}
 *   storage.S.login.code     request {session, code}
 *   storage.S.login.password request {session, password}
 *   storage.S.login.recover  request {session} -> {ok, email: pattern}; then
 *                            {session, code, password: new one or ""}
 *   storage.S.login.qr       request {session, shown: bool}: a code; shown: waits
 *                            for its scan or its end (within 60 s)
 *     answer {ok: true, url, seconds}, or as below
 *   storage.S.login.bot      request {session, token}
 *     answer {ok: true, user: USER}, or what is still owed:
 *     {ok: true, password: {hint, recovery: true when by e-mail}}
 *   storage.S.logins         request {session} -> {ok, rows: [{login, ..}]}
 *   storage.S.logins.end     request {session, login} -> {ok}
 *   storage.S.settings       request {session} -> {ok, rows: [{setting, set,
 *                            left, text, error}]}
 *   storage.S.settings.apply request {session, setting} -> {ok, left}
 *   storage.S.logout         request {session} -> {ok}
 *   storage.S.message        request {command, session, ..}, as the commands
 *                            message, inline, file and events of
 *                            service/service.h have them
 *     each may answer {ok: false, code, text}
 *   storage.S.chat.tell      {session, user: "id", text}: why his call failed;
 *                            not sent when the session's messages are off
 *   storage.S.show         request {what: "sessions"} -> {rows: [..]}
 */
#ifndef BUS_MANAGER_STORAGE_H
#define BUS_MANAGER_STORAGE_H

#define BUS_MANAGER_CALL_INCOMING "manager.call.incoming"
#define BUS_MANAGER_STORAGE_GONE "manager.storage.gone"
#define BUS_MANAGER_SESSION_STATE "manager.session.state"
#define BUS_MANAGER_MESSAGE "manager.message"
#define BUS_STORAGE_CALL_ASSIGN "storage.%s.call.assign"
#define BUS_STORAGE_LOGIN_START "storage.%s.login.start"
#define BUS_STORAGE_LOGIN_CODE "storage.%s.login.code"
#define BUS_STORAGE_LOGIN_RESEND "storage.%s.login.resend"
#define BUS_STORAGE_LOGIN_CANCEL "storage.%s.login.cancel"
#define BUS_STORAGE_LOGIN_PASSWORD "storage.%s.login.password"
#define BUS_STORAGE_LOGIN_RECOVER "storage.%s.login.recover"
#define BUS_STORAGE_LOGIN_QR "storage.%s.login.qr"
#define BUS_STORAGE_LOGIN_BOT "storage.%s.login.bot"
#define BUS_STORAGE_LOGINS "storage.%s.logins"
#define BUS_STORAGE_LOGINS_END "storage.%s.logins.end"
#define BUS_STORAGE_SETTINGS "storage.%s.settings"
#define BUS_STORAGE_SETTINGS_APPLY "storage.%s.settings.apply"
#define BUS_STORAGE_LOGOUT "storage.%s.logout"
#define BUS_STORAGE_MESSAGE "storage.%s.message"
#define BUS_STORAGE_CHAT_TELL "storage.%s.chat.tell"
#define BUS_STORAGE_SHOW "storage.%s.show"

#endif

/* Worker <-> Storage: one Telegram call's signalling. Version 1.
 *
 * Subjects; S is a storage's id, W a worker's, C a call's:
 *
 *   storage.S.call.start   request  start an outgoing call
 *     {call, worker, session, peer: {kind: "phone"|"username"|"id", value},
 *      versions: [..]}
 *     answer {ok: true} | {ok: false, code, text}; code and text are
 *     Telegram's (or 0 and a text of ours)
 *   storage.S.call.accept  {call}
 *   storage.S.call.discard {call, reason: "missed"|"busy"|"hangup"|
 *                           "disconnect", duration_s}
 *   storage.S.call.signal  {call, data: base64}
 *   storage.S.call.stale   {session, telegram_id: "..", access_hash: ".."}
 *                          end a call that an earlier process left behind
 *
 *   worker.W.call.event    from the Storage, `call` names it:
 *     {call, event: "resolved", user: USER}
 *     {call, event: "waiting", telegram_id: "..", access_hash: ".."}
 *     {call, event: "ringing"}
 *     {call, event: "active", key: hex, emoji: text, outgoing, version,
 *      p2p_allowed, custom_parameters: text|null, servers: [SERVER]}
 *     {call, event: "signal", data: base64}
 *     {call, event: "ended", reason: "none"|"missed"|"busy"|"hangup"|
 *      "disconnect", by_us, was_ringing, was_active, code, text}
 *
 * USER   {id: "..", first_name, last_name, username, phone}
 * SERVER {id, host, port, username, password, turn, reflector, tcp, peer_tag}
 * 64-bit numbers travel as decimal strings: JSON numbers lose their last bits.
 */
#ifndef BUS_WORKER_STORAGE_H
#define BUS_WORKER_STORAGE_H

#define BUS_STORAGE_CALL_START "storage.%s.call.start"
#define BUS_STORAGE_CALL_ACCEPT "storage.%s.call.accept"
#define BUS_STORAGE_CALL_DISCARD "storage.%s.call.discard"
#define BUS_STORAGE_CALL_SIGNAL "storage.%s.call.signal"
#define BUS_STORAGE_CALL_STALE "storage.%s.call.stale"
#define BUS_WORKER_CALL_EVENT "worker.%s.call.event"

#endif

/* Manager <-> Worker. Version 1.
 *
 *   manager.hello          {worker, address: of its SIP, registrar: bool: PBXs
 *                          may register there, calls: [id]: those it has,
 *                          certificates: {file: unix time of its end}}: the
 *                          Manager answers with worker.W.trunks
 *   manager.bye            {worker}: it has stopped
 *   manager.up             {}: a Manager came back; Workers say hello
 *   worker.W.trunks        {trunks: [{name, storage, here: bool: this Worker
 *                          serves it, settings: {key: text} as in
 *                          route/trunk_json.h, refusal: cause of REGISTER,
 *                          text: of rows without a reason}]}; the whole table,
 *                          on change and every 2 s as heartbeat: a Worker that
 *                          has not heard it for 10 s answers 503 No response
 *                          from Manager; {gone: true}: at once
 *   manager.route          request {call, worker, trunk, identifier, codec:
 *                          false when the offer has none in common;
 *                          explain: true when it is no call}
 *     answer {ok: true, session, storage, peer: {kind, value}}
 *          | {ok: false, cause: name of base/cause.h; text: of rows without
 *            a reason}
 *   manager.registered     {worker, trunk, contact, source, user_agent,
 *                          expires_s, cause: why ours at a PBX failed};
 *                          expires_s 0: gone
 *   manager.reachable      {worker, trunk, reachable, cause}: its keep-alive
 *                          is answered again, or not any more
 *   worker.W.call.offer    request -> {ok}: a Telegram user calls: {call, session, storage,
 *                          telegram_id, access_hash, caller: USER,
 *                          targets: [{trunk, priority, from_user,
 *                          from_name, number: called at the PBX; "": the
 *                          trunk's own}],
 *                          caller_is_gateway: bool (482, against loops);
 *                          refusal: {cause, text}: it must not ring}
 *   manager.ban            {worker, address, seconds, times, reason}: kept
 *   manager.ban.lifted     {address}
 *   worker.W.ban           {address, seconds, times, reason}: one that is
 *                          kept, for a Worker that said hello
 *   worker.W.ban.add       request {address} -> {ok} half an hour, by hand
 *   worker.W.ban.lift      request {address} -> {ok}
 *   manager.show.alerts    request {} -> {rows: [..]}
 *   manager.alert.acknowledge  request {id: text} -> {ok}
 *   manager.show.trunks    request {} -> {rows: [..]}
 *   manager.explain        request {call: its id, event or SIP Call-ID}
 *     answer {ok: true, rows: [{what, text}], record} | {ok: false, text}
 *   manager.trunk.VERB     request {trunk, settings: {key: text}} -> {ok, rows}
 *                          | {ok: false, text}; add, set, show, account,
 *                          password, enable, disable, remove
 *   manager.place.VERB     request {worker or storage: id} -> {ok}; enable,
 *                          disable; show -> {rows}
 *   manager.subscription.VERB request {subscription, settings} -> {ok}; set,
 *                          remove; show -> {rows}
 *   manager.call.open      {call, worker, keep: {...}} what is needed to close
 *                          the call after a crash; sent again when it changes
 *   manager.call.record    request {call, record: {...}} -> {ok} the call
 *                          ended; a Worker keeps what has no answer
 *   worker.W.show          request {what: "calls"|"status"|"bans"|
 *                          "refused"} -> {rows: [..]}
 *   worker.W.capture       request {call, file} -> {ok, file} or {ok, text}
 *   worker.W.digits        request {call, digits} -> {ok, method}: presses
 *                          keys towards the PBX
 *   worker.W.explain       request {source, number, settings: {login, codecs,
 *                          header: "NAME:VALUE", line}}: an INVITE
 *     answer {ok: true, rows: [{check, what, verdict, text}]} in the order of
 *     behaviour 3.4 | {ok: false, text}
 *   worker.W.bye           {dialog: text} say BYE in a dialog of an earlier
 *                          process
 */
#ifndef BUS_MANAGER_WORKER_H
#define BUS_MANAGER_WORKER_H

#define BUS_MANAGER_HELLO "manager.hello"
#define BUS_MANAGER_BYE "manager.bye"
#define BUS_MANAGER_UP "manager.up"
#define BUS_MANAGER_TRUNK "manager.trunk.>"
#define BUS_MANAGER_PLACE "manager.place.>"
#define BUS_MANAGER_PLACE_SHOW "manager.place.show"
#define BUS_MANAGER_PLACE_ENABLE "manager.place.enable"
#define BUS_MANAGER_SUBSCRIPTION "manager.subscription.>"
#define BUS_MANAGER_SUBSCRIPTION_SET "manager.subscription.set"
#define BUS_MANAGER_SUBSCRIPTION_REMOVE "manager.subscription.remove"
#define BUS_MANAGER_ROUTE "manager.route"
#define BUS_MANAGER_REGISTERED "manager.registered"
#define BUS_MANAGER_REACHABLE "manager.reachable"
#define BUS_MANAGER_SHOW_TRUNKS "manager.show.trunks"
#define BUS_MANAGER_EXPLAIN "manager.explain"
#define BUS_MANAGER_CALL_OPEN "manager.call.open"
#define BUS_MANAGER_CALL_RECORD "manager.call.record"
#define BUS_MANAGER_SHOW_ALERTS "manager.show.alerts"
#define BUS_MANAGER_ALERT_ACKNOWLEDGE "manager.alert.acknowledge"
#define BUS_MANAGER_BAN "manager.ban"
#define BUS_MANAGER_BAN_LIFTED "manager.ban.lifted"
#define BUS_WORKER_BAN "worker.%s.ban"
#define BUS_WORKER_BAN_ADD "worker.%s.ban.add"
#define BUS_WORKER_BAN_LIFT "worker.%s.ban.lift"
#define BUS_WORKER_TRUNKS "worker.%s.trunks"
#define BUS_WORKER_CALL_OFFER "worker.%s.call.offer"
#define BUS_WORKER_SHOW "worker.%s.show"
#define BUS_WORKER_DIGITS "worker.%s.digits"
#define BUS_WORKER_EXPLAIN "worker.%s.explain"
#define BUS_WORKER_CAPTURE "worker.%s.capture"
#define BUS_WORKER_BYE "worker.%s.bye"

#endif

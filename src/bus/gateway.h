/* The process that holds roles, for those who ask. Version 1.
 *
 *   gateway.role.stop      request {role: "manager"|"worker"|"storage"} -> {ok}
 *                          when its calls have ended and its objects are gone
 *   gateway.role.start     request {role} -> {ok}
 *   gateway.role.show      request {} -> {rows: [{role, id, running}]}
 *   gateway.reload         request {} -> {ok, trunks}: the configuration's
 *                          trunks and the sessions' owners are read again
 *     each may answer {ok: false, text}
 */
#ifndef BUS_GATEWAY_H
#define BUS_GATEWAY_H

#define BUS_GATEWAY_ROLE_STOP "gateway.role.stop"
#define BUS_GATEWAY_ROLE_START "gateway.role.start"
#define BUS_GATEWAY_ROLE_SHOW "gateway.role.show"
#define BUS_GATEWAY_RELOAD "gateway.reload"

#endif

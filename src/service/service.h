/* The commands of the gateway, asked over the bus.
 *
 * A request is a JSON object {command: "show calls", ...arguments}; the answer
 * is {ok: true, columns: [..], rows: [{..}]} or {ok: true, ...} or
 * {ok: false, error: "..."}. Mandatory text arguments may stand behind the
 * command, one word each: "ban lift 192.0.2.1". One loop.
 *
 *   show calls | trunks | sessions | bans | version | counters | status
 *   ban add        {address}         half an hour
 *   ban lift       {address}
 *   show logins    {session}         log-ins of the session's account
 *   end login      {session, login}  ends another one of them
 *   login start    {session, phone}
 *   login resend   {session}         -> {how, length, pattern, next, timeout_s}
 *   login cancel   {session}
 *   login code     {session, code}
 *   login password {session, password}
 *   login recover  {session}         -> {email}; then with {code, password}
 *   login qr       {session, shown}  -> {url, seconds}; shown true: waits for
 *                                    the scan of the last one, or for its end
 *   login bot      {session, token}
 *     -> {user: USER}, or {password: {hint, recovery}}: still owed
 *   logout         {session}
 *   show account   {session}          its settings (telegram/settings.h)
 *   account        {session, setting} sets one as the gateway wants it
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "bus/bus.h"

struct service;

struct service_conf {
	struct bus *bus;     /* borrowed for life */
	const char *worker;  /* ids of the roles asked */
	const char *storage;
};

int service_new(struct service **sp, const struct service_conf *conf);
/* After the bus is freed. What has no answer yet is answered "stopped". */
void service_free(struct service **sp);

/* answer is borrowed by the handler; runs exactly once, never inside this
 * call. */
typedef void(service_answer_h)(json_t *answer, void *arg);
int service_run(struct service *s, json_t *request, service_answer_h *done,
		void *arg);

#endif

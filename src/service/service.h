/* The commands of the gateway, asked over the bus.
 *
 * A request is a JSON object {command: "show calls", ...arguments}; the answer
 * is {ok: true, columns: [..], rows: [{..}]} or {ok: true, ...} or
 * {ok: false, error: "..."}. Mandatory text arguments may stand behind the
 * command, one word each: "ban lift 192.0.2.1". One loop.
 *
 *   help                             the commands that are words
 *   show calls | trunks | sessions | bans | version | counters | status
 *   show causes                      the table of base/cause.h
 *   explain        {call}            its record in words, and what to do; the
 *                                    call's id, or its SIP Call-ID
 *   show alerts                      open and past ones, the newest first
 *   alert acknowledge {id}           somebody has seen it
 *   show refused                     whose requests were refused lately
 *   show subscriptions | places | roles
 *   trunk add | set {trunk, settings: {key: text}}: KEY=VALUE behind the name
 *   trunk show | account | password | enable | disable | remove {trunk}
 *   subscription set {subscription, settings} | remove {subscription}
 *   worker enable | disable {worker}; storage enable | disable {storage}
 *   role start | stop {role}: manager, worker or storage of this process
 *   reload                           the configuration's trunks
 *   explain invite {source, number; settings: {login, codecs, header: "NAME:
 *                   VALUE", line}}   which trunk it would be of, check by check
 *   ban add        {address}         half an hour
 *   ban lift       {address}
 *   digits         {call, digits}    presses keys towards the PBX
 *     -> {method: rfc2833 | info | inband}
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
 *
 * Messages of a session's private chats. Peers: "me", "+digits", "@name" or a
 * user's id. Numbers of 64 bits are text. DRAFT: text (Markdown, or format:
 * "html", "plain"), keyboard ([[{text, data or url}, ..], ..], bots only),
 * reply_to, silent, preview, random (repeated: still one message). Data of
 * buttons that is no text: "hex:" and digits.
 *   message send   {session, to, DRAFT}          -> {id, message: MESSAGE}
 *   message edit   {session, to, id, DRAFT}      -> as above
 *   message delete {session, id or ids; for_all: false: here only}
 *   message list   {session, to; before, limit}  -> rows of MESSAGE
 *   message press  {session, to, id, data}       -> {answer, url, alert}
 *   message answer {session, query; text, alert, cache_s}         as a bot
 *   inline ask     {session, bot, to; query}     -> {query, rows: [{result,
 *                                                   title, description}]}
 *   inline send    {session, bot, to, query, result} -> {id, message}
 *   inline answer  {session, query, results: [{id, title, description, DRAFT}];
 *                   cache_s, personal}                            as a bot
 *   inline edit    {session, message, DRAFT}                      as a bot
 *   file send      {session, to, path; name, mime, caption for the DRAFT's
 *                   text; voice: true, levels: [0..31, ..]} -> {id, message}
 *   file receive   {session, id, path}           never over a file
 *   events         {session; after, wait_s}      -> {next, rows: [{number,
 *                   event: message | edited | deleted | pressed |
 *                   inline-query | inline-chosen, ..}]}; kept from the first
 *                   question on, the newest 128
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "bus/bus.h"

struct service;

struct service_conf {
	struct bus *bus;    /* borrowed for life */
	const char *worker; /* ids of the roles asked */
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

/* Which trunk an INVITE would be of, and which check would refuse it
 * (requirement D4; the order is that of behaviour 3.4). The functions asked are
 * those that a real INVITE passes; nothing is sent, counted or kept. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "worker/sip_media.h"

#define ROUTE_TIMEOUT_MS 5000
#define PASSES CAUSE_ROWS

enum check {
	CHECK_WORKER = 1,
	CHECK_MANAGER,
	CHECK_TRUNK,
	CHECK_CREDENTIALS,
	CHECK_REGISTRATION,
	CHECK_ACCOUNT,
	CHECK_STORAGE,
	CHECK_SESSION,
	CHECK_LIMITS,
	CHECK_CODEC,
	CHECK_IDENTIFIER,
	CHECK_TELEGRAM,
};

static const char *const check_names[] = {
	[CHECK_WORKER] = "the Worker is ready",
	[CHECK_MANAGER] = "the Manager answers",
	[CHECK_TRUNK] = "whose INVITE it is",
	[CHECK_CREDENTIALS] = "password and trusted_ips",
	[CHECK_REGISTRATION] = "the PBX is registered",
	[CHECK_ACCOUNT] = "the trunk is in use on this Worker",
	[CHECK_STORAGE] = "the Storage answers",
	[CHECK_SESSION] = "the Telegram session runs",
	[CHECK_LIMITS] = "lines and other limits",
	[CHECK_CODEC] = "a common codec",
	[CHECK_IDENTIFIER] = "who is called",
	[CHECK_TELEGRAM] = "Telegram takes the call",
};

/* The check that gives this cause. */
static enum check check_of(enum cause_row row)
{
	switch (row) {
	case CAUSE_WORKER_NOT_READY:
		return CHECK_WORKER;
	case CAUSE_NO_MANAGER:
		return CHECK_MANAGER;
	case CAUSE_WRONG_PASSWORD:
	case CAUSE_UNTRUSTED:
		return CHECK_CREDENTIALS;
	case CAUSE_REGISTER_FIRST:
		return CHECK_REGISTRATION;
	case CAUSE_ACCOUNT_NOT_RUNNING:
	case CAUSE_NOTHING_ATTACHED:
		return CHECK_ACCOUNT;
	case CAUSE_STORAGE_UNAVAILABLE:
		return CHECK_STORAGE;
	case CAUSE_SESSION_NOT_RUNNING:
		return CHECK_SESSION;
	case CAUSE_LIMIT:
	case CAUSE_MAX_CALLS:
	case CAUSE_NO_RESOURCES:
	case CAUSE_DATABASE_ERROR:
		return CHECK_LIMITS;
	case CAUSE_NOT_ACCEPTABLE:
		return CHECK_CODEC;
	case CAUSE_NOT_FOUND:
		return CHECK_IDENTIFIER;
	case PASSES:
		return CHECK_TELEGRAM;
	default:
		return CHECK_TRUNK;
	}
}

/* One question, until the Manager has answered its part. */
struct explaining {
	struct worker *worker;
	char *inbox;
	char source[64], login[128], number[256];
	char trunk[64], codec[64];
	bool by_login;
};

static void explaining_destroy(void *arg)
{
	struct explaining *x = arg;

	mem_deref(x->inbox);
}

static void answer_bad(const struct worker *w, const char *inbox,
		       const char *text)
{
	bus_reply(w->bus, inbox, json_pack("{sb ss}", "ok", 0, "text", text));
}

/* -- the answer --------------------------------------------------------------
 */

static void found_write(char text[300], const struct explaining *x)
{
	if (*x->trunk && x->by_login)
		snprintf(text, 300, "trunk %s, by its login", x->trunk);
	else if (*x->trunk)
		snprintf(text, 300, "trunk %s, by its address%s", x->trunk,
			 " (and field or contact)");
	else if (*x->login)
		snprintf(text, 300, "no trunk has the login %s", x->login);
	else
		snprintf(text, 300,
			 "no credentials, and no trunk of kind ip or "
			 "gateway-to-pbx at %s that fits: it is challenged",
			 x->source);
}

static void passed_write(char text[300], const struct explaining *x,
			 enum check check, json_t *peer)
{
	text[0] = '\0';
	if (check == CHECK_TRUNK)
		found_write(text, x);
	else if (check == CHECK_CREDENTIALS)
		snprintf(text, 300, "%s",
			 x->by_login ? "the password is taken as right"
				     : "none needed");
	else if (check == CHECK_REGISTRATION && !x->by_login)
		snprintf(text, 300, "none needed");
	else if (check == CHECK_CODEC)
		snprintf(text, 300, "%s", x->codec);
	else if (check == CHECK_IDENTIFIER && peer)
		snprintf(text, 300, "%s reads as %s %s", x->number,
			 text_of(peer, "kind"), text_of(peer, "value"));
}

static void failed_write(char text[300], const struct explaining *x,
			 enum check check, enum cause_row row,
			 const char *words)
{
	const struct cause_facts *f = cause_facts(row);
	char found[300] = "";

	if (check == CHECK_TRUNK)
		found_write(found, x);
	snprintf(text, 300, "%d %s%s%s", f->code, f->reason ? f->reason : words,
		 *found ? ": " : "", found);
}

/* row: of the first check that fails; PASSES: none does. */
static void answer(const struct explaining *x, enum cause_row row,
		   const char *words, json_t *peer)
{
	enum check failing = check_of(row);
	json_t *rows = json_array();
	char text[300];

	for (int check = CHECK_WORKER; check <= CHECK_TELEGRAM; check++) {
		const char *verdict = "passes";

		if (check < (int)failing) {
			passed_write(text, x, (enum check)check, peer);
		} else if (check == (int)failing && row != PASSES) {
			failed_write(text, x, (enum check)check, row, words);
			verdict = "fails";
		} else {
			text[0] = '\0';
			verdict = row == PASSES ? "not asked" : "not reached";
		}
		json_array_append_new(
			rows, json_pack("{si ss ss ss}", "check", check, "what",
					check_names[check], "verdict", verdict,
					"text", text));
	}
	bus_reply(x->worker->bus, x->inbox,
		  json_pack("{sb so}", "ok", 1, "rows", rows));
}

/* -- the checks --------------------------------------------------------------
 */

static void on_route(int err, json_t *o, void *arg)
{
	struct explaining *x = arg;
	enum cause_row row = cause_by_name(text_of(o, "cause"));

	if (err == -ECANCELED) {
		mem_deref(x);
		return;
	}
	if (err)
		answer(x, CAUSE_NO_MANAGER, "", NULL);
	else if (json_is_true(json_object_get(o, "ok")))
		answer(x, PASSES, "", json_object_get(o, "peer"));
	else
		answer(x, row, text_of(o, "text"), NULL);
	mem_deref(x);
}

/* An offer of codecs of settings ("alaw"), or NAME/CLOCK of others. */
static void offer_write(struct buf *sdp, const char *list)
{
	const struct media_codec *c;
	struct buf lines;
	char name[32];
	int pt = 96;

	buf_init(&lines);
	buf_str(sdp, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
		     "c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP");
	while (text_item(&list, name, sizeof(name))) {
		c = media_codec_by_setting(name);
		buf_printf(sdp, " %d", pt);
		if (c)
			buf_printf(&lines, "a=rtpmap:%d %s/%u/%u\r\n", pt,
				   c->name, c->rtp_clock_hz, c->sdp_channels);
		else
			buf_printf(&lines, "a=rtpmap:%d %s%s\r\n", pt, name,
				   strchr(name, '/') ? "" : "/8000");
		pt++;
	}
	buf_str(sdp, "\r\n");
	buf_put(sdp, lines.p, lines.n);
	buf_clear(&lines);
}

static bool codec_fits(struct explaining *x, const struct worker_trunk *t,
		       const char *list)
{
	const struct media_codec *codec;
	struct buf sdp;

	if (!*list) {
		snprintf(x->codec, sizeof(x->codec), "none named: any");
		return true;
	}
	buf_init(&sdp);
	offer_write(&sdp, list);
	codec = sip_media_fit(t, buf_bytes(&sdp));
	buf_clear(&sdp);
	snprintf(x->codec, sizeof(x->codec), "%s",
		 codec ? codec->name : "none in common");
	return codec;
}

static void ask_manager(struct explaining *x, const struct worker_trunk *t,
			const char *codecs)
{
	struct worker *w = x->worker;
	bool codec = codec_fits(x, t, codecs);

	if (bus_request(w->bus, BUS_MANAGER_ROUTE,
			json_pack("{ss ss ss ss sb sb}", "call", "explain",
				  "worker", w->id, "trunk", t->set.name,
				  "identifier", x->number, "codec", codec,
				  "explain", 1),
			ROUTE_TIMEOUT_MS, on_route, x)) {
		answer(x, CAUSE_NO_MANAGER, "", NULL);
		mem_deref(x);
	}
}

static void explain(struct explaining *x, const struct sip_question *q,
		    const char *codecs)
{
	struct worker *w = x->worker;
	const struct worker_trunk *t;
	struct sip_explanation e;

	if (sip_stack_explain(&e, w->sip, q)) {
		answer_bad(w, x->inbox, "no INVITE can be like that");
		mem_deref(x);
		return;
	}
	x->by_login = *e.user != '\0';
	t = worker_trunk_of(w, *e.user ? e.user : NULL, e.peer);
	snprintf(x->trunk, sizeof(x->trunk), "%s", t ? t->set.name : "");
	if (e.verdict.code) {
		answer(x, cause_said(e.verdict.code, e.verdict.reason),
		       e.verdict.reason, NULL);
		mem_deref(x);
	} else if (!t || !worker_trunk_runs(t)) {
		answer(x, CAUSE_ACCOUNT_NOT_RUNNING, "", NULL);
		mem_deref(x);
	} else {
		ask_manager(x, t, codecs);
	}
}

/* "X-Office:east" */
static bool header_read(struct sip_question *q, char text[256])
{
	char *colon = strchr(text, ':');

	if (!*text)
		return true;
	if (!colon)
		return false;
	*colon++ = '\0';
	q->header_name = text;
	q->header_value = colon + strspn(colon, " ");
	return true;
}

/* A misspelt one would be an answer to another question. */
static bool settings_known(json_t *o)
{
	static const char *const known[] = {"login", "codecs", "header",
					    "line"};
	size_t given = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		given += json_object_get(o, known[i]) != NULL;
	return given == json_object_size(o);
}

void worker_on_explain(const struct bus_message *m, void *arg)
{
	json_t *o = json_object_get(m->body, "settings");
	struct worker *w = arg;
	struct explaining *x = mem_zalloc(sizeof(*x), explaining_destroy);
	struct sip_question q = {.line = text_of(o, "line")};
	char header[256];

	if (!x || str_dup(&x->inbox, m->inbox ? m->inbox : "")) {
		mem_deref(x);
		return;
	}
	x->worker = w;
	text_copy(x->source, sizeof(x->source), m->body, "source");
	text_copy(x->number, sizeof(x->number), m->body, "number");
	text_copy(x->login, sizeof(x->login), o, "login");
	text_copy(header, sizeof(header), o, "header");
	q.user = x->number;
	q.login = x->login;
	if (sa_decode(&q.source, x->source, strlen(x->source)) &&
	    sa_set_str(&q.source, x->source, 5060)) {
		answer_bad(w, x->inbox,
			   "the source is ADDRESS or ADDRESS:PORT");
		mem_deref(x);
	} else if (!settings_known(o)) {
		answer_bad(w, x->inbox,
			   "there are login, codecs, header and line");
		mem_deref(x);
	} else if (!header_read(&q, header)) {
		answer_bad(w, x->inbox, "a header is NAME:VALUE");
		mem_deref(x);
	} else {
		explain(x, &q, text_of(o, "codecs"));
	}
}

/* What keeps strangers out before anything is answered: bans, the rate of
 * requests, the names of scanners (behaviour 3.15), and what is
 * remembered of the refused (D6). */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "sip/session_priv.h"
#include "sip/stack_priv.h"

/* What tools that look for open gateways call themselves. */
static const char *const scanners[] = {
	"friendly-scanner", "friendly-request", "sipvicious", "sipcli",
	"sip-scan",         "sipscan",          "sundayddr",  "VaxSIPUserAgent",
	"VaxIPUserAgent",   "pplsip",           "iWar",       "sivus",
};

int guard_init(struct sip_stack *s, const struct sip_stack_conf *conf)
{
	int err = bans_new(&s->bans, conf->never_ban, conf->never_ban_n);

	if (!err)
		err = rates_new(&s->rates, conf->rate_limit);
	if (!err)
		err = rates_new(&s->rates_known, conf->rate_limit * 10);
	if (!err)
		err = refused_new(&s->refused);
	for (size_t i = 0; i < conf->drop_agents_n && i < GUARD_AGENTS; i++)
		memcpy(s->drop_agents[s->drop_agents_n++], conf->drop_agents[i],
		       sizeof(s->drop_agents[0]));
	return err;
}

void guard_clear(struct sip_stack *s)
{
	bans_free(&s->bans);
	rates_free(&s->rates);
	rates_free(&s->rates_known);
	refused_free(&s->refused);
}

/* -- offences -------------------------------------------------------------- */

void stack_refused(struct sip_stack *s, const struct sa *source,
		   enum refused_kind kind, const char *reason)
{
	refused_note(s->refused, source, kind, reason, clock_now());
}

void stack_offence(struct sip_stack *s, const struct sa *source,
		   enum refused_kind kind, const char *reason)
{
	struct sip_ban ban;

	stack_refused(s, source, kind, reason);
	if (bans_offence(s->bans, source, reason, clock_now(), &ban) &&
	    s->handlers.banned)
		s->handlers.banned(&ban, s->arg);
}

static bool is_known(const struct sip_stack *s, const struct sa *source)
{
	struct le *le;

	LIST_FOREACH(&s->sessions, le)
	{
		const struct sip_session *session = le->data;

		if (sa_cmp(&session->source, source, SA_ADDR))
			return true;
	}
	return registrar_has_source(s->registrar, source, clock_now()) ||
	       (s->handlers.known && s->handlers.known(source, s->arg));
}

/* A datagram's source can be forged, so it counts against nobody who has a
 * registration or a call. */
static void suspect(struct sip_stack *s, const struct sa *source, bool datagram,
		    enum refused_kind kind, const char *reason)
{
	if (datagram && is_known(s, source))
		stack_refused(s, source, kind, reason);
	else
		stack_offence(s, source, kind, reason);
}

void stack_garbage(struct sip_stack *s, const struct sa *source, bool datagram)
{
	suspect(s, source, datagram, REFUSED_UNPARSABLE, "unparsable message");
}

/* -- before anything else -------------------------------------------------- */

static bool is_response(struct bytes text)
{
	return text.n > 8 && memcmp(text.p, "SIP/2.0 ", 8) == 0;
}

/* Those who may offend may also send as much as they like. Somebody we deal
 * with has ten times as much: others can send in his name, and shall not
 * silence him by it. */
static enum rate_verdict rate_of(struct sip_stack *s, const struct sa *source)
{
	enum rate_verdict verdict;

	if (bans_never(s->bans, source))
		return RATE_WITHIN;
	verdict = rates_take(s->rates, source, clock_now());
	if (verdict != RATE_WITHIN && is_known(s, source))
		verdict = rates_take(s->rates_known, source, clock_now());
	return verdict;
}

static bool within_rate(struct sip_stack *s, const struct sa *source)
{
	enum rate_verdict verdict = rate_of(s, source);
	char address[64];

	if (verdict == RATE_WITHIN)
		return true;
	if (verdict == RATE_OVER_NOW) {
		(void)re_snprintf(address, sizeof(address), "%j", source);
		log_warn("sip", NULL,
			 "too many requests a second from %s: those over the "
			 "limit are dropped",
			 address);
		stack_refused(s, source, REFUSED_RATE, "too many requests");
	}
	count_add("sip", "over the rate limit", 1);
	return false;
}

bool guard_admits(struct sip_stack *s, const struct sa *source,
		  struct bytes text)
{
	if (bans_has(s->bans, source, clock_now())) {
		count_add("sip", "from banned address", 1);
		return false;
	}
	return text.n <= 4 || is_response(text) || within_rate(s, source);
}

static bool is_alnum(struct bytes text, size_t at)
{
	return at < text.n && isalnum(text.p[at]);
}

/* As a word: "sipcli/1.8", but not "SIPClient". */
static bool has_word(struct bytes text, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; n && i + n <= text.n; i++)
		if (strncasecmp((const char *)text.p + i, word, n) == 0 &&
		    !is_alnum(text, i + n) && (!i || !is_alnum(text, i - 1)))
			return true;
	return false;
}

bool guard_drops(struct sip_stack *s, const struct head *h,
		 const struct sa *source, bool datagram)
{
	const struct head_field *agent = head_field(h, "User-Agent", 0);
	bool scanner = false;

	if (!h->request || !agent)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(scanners); i++)
		scanner |= has_word(agent->value, scanners[i]);
	for (size_t i = 0; i < s->drop_agents_n; i++)
		scanner |= has_word(agent->value, s->drop_agents[i]);
	if (!scanner)
		return false;
	count_bad("sip", "scanner", "dropped by its User-Agent");
	suspect(s, source, datagram, REFUSED_SCANNER, "scanner");
	return true;
}

/* -- seen from outside ----------------------------------------------------- */

int sip_stack_ban(struct sip_stack *s, const struct sip_ban *ban)
{
	return bans_set(s->bans, ban, clock_now());
}

int sip_stack_ban_lift(struct sip_stack *s, const struct sa *source)
{
	return bans_lift(s->bans, source, clock_now());
}

void sip_stack_bans(const struct sip_stack *s,
		    void (*each)(const struct sip_ban *ban, void *arg),
		    void *arg)
{
	bans_each(s->bans, clock_now(), each, arg);
}

void sip_stack_refused(const struct sip_stack *s,
		       void (*each)(const struct refused *r, void *arg),
		       void *arg)
{
	refused_each(s->refused, each, arg);
}

bool sip_stack_is_banned(const struct sip_stack *s, const struct sa *source)
{
	return bans_has(s->bans, source, clock_now());
}

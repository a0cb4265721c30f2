/* A SIP session as a leg. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sip/reason.h"
#include "worker/sip_leg_priv.h"

static struct sip_leg *self(struct call_leg *leg)
{
	return (struct sip_leg *)leg;
}

/* -- session events ---------------------------------------------------------
 */

static void keep_dialog(struct sip_leg *l)
{
	struct worker_call *wc = l->wc;
	struct buf b;

	buf_init(&b);
	if (!sip_session_keep(l->session, &b) && b.n < sizeof(wc->dialog))
		snprintf(wc->dialog, sizeof(wc->dialog), "%s", buf_cstr(&b));
	buf_clear(&b);
	worker_call_keep(wc);
}

static void on_progress(int code, const char *reason, struct bytes sdp,
			void *arg)
{
	struct sip_leg *l = arg;

	call_leg_placed(&l->leg);
	if (code >= 180)
		call_leg_ringing(&l->leg);
}

static void fail(struct sip_leg *l, enum cause_row row)
{
	struct call_cause cause;

	call_cause_set(&cause, row, NULL);
	sip_session_end(l->session, cause.code, cause.reason, NULL);
	call_leg_ended(&l->leg, &cause);
}

void sip_leg_name(const struct call_leg *leg)
{
	const struct sip_leg *l = (const struct sip_leg *)leg;
	struct worker_call *wc = l->wc;

	snprintf(wc->trunk, sizeof(wc->trunk), "%s", l->trunk.set.name);
	snprintf(wc->from, sizeof(wc->from), "%s", l->from_user);
	snprintf(wc->to, sizeof(wc->to), "%s",
		 *l->trunk.set.number ? l->trunk.set.number
				      : l->trunk.set.login);
	snprintf(wc->sip_call_id, sizeof(wc->sip_call_id), "%s", l->call_id);
}

const char *sip_leg_trunk(const struct call_leg *leg)
{
	return ((const struct sip_leg *)leg)->trunk.set.name;
}

static void on_answered(struct bytes sdp, void *arg)
{
	struct sip_leg *l = arg;

	l->confirmed = true;
	if (!sip_media_take_answer(&l->media, sdp)) {
		fail(l, CAUSE_NOT_ACCEPTABLE);
		return;
	}
	l->wc->sip_leg = &l->leg;
	keep_dialog(l);
	call_leg_answered(&l->leg);
}

static void on_confirmed(struct bytes sdp, void *arg)
{
	struct sip_leg *l = arg;

	l->confirmed = true;
	if (l->offering) {
		l->offering = false;
		if (!sip_media_take_answer(&l->media, sdp)) {
			fail(l, CAUSE_NOT_ACCEPTABLE);
			return;
		}
	}
	keep_dialog(l);
}

static void on_changed(struct bytes sdp, void *arg)
{
	struct sip_leg *l = arg;

	/* A refresh offers what is in use: without a fit answer it stays. */
	if (!sip_media_take_answer(&l->media, sdp) && l->offering)
		fail(l, CAUSE_NOT_ACCEPTABLE);
	l->offering = false;
}

static int on_offer(struct bytes sdp, struct buf *answer, void *arg)
{
	struct sip_leg *l = arg;

	if (!sdp.n) {
		l->offering = true;
		return sip_media_offer(&l->media, answer) ? 500 : 0;
	}
	if (!sip_media_take_offer(&l->media, sdp, answer))
		return 488;
	if (sip_media_answer(&l->media, answer))
		return 500;
	sip_media_apply(&l->media);
	return 0;
}

static void on_dtmf(char digit, unsigned duration_ms, void *arg)
{
	struct sip_leg *l = arg;

	worker_call_digit(l->wc, DTMF_INFO, digit);
}

static void on_dtmf_sent(int code, void *arg)
{
	struct sip_leg *l = arg;

	sip_digits_told(&l->digits, code);
}

static int on_refer(const struct sip_refer *r, void *arg)
{
	struct sip_leg *l = arg;

	return worker_transfer_refer(l->wc, &l->leg, r);
}

/* Whoever transferred a call and hung up sends no more; he is not missed. */
static void media_pause(struct sip_leg *l)
{
	if (!l->wc->media || !l->media.codec ||
	    !call_has_leg(l->wc->call, &l->leg) ||
	    call_state(l->wc->call) != CALL_UP)
		return;
	l->media.remote.direction = SIP_SDP_INACTIVE;
	sip_media_apply(&l->media);
}

static void on_closed(enum sip_end how, int code, const char *reason, void *arg)
{
	static const char *const ends[] = {"ended by us", "ended by the peer",
					   "refused", "timed out"};
	struct sip_leg *l = arg;
	struct sip_session_info info;
	struct call_cause cause;

	sip_session_info(l->session, &info);
	log_info("sip", l->wc->id, "trunk %s: %s, %d %s", l->trunk.set.name,
		 ends[how], code, reason);
	l->session = mem_deref(l->session);
	if (how == SIP_END_LOCAL)
		return;
	if (how == SIP_END_REMOTE && l->confirmed)
		call_cause_set(&cause, CAUSE_NORMAL, NULL);
	else if (how == SIP_END_REMOTE)
		call_cause_set(&cause, CAUSE_CANCELLED, NULL);
	else if (how == SIP_END_TIMEOUT && !l->incoming && !l->confirmed)
		call_cause_set(&cause, CAUSE_SIP_UNAVAILABLE, NULL);
	else if (how == SIP_END_TIMEOUT)
		call_cause_set(&cause, CAUSE_REQUEST_TIMEOUT, NULL);
	else
		call_cause_remote(&cause, code, reason);
	cause.hop = CAUSE_HOP_SIP;
	cause.unanswered = how == SIP_END_TIMEOUT;
	cause.repeats = cause.unanswered ? info.repeats : 0;
	call_leg_ended(&l->leg, &cause);
	media_pause(l);
}

static const struct sip_session_handlers session_handlers = {
	.progress = on_progress,
	.answered = on_answered,
	.confirmed = on_confirmed,
	.offer = on_offer,
	.dtmf = on_dtmf,
	.dtmf_sent = on_dtmf_sent,
	.changed = on_changed,
	.closed = on_closed,
};

/* Transfers are told of, and obeyed, where the trunk allows them. */
static struct sip_session_handlers handlers_of(const struct sip_leg *l)
{
	struct sip_session_handlers h = session_handlers;

	if (l->trunk.set.refer)
		h.refer = on_refer;
	return h;
}

/* -- leg operations ---------------------------------------------------------
 */

bool sip_leg_has_codec(const struct call_leg *leg)
{
	const struct sip_leg *l = (const struct sip_leg *)leg;

	return l->media.codec || l->delayed_offer || !l->incoming;
}

static struct sip_session_terms terms_of(const struct trunk *set)
{
	static const enum sip_rel100 rel100[] = {
		[TRUNK_REL100_OFF] = SIP_REL100_OFF,
		[TRUNK_REL100_SUPPORTED] = SIP_REL100_SUPPORTED,
		[TRUNK_REL100_REQUIRED] = SIP_REL100_REQUIRED,
	};

	return (struct sip_session_terms){.timer_s = set->session_timer,
					  .rel100 = rel100[set->rel100]};
}

bool sip_leg_agree(struct sip_session *session,
		   const struct worker_trunk *trunk)
{
	const struct sip_session_terms terms = terms_of(&trunk->set);
	const struct sip_header require = {"Require", "100rel"};

	if (!sip_session_agree(session, &terms))
		return true;
	/* RFC 3261 21.4.16 */
	(void)sip_session_refuse(session, 421, "Extension Required", &require);
	return false;
}

static int leg_start(struct call_leg *leg, struct call_cause *cause)
{
	struct sip_leg *l = self(leg);
	struct worker *w = l->wc->worker;
	struct sip_place place = {0};
	struct sip_header headers[TARGET_HEADERS];
	struct sip_invite_conf conf = {
		.from_user = l->from_user,
		.from_name = l->from_name[0] ? l->from_name : NULL,
		.headers = headers,
		.headers_n = l->headers_n,
		.anonymous = l->trunk.set.privacy,
		.assert_identity = l->trunk.set.identity & TRUNK_IDENTITY_SEND,
		.terms = terms_of(&l->trunk.set),
	};
	const struct sip_session_handlers handlers = handlers_of(l);
	struct sip_session_info info;
	struct buf sdp;
	int err;

	if (sip_place_find(&place, &conf, w, &l->trunk, l->contact)) {
		call_cause_set(cause, CAUSE_SIP_UNAVAILABLE, NULL);
		return -ENOTCONN;
	}
	if (*l->target) {
		/* The PBX finds it, not we. */
		conf.route = conf.route ? conf.route : place.uri;
		conf.uri = l->target;
	}
	err = l->wc->media ? 0 : worker_call_open_media(l->wc, &place.peer);
	if (err)
		return err;
	for (size_t i = 0; i < l->headers_n; i++)
		headers[i] =
			(struct sip_header){l->headers[i][0], l->headers[i][1]};
	l->media.peer = place.peer;
	buf_init(&sdp);
	err = sip_media_offer(&l->media, &sdp);
	conf.sdp = buf_bytes(&sdp);
	if (!err)
		err = sip_session_invite(&l->session, w->sip, &conf, &handlers,
					 l);
	buf_clear(&sdp);
	if (err)
		return err;
	sip_session_info(l->session, &info);
	snprintf(l->call_id, sizeof(l->call_id), "%s", info.call_id);
	worker_capture_dialog(l->wc, l->trunk.set.capture, l->call_id);
	log_info("sip", l->wc->id, "INVITE to trunk %s, SIP call %s",
		 l->trunk.set.name, l->call_id);
	return 0;
}

static void leg_ring(struct call_leg *leg)
{
	struct sip_leg *l = self(leg);
	struct buf sdp;

	if (!l->session)
		return;
	buf_init(&sdp);
	/* RFC 3261 13.2.1: where the peer acknowledges this answer, and made
	 * no offer himself, it carries ours. */
	if (l->delayed_offer && sip_session_is_reliable(l->session) &&
	    !sip_media_offer(&l->media, &sdp)) {
		l->offering = l->offered_early = true;
	}
	(void)sip_session_progress(l->session, 180, "Ringing", buf_bytes(&sdp));
	buf_clear(&sdp);
}

static void leg_answer(struct call_leg *leg)
{
	struct sip_leg *l = self(leg);
	struct buf sdp;

	if (!l->session)
		return;
	l->wc->sip_leg = leg;
	buf_init(&sdp);
	if (l->offered_early) {
		sip_session_answer(l->session, buf_bytes(&sdp));
		return;
	}
	l->offering = l->delayed_offer;
	if (l->offering ? sip_media_offer(&l->media, &sdp)
			: sip_media_answer(&l->media, &sdp))
		fail(l, CAUSE_WORKER_UNAVAILABLE);
	else
		sip_session_answer(l->session, buf_bytes(&sdp));
	buf_clear(&sdp);
}

static void leg_end(struct call_leg *leg, const struct call_cause *cause,
		    bool elsewhere)
{
	struct sip_leg *l = self(leg);
	struct sip_header headers[3] = {{"X-Gateway-Event", l->wc->id}};
	char seconds[16];
	struct buf warning, why;
	size_t n = 1;

	if (!l->session)
		return;
	buf_init(&why);
	if (elsewhere || cause->elsewhere)
		buf_str(&why, SIP_REASON_ELSEWHERE);
	else
		sip_reason_write(&why, cause->code,
				 cause->code == 200 ? "OK" : "Ended");
	if (cause->retry_after_s) {
		snprintf(seconds, sizeof(seconds), "%u", cause->retry_after_s);
		headers[n++] = (struct sip_header){"Retry-After", seconds};
	}
	buf_init(&warning);
	if (!sip_leg_has_codec(leg)) {
		sip_media_warn(&l->media, &warning);
		headers[n++] =
			(struct sip_header){"Warning", buf_cstr(&warning)};
	}
	if (l->incoming && !leg->answered)
		sip_session_reject(l->session, cause->code, cause->reason,
				   headers, n);
	else
		sip_session_end(l->session, cause->code, cause->reason,
				buf_cstr(&why));
	buf_clear(&why);
	buf_clear(&warning);
}

static void leg_release(struct call_leg *leg)
{
	struct sip_leg *l = self(leg);

	if (l->session) {
		static const struct sip_session_handlers none;

		sip_session_handlers(l->session, &none, NULL);
		mem_deref(l->session);
	}
	if (l->wc->sip_leg == leg)
		l->wc->sip_leg = NULL;
	sip_digits_clear(&l->digits);
	trunk_wipe(&l->trunk.set);
	sip_media_wipe(&l->media);
	free(l);
}

bool sip_leg_takes_digits(const struct call_leg *leg, enum dtmf_method method)
{
	return sip_digits_take(&((const struct sip_leg *)leg)->digits, method);
}

const char *sip_leg_press(struct call_leg *leg, const char *digits, int *err)
{
	return sip_digits_press(&self(leg)->digits, digits, err);
}

static const struct call_leg_ops sip_leg_ops = {
	.kind = "sip",
	.answer_brings_media = false,
	.start = leg_start,
	.ring = leg_ring,
	.answer = leg_answer,
	.end = leg_end,
	.release = leg_release,
};

struct sip_leg *sip_leg_make(struct worker_call *wc,
			     const struct worker_trunk *trunk)
{
	struct sip_leg *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->leg.ops = &sip_leg_ops;
	l->wc = wc;
	l->trunk = *trunk;
	memset(&l->trunk.le, 0, sizeof(l->trunk.le));
	memset(&l->trunk.pings, 0, sizeof(l->trunk.pings));
	l->trunk.registration = NULL;
	l->trunk.told = NULL;
	list_init(&l->trunk.pings);
	sip_digits_init(&l->digits, l->trunk.set.dtmf, &l->session, &wc->media);
	l->media.wc = wc;
	l->media.trunk = &l->trunk;
	l->media.digits = &l->digits;
	sip_media_init(&l->media);
	return l;
}

int sip_leg_new_incoming(struct call_leg **lp, struct worker_call *wc,
			 struct sip_session *session,
			 const struct worker_trunk *trunk)
{
	struct sip_leg *l = sip_leg_make(wc, trunk);
	const struct sip_session_handlers handlers =
		l ? handlers_of(l) : session_handlers;
	struct sip_session_info info;

	if (!l)
		return -ENOMEM;
	l->incoming = true;
	l->session = mem_ref(session);
	sip_session_info(session, &info);
	sip_session_event(session, wc->id);
	l->media.peer = info.source;
	text_clean(l->call_id, sizeof(l->call_id), bytes_str(info.call_id));
	if (!*wc->sip_call_id)
		snprintf(wc->sip_call_id, sizeof(wc->sip_call_id), "%s",
			 l->call_id);
	worker_capture_dialog(wc, l->trunk.set.capture, l->call_id);
	l->delayed_offer = info.sdp.n == 0;
	if (!l->delayed_offer &&
	    !sip_media_take_offer(&l->media, info.sdp, NULL))
		l->media.codec = NULL;
	sip_session_handlers(session, &handlers, l);
	*lp = &l->leg;
	return 0;
}

int sip_leg_open_media(struct call_leg *leg)
{
	struct sip_leg *l = self(leg);
	int err = worker_call_open_media(l->wc, &l->media.peer);

	if (!err && l->media.codec)
		sip_media_apply(&l->media);
	return err;
}

/* -- transfers ------------------------------------------------------------- */

void sip_leg_transfer_told(struct call_leg *leg, int code, const char *reason)
{
	struct sip_leg *l = self(leg);

	if (l->session)
		sip_session_refer_told(l->session, code, reason);
}

const char *sip_leg_call_id(const struct call_leg *leg)
{
	return ((const struct sip_leg *)leg)->call_id;
}

struct worker_call *sip_leg_call(const struct call_leg *leg)
{
	return ((const struct sip_leg *)leg)->wc;
}

int sip_leg_take_over(struct call_leg *leg)
{
	struct sip_leg *l = self(leg);

	if (l->wc->media)
		leg_answer(leg);
	else
		fail(l, CAUSE_WORKER_UNAVAILABLE);
	if (leg->ended)
		return -ENOTCONN;
	if (l->media.codec)
		sip_media_apply(&l->media);
	return 0;
}

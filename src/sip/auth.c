/* Who sends this? Digest of REGISTER and INVITE in the order of behaviour 3.4:
 * the owner's word, credentials and nonce, login, password, address. And what
 * we answer when others ask us. */
#include "sip/stack_priv.h"

#include <errno.h>
#include <string.h>

#include "base/cause.h"
#include "base/log.h"

static void challenge(struct sip_stack *s, const struct sip_msg *msg,
		      bool stale)
{
	struct buf value;

	buf_init(&value);
	digest_challenge(s->digest, &value, stale, clock_now());
	(void)sip_replyf(s->sip, msg, 401,
			 cause_facts(CAUSE_UNAUTHORIZED)->reason,
			 "WWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n",
			 buf_cstr(&value));
	buf_clear(&value);
	stack_refused(s, stack_source(s, msg), REFUSED_401, "401 Unauthorized");
}

void auth_verdict(const struct sip_stack *s, bool registering,
		  struct sip_verdict *v)
{
	if (s->handlers.admit)
		s->handlers.admit(registering, v, s->arg);
}

bool auth_admit(struct sip_stack *s, const struct sip_msg *msg,
		bool registering)
{
	struct sip_verdict v = {0};

	auth_verdict(s, registering, &v);
	if (!v.code || v.code == 200)
		return true;
	stack_refuse(s, msg, (unsigned)v.code, v.reason, NULL);
	return false;
}

struct search {
	const char *realm;
	struct digest_fields *fields;
};

/* A request may carry credentials for several realms (RFC 3261 22.3). */
static bool realm_matches(const struct sip_hdr *hdr, const struct sip_msg *msg,
			  void *arg)
{
	struct search *search = arg;
	struct digest_fields *f = search->fields;

	return !digest_read(f, bytes_of(hdr->val.p, hdr->val.l)) &&
	       strcmp(f->realm, search->realm) == 0;
}

static bool credentials_find(const struct sip_stack *s,
			     const struct sip_msg *msg, struct digest_fields *f)
{
	struct search search = {s->realm, f};

	return sip_msg_hdr_apply(msg, true, SIP_HDR_AUTHORIZATION,
				 realm_matches, &search) != NULL;
}

bool auth_given(const struct sip_stack *s, const struct sip_msg *msg)
{
	struct digest_fields f;

	return credentials_find(s, msg, &f);
}

static enum digest_verdict password_check(struct sip_stack *s,
					  const struct sip_msg *msg,
					  const struct digest_fields *f,
					  struct sip_credentials *who)
{
	enum digest_verdict verdict = DIGEST_WRONG;
	struct sip_credentials creds = {0};
	char method[16];

	(void)pl_strcpy(&msg->met, method, sizeof(method));
	if (s->handlers.credentials)
		s->handlers.credentials(f->username, stack_source(s, msg),
					&creds, s->arg);
	who->known = creds.known;
	who->untrusted = creds.untrusted;
	if (creds.known)
		verdict = digest_check(s->digest, f, method, creds.password,
				       clock_now());
	bytes_wipe(&creds, sizeof(creds));
	return verdict;
}

static bool refuse(struct sip_stack *s, const struct sip_msg *msg,
		   enum cause_row row, const char *kind)
{
	stack_refuse_offender(s, msg, row, kind, NULL);
	return false;
}

bool auth_check(struct sip_stack *s, const struct sip_msg *msg, char user[128])
{
	struct digest_fields f;
	struct sip_credentials who = {.known = true};
	enum digest_verdict verdict;

	if (!credentials_find(s, msg, &f)) {
		challenge(s, msg, false);
		return false;
	}
	verdict = digest_check_nonce(s->digest, &f, clock_now());
	if (verdict == DIGEST_GOOD)
		verdict = password_check(s, msg, &f, &who);
	if (!who.known)
		return refuse(s, msg, CAUSE_ROUTE_NOT_FOUND, "unknown login");
	if (verdict == DIGEST_WRONG)
		return refuse(s, msg, CAUSE_WRONG_PASSWORD, "wrong password");
	if (verdict != DIGEST_GOOD) {
		challenge(s, msg, verdict == DIGEST_STALE);
		return false;
	}
	if (who.untrusted)
		return refuse(s, msg, CAUSE_UNTRUSTED, "untrusted address");
	refused_welcome(s->refused, stack_source(s, msg));
	str_ncpy(user, f.username, 128);
	return true;
}

/* -- what others ask of us ---------------------------------------------------
 */

/* RFC 8760 2.4: challenges stand in the order of preference. */
static bool challenge_usable(const struct sip_hdr *hdr,
			     const struct sip_msg *msg, void *arg)
{
	struct digest_fields *f = arg;

	return !digest_read(f, bytes_of(hdr->val.p, hdr->val.l)) &&
	       f->algorithm != DIGEST_UNKNOWN && (!f->qop_given || f->qop_auth);
}

int auth_challenge(struct digest_fields *f, const struct sip_msg *msg)
{
	enum sip_hdrid id = msg->scode == 407 ? SIP_HDR_PROXY_AUTHENTICATE
					      : SIP_HDR_WWW_AUTHENTICATE;

	return sip_msg_hdr_apply(msg, true, id, challenge_usable, f) ? 0
								     : -ENOTSUP;
}

int auth_answer(struct buf *line, const struct digest_fields *f, bool proxy,
		const struct auth_credentials *c)
{
	if (!c->user || !c->password)
		return -EACCES;
	buf_reset(line);
	buf_str(line, proxy ? "Proxy-Authorization: " : "Authorization: ");
	if (digest_answer(line, f, c->method, c->uri, c->user, c->password,
			  c->count))
		return -ENOTSUP;
	buf_str(line, "\r\n");
	return line->bad ? -ENOMEM : 0;
}

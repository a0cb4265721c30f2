/* Who sends this? Digest of REGISTER and INVITE in the order of behaviour 3.4:
 * credentials and nonce, login, password. */
#include "sip/stack_priv.h"

#include <string.h>

#include "base/log.h"

static void challenge(struct sip_stack *s, const struct sip_msg *msg,
		      bool stale)
{
	struct buf value;

	buf_init(&value);
	digest_challenge(s->digest, &value, stale, clock_now());
	(void)sip_replyf(s->sip, msg, 401, "Unauthorized",
			 "WWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n",
			 buf_cstr(&value));
	buf_clear(&value);
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

static enum digest_verdict password_check(struct sip_stack *s,
					  const struct sip_msg *msg,
					  const struct digest_fields *f,
					  bool *known)
{
	enum digest_verdict verdict = DIGEST_WRONG;
	struct sip_credentials creds = {0};
	char method[16];

	(void)pl_strcpy(&msg->met, method, sizeof(method));
	if (s->handlers.credentials)
		s->handlers.credentials(f->username, &creds, s->arg);
	*known = creds.known;
	if (creds.known)
		verdict = digest_check(s->digest, f, method, creds.password,
				       clock_now());
	bytes_wipe(&creds, sizeof(creds));
	return verdict;
}

bool auth_check(struct sip_stack *s, const struct sip_msg *msg, char user[128])
{
	struct digest_fields f;
	struct search search = {s->realm, &f};
	enum digest_verdict verdict;
	bool known = false;

	if (!sip_msg_hdr_apply(msg, true, SIP_HDR_AUTHORIZATION, realm_matches,
			       &search)) {
		challenge(s, msg, false);
		return false;
	}
	verdict = digest_check_nonce(s->digest, &f, clock_now());
	if (verdict == DIGEST_GOOD)
		verdict = password_check(s, msg, &f, &known);
	else
		known = true;
	if (!known) {
		count_bad("sip", "unknown login", "404 Route not found");
		(void)sip_reply(s->sip, msg, 404, "Route not found");
		return false;
	}
	if (verdict == DIGEST_WRONG) {
		count_bad("sip", "wrong password", "403 Wrong password");
		(void)sip_reply(s->sip, msg, 403, "Wrong password");
		return false;
	}
	if (verdict != DIGEST_GOOD) {
		challenge(s, msg, verdict == DIGEST_STALE);
		return false;
	}
	str_ncpy(user, f.username, 128);
	return true;
}

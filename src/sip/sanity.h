/* Verdicts on a message before anything else sees it (RFC 3261, RFC 4475).
 *
 * libre's decoder accepts much that is wrong and drops some that is right
 * without an answer; this layer reads the same text first and strictly.
 * No state, no I/O.
 */
#ifndef SIP_SANITY_H
#define SIP_SANITY_H

#include "base/re.h"
#include "sip/head.h"

#define SANITY_ALLOW                                                           \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REGISTER"
/* Extensions a peer may require of us. */
#define SANITY_SUPPORTED "100rel, " SANITY_SUPPORTED_PLAIN
#define SANITY_SUPPORTED_PLAIN "timer"
/* Announced to those who may transfer calls (RFC 3891, 4488). */
#define SANITY_ALLOW_TRANSFER "REFER, SUBSCRIBE"
#define SANITY_SUPPORTED_TRANSFER "replaces, norefersub"
#define SANITY_MESSAGE_MAX 65535

enum sanity_verdict {
	SANITY_PASS,
	SANITY_BRANCH, /* valid, but libre needs sanity_branch() first */
	SANITY_REFUSE, /* answer with code and reason */
	SANITY_DROP,
	SANITY_IGNORE, /* drop without counting: keep-alives */
};

struct sanity {
	enum sanity_verdict verdict;
	unsigned code;
	const char *reason; /* a literal */
	const char *kind;   /* a literal, for count_bad() */
	char extra[256];    /* header lines with CRLF, or empty */
};

/* Not SIP at all, rather than something we do not do. */
static inline bool sanity_is_garbage(const struct sanity *v)
{
	return v->verdict == SANITY_DROP ||
	       (v->verdict == SANITY_REFUSE && v->code == 400);
}

/* h is filled as far as the text could be read. */
void sanity_check(struct sanity *v, struct head *h, struct bytes text);
/* The answer to a refused request, a whole message. tag: for To, if it has
 * none. -EINVAL: cannot be answered (no Via, From, To, Call-ID or CSeq, or an
 * ACK). */
int sanity_answer(struct buf *out, const struct head *h, const struct sanity *v,
		  const struct sa *source, const char *software, uint64_t tag);
/* The same message with a branch in its top Via, the same for all requests of
 * the transaction (RFC 3261 17.2.3 for branchless ones). */
void sanity_branch(struct buf *out, const struct head *h, struct bytes text);

#endif

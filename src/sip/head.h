/* The head of a SIP message as text: start line and fields (RFC 3261 7).
 *
 * Reads what libre's decoder is later given, but strictly and without
 * allocating: the sanity layer decides on it. All members are views into the
 * text. Values keep their folds (RFC 3261 7.3.1); head_value() undoes them.
 */
#ifndef SIP_HEAD_H
#define SIP_HEAD_H

#include "base/bytes.h"

#define HEAD_FIELDS_MAX 128

struct head_field {
	struct bytes name;  /* as written, maybe compact */
	struct bytes value; /* trimmed */
};

struct head {
	bool request;
	struct bytes method, uri, version; /* of a request; version of both */
	struct bytes code, reason;         /* of a response */
	bool spaced; /* the start line has blanks where none belong */
	size_t fields_n;
	struct head_field fields[HEAD_FIELDS_MAX];
	struct bytes body; /* what follows the empty line */
};

/* -EBADMSG: no SIP start line, a line without a colon, or no empty line.
 * -E2BIG: more than HEAD_FIELDS_MAX fields. */
int head_read(struct head *h, struct bytes text);
/* The nth field of this long name (its compact form counts), NULL: none. */
const struct head_field *head_field(const struct head *h, const char *name,
				    size_t nth);
size_t head_count(const struct head *h, const char *name);
/* Case-insensitive equality with a word. */
bool head_is(struct bytes b, const char *word);
/* RFC 3261 25.1 token. */
bool head_is_token(struct bytes b);
/* Decimal digits only, up to max. */
bool head_number(struct bytes b, uint64_t max, uint64_t *value);
/* Folds become one blank, other control characters go. */
void head_value(struct buf *dst, struct bytes value);
/* Without blanks and folds at both ends. */
struct bytes head_trim(struct bytes b);

#endif

/* A whole SIP message: the sanity layer, its answer or repair, the fields that
 * later stages read, and the session description in the body. */
#include "sip/address.h"
#include "sip/digest.h"
#include "sip/sanity.h"
#include "sip/sdp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fields_read(const struct head *h)
{
	struct digest_fields credentials;
	char user[64];

	for (size_t i = 0; i < h->fields_n; i++) {
		struct bytes rest = h->fields[i].value;

		(void)digest_read(&credentials, rest);
		address_read_user(user, sizeof(user), rest);
		for (int n = 0; rest.n && n < 16; n++)
			(void)address_valid(address_next(&rest));
	}
}

static void description_read(struct bytes body)
{
	struct sip_sdp_remote remote;
	struct sip_sdp_local local = {.dtmf_pt = -1};
	struct buf text;

	if (sip_sdp_read(&remote, body))
		return;
	buf_init(&text);
	local.codecs = remote.codecs;
	local.codecs_n = remote.codecs_n;
	(void)sip_sdp_answer(&text, &local, &remote);
	buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_of(data, size);
	struct sanity v;
	struct sa source;
	struct buf out;
	struct head h;

	(void)sa_set_str(&source, "192.0.2.1", 5060);
	buf_init(&out);
	sanity_check(&v, &h, text);
	if (v.verdict == SANITY_REFUSE)
		(void)sanity_answer(&out, &h, &v, &source, "fuzz", 1);
	else if (v.verdict == SANITY_BRANCH)
		sanity_branch(&out, &h, text);
	fields_read(&h);
	description_read(h.body);
	buf_clear(&out);
	return 0;
}

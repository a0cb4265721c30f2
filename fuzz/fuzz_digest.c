/* Digest headers (RFC 7616): the values of Authorization and WWW-Authenticate,
 * read, checked as a server does and answered as a client does. First byte:
 * what is done with it; a nonce of ours stands for the text "OURS". */
#include "sip/digest.h"

#include <string.h>

#define NOW (1000 * USEC_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A nonce that the server made; it differs from run to run of the program. */
static void nonce_make(char nonce[256], const struct digest_server *d,
		       usec_t when)
{
	struct digest_fields f;
	struct buf text;

	buf_init(&text);
	digest_challenge(d, &text, false, when);
	if (!digest_read(&f, buf_bytes(&text)))
		memcpy(nonce, f.nonce, 256);
	buf_clear(&text);
}

static void serve(struct digest_fields *f, uint8_t how)
{
	struct digest_server *d = NULL;
	char right[65];

	if (digest_server_new(&d, "gramline"))
		return;
	if (strcmp(f->nonce, "OURS") == 0)
		nonce_make(f->nonce, d, how & 1 ? NOW : 1);
	if (how & 2 && !digest_response(right, f, "INVITE", "secret"))
		memcpy(f->response, right, sizeof(f->response));
	for (int i = 0; i < 2; i++) /* the second is a replay */
		(void)digest_check(d, f, "INVITE", "secret", NOW);
	digest_server_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest_fields f;
	struct buf answer;

	if (!size || digest_read(&f, bytes_of(data + 1, size - 1)))
		return 0;
	buf_init(&answer);
	(void)digest_answer(&answer, &f, "REGISTER", "sip:pbx.example", "gw",
			    "secret", data[0]);
	buf_clear(&answer);
	serve(&f, data[0]);
	return 0;
}

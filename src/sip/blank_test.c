#include "sip/blank.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static void test_blank_secrets(void)
{
	static const struct {
		const char *text, *blank;
	} rows[] = {
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		 "inline:abc+/=|2^20|1:4;inline:def FEC\r\nm=x\r\n",
		 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		 "inline:xxxxxxxxxxxxxxx;inline:xxx FEC\r\nm=x\r\n"},
		{"v=0\r\nk=base64:secret\r\nA=CRYPTO:1 X INLINE:k\r\n",
		 "v=0\r\nk=xxxxxxxxxxxxx\r\nA=CRYPTO:1 X INLINE:x\r\n"},
		{"a=key-mgmt:mikey AQ==\n", "a=key-mgmt:xxxxxxxxxx\n"},
		{"Authorization:  Basic dXNlcg==\r\nproxy-authorization: "
		 "basic eA==\r\n",
		 "Authorization:  Basic xxxxxxxx\r\nproxy-authorization: "
		 "basic xxxx\r\n"},
		{"Authorization: Digest response=\"12\"\r\n",
		 "Authorization: Digest response=\"12\"\r\n"},
		{"xa=crypto:1 X inline:k\r\n", "xa=crypto:1 X inline:k\r\n"},
		{"a=crypto:1 X inline:", "a=crypto:1 X inline:"},
		{"k=", "k="},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n = strlen(rows[i].text);
		char *copy = malloc(n + 1);

		memcpy(copy, rows[i].text, n + 1);
		sip_blank_secrets((uint8_t *)copy, n);
		CHECK_STR(copy, rows[i].blank);
		free(copy);
	}
}

/* Every cut, in memory of its size. */
static void test_blank_stays_inside(void)
{
	static const char text[] = "Authorization: Basic x\r\n\r\n"
				   "a=crypto:1 X inline:abc|2;inline:d\r\nk=1";

	for (size_t n = 1; n < sizeof(text); n++) {
		uint8_t *copy = malloc(n);

		memcpy(copy, text, n);
		sip_blank_secrets(copy, n);
		CHECK(memchr(copy, 0, n) == NULL);
		free(copy);
	}
}

int main(void)
{
	RUN(test_blank_secrets);
	RUN(test_blank_stays_inside);
	return check_done();
}

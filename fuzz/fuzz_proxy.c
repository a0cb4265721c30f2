/* What a SOCKS5 or HTTP proxy says: the first byte chooses the proxy, the
 * second the size of the pieces its words come in. Or, chosen by the first
 * byte, the text of an MTProto proxy's secret. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "telegram/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct proxy_conf confs[] = {
	{.type = PROXY_SOCKS5},
	{.type = PROXY_SOCKS5, .username = "user", .password = "word"},
	{.type = PROXY_HTTP},
	{.type = PROXY_HTTP, .username = "user", .password = "word"},
};
static const char *const hosts[] = {"192.0.2.1", "2001:db8::1", "example.com"};

static void secret_input(const uint8_t *data, size_t n)
{
	struct proxy_conf conf = {.type = PROXY_MTPROTO};
	const char *why = NULL;
	char text[600];
	int err;

	n = n < sizeof(text) ? n : sizeof(text) - 1;
	memcpy(text, data, n);
	text[n] = '\0';
	err = proxy_secret_read(&conf, text, &why);
	if (!err == (why != NULL))
		abort();
}

static void words_input(struct proxy *p, const uint8_t *data, size_t n,
			size_t piece)
{
	struct buf out;
	int rc = 0;

	buf_init(&out);
	if (proxy_start(p, &out) || !out.n)
		abort();
	for (size_t i = 0; i < n && !rc; i += piece) {
		size_t k = n - i < piece ? n - i : piece;

		buf_reset(&out);
		rc = proxy_input(p, bytes_of(data + i, k), &out);
		/* Whoever is refused hears nothing more. */
		if (rc < 0 && (!*proxy_reason(p) ||
			       proxy_input(p, bytes_of(data, n), &out) >= 0))
			abort();
		if (rc == 1 && proxy_rest(p).n > k)
			abort();
	}
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct proxy *p = NULL;

	log_set_level(LOG_LEVEL_ERROR);
	if (n < 2)
		return 0;
	if (data[0] % 5 == 4) {
		secret_input(data + 1, n - 1);
		return 0;
	}
	if (proxy_new(&p, &confs[data[0] % 5], hosts[data[0] / 5 % 3], 443))
		abort();
	words_input(p, data + 2, n - 2, 1 + data[1]);
	proxy_free(&p);
	return 0;
}

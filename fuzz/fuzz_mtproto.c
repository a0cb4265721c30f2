/* Fuzz target of the client's MTProto messages, behind the cipher: pieces of
 * LE16 length and body, each one decrypted message; the length's highest bit:
 * under the key before. The client has sent a ping,
 * a salt request and three queries whose ids are known. Seeds:
 * fuzz/corpus_mtproto.py.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "mtproto/client_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WALL ((struct wall){(int64_t)1700000000 * 1000000})
#define QUERIES 3

static unsigned answered;
static volatile uint8_t sum;

static void touch(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		sum = (uint8_t)(sum + b.p[i]);
}

static void on_update(struct bytes object, void *arg)
{
	touch(object);
}

static void on_answer(const struct mtp_error *err, struct bytes answer,
		      void *arg)
{
	answered++;
	if (err)
		touch(bytes_str(err->text));
	touch(answer);
}

static void same(void *p, size_t n, void *arg)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)(i * 13 + 5);
}

static struct mtp_client *client_make(void)
{
	static const uint8_t query[] = {0x6b, 0x18, 0xf9, 0xc4};
	struct mtp_client_conf conf = {
		.dc_wire = 2,
		.auth = {.present = true},
		.random = same,
		.handlers = {.update = on_update},
	};
	struct mtp_client *c;

	if (mtp_client_new(&c, &conf))
		abort();
	mtp_client_connected(c, 1, WALL);
	for (unsigned i = 0; i < QUERIES; i++)
		if (mtp_client_call(c, bytes_of(query, sizeof(query)),
				    i ? MTP_CALL_ORDERED : MTP_CALL_NO_RESEND,
				    on_answer, NULL, 1, WALL))
			abort();
	return c;
}

static void retired_take(struct mtp_client *c, int64_t id, struct bytes body)
{
	if (!c->retired)
		c->retired = calloc(1, sizeof(*c->retired));
	if (!c->retired)
		return;
	c->retired->until = 60 * USEC_S;
	client_retired_take(c, id, 1, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mtp_client *c = client_make();
	int64_t id = ((int64_t)1700000000 << 32) + 1;
	struct rd r;

	log_set_level(LOG_LEVEL_ERROR);
	answered = 0;
	rd_init(&r, data, size);
	while (r.n && !r.bad) {
		uint16_t length = rd_le16(&r);
		struct bytes body = rd_bytes(&r, length & 0x7fff);

		if (r.bad)
			break;
		if (length & 0x8000)
			retired_take(c, id, body);
		else
			mtp_client_take(c, id, (uint32_t)body.n | 1, body);
		id += 4;
		mtp_client_timeout(c, 1, WALL);
		buf_reset(mtp_client_output(c));
		/* A second connection asks what became of the queries. */
		if (body.n == 0) {
			mtp_client_disconnected(c, 1);
			mtp_client_connected(c, 1, WALL);
		}
	}
	mtp_client_free(&c);
	if (answered != QUERIES) /* each exactly once */
		abort();
	return 0;
}

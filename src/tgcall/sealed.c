#include "tgcall/sealed.h"

#include <errno.h>
#include <string.h>

#define SINGLE 0x80000000u /* set on every packet: nothing follows */
#define COUNTER_MASK 0x3fffffffu
#define TYPE_CUSTOM 127

static const uint8_t sctp_mark[] = {0xdc, 0xdc, 0xdc, 0xdc};

void sealed_init(struct sealed *s, const uint8_t key[TGCALL_KEY_BYTES],
		 bool outgoing)
{
	*s = (struct sealed){
		.crypto = {.outgoing = outgoing, .transport = true}};
	memcpy(s->crypto.key, key, sizeof(s->crypto.key));
	buf_init(&s->plain);
	buf_init(&s->packet);
}

void sealed_clear(struct sealed *s)
{
	buf_clear(&s->plain);
	buf_clear(&s->packet);
	bytes_wipe(s, sizeof(*s));
}

int sealed_put(struct bytes *packet, struct sealed *s, struct bytes data,
	       bool is_sctp)
{
	size_t mark = is_sctp ? sizeof(sctp_mark) : 0;
	int e;

	buf_reset(&s->plain);
	buf_reset(&s->packet);
	s->counter = (s->counter + 1) & COUNTER_MASK;
	buf_be32(&s->plain, s->counter | SINGLE);
	buf_u8(&s->plain, TYPE_CUSTOM);
	buf_be32(&s->plain, (uint32_t)(data.n + mark));
	buf_put(&s->plain, sctp_mark, mark);
	buf_put(&s->plain, data.p, data.n);
	if (s->plain.bad)
		return -ENOMEM;
	e = tgcall_crypto_seal(&s->crypto, &s->packet, buf_bytes(&s->plain));
	*packet = buf_bytes(&s->packet);
	return e;
}

int sealed_open(struct bytes *data, bool *is_sctp, struct sealed *s,
		struct bytes packet)
{
	uint32_t counter;
	struct rd r;
	int e;

	buf_reset(&s->plain);
	e = tgcall_crypto_open(&s->crypto, &s->plain, packet);
	if (e < 0)
		return e;
	rd_init(&r, s->plain.p, s->plain.n);
	counter = rd_be32(&r) & COUNTER_MASK;
	if (rd_u8(&r) != TYPE_CUSTOM)
		rd_fail(&r);
	*data = rd_bytes(&r, rd_be32(&r));
	if (r.bad)
		return -EBADMSG;
	if (!window_accept(&s->window, counter))
		return -EALREADY;
	*is_sctp = data->n >= sizeof(sctp_mark) &&
		   memcmp(data->p, sctp_mark, sizeof(sctp_mark)) == 0;
	if (*is_sctp)
		*data = bytes_of(data->p + sizeof(sctp_mark),
				 data->n - sizeof(sctp_mark));
	return 0;
}

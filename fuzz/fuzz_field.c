/* Settings of a trunk as texts (route/trunk.h), above all `Field:Value`
 * (behaviour 3.12), and the INVITE that is to carry it. Parts of the input end
 * with a NUL: key, value, message. */
#include "base/re.h"
#include "route/trunk.h"
#include "sip/stack.h"

#include <stdio.h>
#include <string.h>

#define PART_MAX 1200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t part_take(char part[PART_MAX + 1], const uint8_t *data,
			size_t size)
{
	size_t n = strnlen((const char *)data, size);
	size_t kept = n < PART_MAX ? n : PART_MAX;

	if (n)
		memcpy(part, data, kept);
	part[kept] = '\0';
	return n + (n < size);
}

static void match(const struct trunk *t, const uint8_t *data, size_t size)
{
	struct sip_origin o = {.line = ""};
	struct mbuf *mb = mbuf_alloc(size + 1);
	struct sip_msg *msg = NULL;
	char name[64], value[128];

	if (mb && size && !mbuf_write_mem(mb, data, size)) {
		mbuf_set_pos(mb, 0);
		if (!sip_msg_decode(&msg, mb) && trunk_field(t, name, value)) {
			o.msg = msg;
			(void)sip_origin_has_header(&o, name, value);
		}
	}
	mem_deref(msg);
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char key[PART_MAX + 1], value[PART_MAX + 1], text[PART_MAX + 1];
	struct trunk_fault f;
	struct trunk t, other;
	size_t n = part_take(key, data, size);

	n += part_take(value, data + n, size - n);
	if (trunk_init(&t, "fuzz", &f) || trunk_init(&other, "other", &f))
		return 0;
	(void)trunk_set(&other, "kind", "ip", &f);
	(void)trunk_set(&t, "kind", "ip", &f);
	(void)trunk_set(&t, key, value, &f);
	(void)trunk_get(&t, key, text, sizeof(text));
	(void)trunk_check(&t, NULL, &f);
	(void)trunk_doubtful(&t, &f);
	(void)trunk_clash(&t, &other, &f);
	if (trunk_set(&t, "field", value, &f))
		(void)trunk_set(&t, "field", "X-Office: 5", &f);
	match(&t, data + n, size - n);
	trunk_wipe(&t);
	return 0;
}

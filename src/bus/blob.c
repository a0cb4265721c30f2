#include "bus/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/re.h"

json_t *blob_json(struct bytes data)
{
	size_t n = data.n * 4 / 3 + 8;
	char *text = malloc(n);
	json_t *o = NULL;

	if (text && !base64_encode(data.p, data.n, text, &n))
		o = json_stringn(text, n);
	free(text);
	return o;
}

/* libre's decoder takes any character. */
static bool is_base64(const char *text, size_t n)
{
	size_t signs = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/");

	return n % 4 == 0 && n - signs <= 2 &&
	       strspn(text + signs, "=") == n - signs;
}

int blob_read(struct buf *data, json_t *o, const char *key)
{
	json_t *field = json_object_get(o, key);
	size_t length = json_string_length(field), n = length;
	uint8_t *bytes;
	int err;

	if (!json_is_string(field) ||
	    !is_base64(json_string_value(field), length))
		return -EBADMSG;
	bytes = malloc(length + 1);
	if (!bytes)
		return -ENOMEM;
	err = -base64_decode(json_string_value(field), length, bytes, &n);
	if (!err)
		buf_put(data, bytes, n);
	free(bytes);
	return err ? err : data->bad ? -ENOMEM : 0;
}

#include "bus/blob.h"

#include <errno.h>

#include "tests/check.h"

static void test_blob_comes_back_at_every_length(void)
{
	uint8_t bytes[70];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		json_t *o = json_pack("{so}", "data",
				      blob_json(bytes_of(bytes, n)));
		struct buf b;
		int err;

		buf_init(&b);
		err = blob_read(&b, o, "data");
		json_decref(o);
		CHECK_INT(err, 0);
		CHECK_INT(b.n, n);
		CHECK(bytes_equal(buf_bytes(&b), bytes_of(bytes, n)));
		buf_clear(&b);
	}
}

static void test_blob_that_is_none_is_refused(void)
{
	json_t *o = json_pack("{ss ss si}", "signs", "!!!!", "short", "abc",
			      "number", 7);
	int signs, cut, number, missing;
	struct buf b;

	buf_init(&b);
	signs = blob_read(&b, o, "signs");
	cut = blob_read(&b, o, "short");
	number = blob_read(&b, o, "number");
	missing = blob_read(&b, o, "missing");
	json_decref(o);
	CHECK_INT(signs, -EBADMSG);
	CHECK_INT(cut, -EBADMSG);
	CHECK_INT(number, -EBADMSG);
	CHECK_INT(missing, -EBADMSG);
	CHECK_INT(b.n, 0);
	buf_clear(&b);
}

int main(void)
{
	RUN(test_blob_comes_back_at_every_length);
	RUN(test_blob_that_is_none_is_refused);
	return check_done();
}

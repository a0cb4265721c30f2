#include "sip/reason.h"

#include "tests/check.h"

static void test_reason_names_both_protocols(void)
{
	static const struct {
		int code;
		const char *text, *value;
	} rows[] = {
		{200, "OK", "SIP;cause=200;text=\"OK\", Q.850;cause=16"},
		{486, "Busy Here",
		 "SIP;cause=486;text=\"Busy Here\", Q.850;cause=17"},
		{404, "", "SIP;cause=404;text=\"\", Q.850;cause=1"},
		/* Nothing of the text ends the string or the line. */
		{480, "a\"b\\c\r\nX: y",
		 "SIP;cause=480;text=\"abcX: y\", Q.850;cause=18"},
		{470, "Anonymous user",
		 "SIP;cause=470;text=\"Anonymous user\", Q.850;cause=31"},
	};
	struct buf text;

	buf_init(&text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_reset(&text);
		sip_reason_write(&text, rows[i].code, rows[i].text);
		CHECK_STR(buf_cstr(&text), rows[i].value);
	}
	buf_clear(&text);
}

int main(void)
{
	RUN(test_reason_names_both_protocols);
	return check_done();
}

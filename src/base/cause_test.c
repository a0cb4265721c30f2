#include "base/cause.h"

#include <string.h>

#include "tests/check.h"

/* The rows of behaviour 8.1 that concern the gateway. */
static const unsigned gateway_rows[] = {
	2,  3,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 34, 35, 36, 37, 38,
	39, 40, 41, 42, 44, 45, 46, 47, 48, 49, 50, 51, 56, 57};

static unsigned rows_of(unsigned number)
{
	unsigned n = 0;

	for (int row = 0; row < CAUSE_ROWS; row++)
		n += cause_facts((enum cause_row)row)->number == number;
	return n;
}

static void test_cause_table_has_each_row_once(void)
{
	CHECK_INT(sizeof(gateway_rows) / sizeof(*gateway_rows), 44);
	for (size_t i = 0; i < 44; i++)
		CHECK_INT(rows_of(gateway_rows[i]), 1);
}

static void test_cause_table_has_no_empty_field(void)
{
	for (int row = 0; row < CAUSE_ROWS; row++) {
		const struct cause_facts *f = cause_facts((enum cause_row)row);

		CHECK(f->code >= 200 && f->code < 700);
		CHECK(f->ways);
		CHECK(!f->reason || *f->reason);
		CHECK(*f->trigger && *f->advice);
		CHECK(!strchr(f->trigger, '|') && !strchr(f->advice, '|'));
		CHECK_INT(cause_by_name(f->name), row);
	}
	CHECK_INT(cause_by_name("NOBODY"), CAUSE_ROWS);
}

/* Two spellings of one code are two rows; words of others fall to their code.
 */
static void test_cause_passed_on_is_found_by_its_words(void)
{
	CHECK_INT(cause_passed(408, "Request timeout"), CAUSE_PASSED_TIMEOUT);
	CHECK_INT(cause_passed(408, "Request Timeout"),
		  CAUSE_PASSED_REQUEST_TIMEOUT);
	CHECK_INT(cause_passed(403, "Forbidden"), CAUSE_PASSED_FORBIDDEN);
	CHECK_INT(cause_passed(486, "Besetzt"), CAUSE_PASSED_BUSY);
	CHECK_INT(cause_passed(404, "Route not found"), CAUSE_PASSED_NOT_FOUND);
	CHECK_INT(cause_passed(483, "Too Many Hops"), CAUSE_ROWS);
	CHECK_INT(cause_said(404, "Route not found"), CAUSE_ROUTE_NOT_FOUND);
	CHECK_INT(cause_said(404, "Not Found"), CAUSE_NOT_FOUND);
	CHECK_INT(cause_said(403, "Forbidden"), CAUSE_ROWS);
}

static void test_cause_ways_are_told_in_words(void)
{
	char text[64];

	cause_ways_text(text, 15);
	CHECK_STR(text, "REGISTER, SIP to Telegram, Telegram to SIP, "
			"passed on");
	cause_ways_text(text, CAUSE_WAY_TO_SIP);
	CHECK_STR(text, "Telegram to SIP");
}

/* The committed document is the one that the table gives. */
static void test_cause_document_is_written_from_the_table(void)
{
	struct buf text;
	char line[4096];
	size_t at = 0, n;
	FILE *f = fopen(ERRORS_DOCUMENT, "r");
	bool same = true;

	CHECK(f);
	buf_init(&text);
	cause_document(&text);
	while (same && fgets(line, sizeof(line), f)) {
		n = strlen(line);
		same = at + n <= text.n && !memcmp(text.p + at, line, n);
		at += n;
	}
	same = same && at == text.n;
	buf_clear(&text);
	fclose(f);
	if (!same)
		printf("# docs/errors.md: `make errors` has not been run\n");
	CHECK(same);
}

int main(void)
{
	RUN(test_cause_table_has_each_row_once);
	RUN(test_cause_table_has_no_empty_field);
	RUN(test_cause_passed_on_is_found_by_its_words);
	RUN(test_cause_ways_are_told_in_words);
	RUN(test_cause_document_is_written_from_the_table);
	return check_done();
}

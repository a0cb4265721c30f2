#include "storage/addresses.h"

#include "tests/check.h"

static const struct tg_dc dcs[] = {
	{2, "192.0.2.1", 443, .fixed = true},
	{4, "2001:db8::1", 80, .test = true, .this_port_only = true},
	{5, "192.0.2.5", 5222, .tcpo_only = true, .secret_n = 17,
	 .secret = "\xdd"
		   "0123456789abcdef"},
};

static void test_addresses_are_read_as_written(void)
{
	struct tg_dc got[4];
	struct buf b;

	buf_init(&b);
	addresses_write(&b, dcs, 3);
	CHECK_STR(buf_cstr(&b), "2 192.0.2.1 443 -f -\n"
				"4 2001:db8::1 80 -tp -\n"
				"5 192.0.2.5 5222 -o "
				"dd30313233343536373839616263646566\n");
	CHECK_INT(addresses_read(got, 4, buf_cstr(&b)), 3);
	CHECK_MEM(got, dcs, sizeof(dcs));
	CHECK_INT(addresses_read(got, 2, buf_cstr(&b)), 2);
	buf_clear(&b);
}

static void test_addresses_unreadable_lines_are_left_out(void)
{
	struct tg_dc got[4];

	CHECK_INT(addresses_read(got, 4, ""), 0);
	CHECK_INT(addresses_read(got, 4,
				 "\n2 host 443 - -\n2 192.0.2.1 0 - -\n"
				 "2 192.0.2.1 65536 - -\n0 192.0.2.1 1 - -\n"
				 "2 192.0.2.1 443 -\n2 192.0.2.1 443 - 00\n"
				 "7 192.0.2.7 443 - -"),
		  1);
	CHECK_INT(got[0].id, 7);
}

int main(void)
{
	RUN(test_addresses_are_read_as_written);
	RUN(test_addresses_unreadable_lines_are_left_out);
	return check_done();
}

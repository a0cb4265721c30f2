/* Which addresses are dialled, in which order, and what is spoken there. */
#include "telegram/link.h"

#include "tests/check.h"

static struct tg_link link_;
static struct tg_dc got[16];
static size_t got_n;
static char text[400];

static const struct tg_dc dcs[] = {
	{2, "192.0.2.1", 8443},
	{2, "2001:db8::1", 8443},
	{2, "192.0.2.2", 8443, .fixed = true},
	{4, "192.0.2.4", 443},
	{4, "2001:db8::4", 80, .this_port_only = true},
	{2, "192.0.2.3", 8443, .secret_n = 16},
};

static const char *choose(int dc_id, size_t max)
{
	got_n = tg_link_addresses(got, max, dcs, sizeof(dcs) / sizeof(*dcs),
				  dc_id, &link_);
	text[0] = '\0';
	for (size_t i = 0; i < got_n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s%s %u", i ? ", " : "", got[i].host, got[i].port);
	return text;
}

static void test_link_prefers_an_ip_version(void)
{
	link_ = tg_link_default;
	CHECK_STR(choose(2, 16), "192.0.2.1 8443, 192.0.2.2 8443, "
				 "192.0.2.3 8443, 2001:db8::1 8443");
	link_.ip = TG_IP_PREFER_6;
	CHECK_STR(choose(2, 16), "2001:db8::1 8443, 192.0.2.1 8443, "
				 "192.0.2.2 8443, 192.0.2.3 8443");
	link_.ip = TG_IP_ONLY_6;
	CHECK_STR(choose(2, 16), "2001:db8::1 8443");
	link_.ip = TG_IP_ONLY_4;
	CHECK_STR(choose(2, 2), "192.0.2.1 8443, 192.0.2.2 8443");
	CHECK_STR(choose(3, 16), "");
}

static void test_link_falls_back_to_usual_ports(void)
{
	link_ = tg_link_default;
	CHECK_STR(choose(4, 16), "192.0.2.4 443, 2001:db8::4 80, "
				 "192.0.2.4 80, 192.0.2.4 5222");
	CHECK_STR(choose(4, 3), "192.0.2.4 443, 2001:db8::4 80, 192.0.2.4 80");
}

static void test_link_fixed_addresses_first_behind_a_proxy(void)
{
	link_ = tg_link_default;
	link_.proxy.type = PROXY_SOCKS5;
	CHECK_STR(choose(2, 16), "192.0.2.2 8443, 192.0.2.1 8443, "
				 "192.0.2.3 8443, 2001:db8::1 8443");
	/* Two secrets cannot be spoken at once. */
	link_.proxy.type = PROXY_MTPROTO;
	CHECK_STR(choose(2, 16),
		  "192.0.2.2 8443, 192.0.2.1 8443, 2001:db8::1 8443");
}

static enum mtp_transport_kind kind;
static bool obfuscated;
static const uint8_t *secret;

static void speak(const struct tg_dc *dc)
{
	tg_link_transport(&kind, &obfuscated, &secret, dc, &link_);
}

static void test_link_obfuscates_where_demanded(void)
{
	struct tg_dc dc = {2, "192.0.2.1", 443};

	link_ = (struct tg_link){.transport = MTP_TRANSPORT_FULL};
	speak(&dc);
	CHECK_INT(kind, MTP_TRANSPORT_FULL);
	CHECK(!obfuscated && !secret);
	dc.tcpo_only = true;
	speak(&dc);
	CHECK_INT(kind, MTP_TRANSPORT_INTERMEDIATE);
	CHECK(obfuscated && !secret);
	dc.tcpo_only = false;
	link_.transport = MTP_TRANSPORT_ABRIDGED;
	speak(&dc);
	CHECK_INT(kind, MTP_TRANSPORT_ABRIDGED);
	CHECK(!obfuscated);
	dc.secret_n = 16;
	speak(&dc);
	CHECK_INT(kind, MTP_TRANSPORT_ABRIDGED);
	CHECK(obfuscated && secret == dc.secret);
	dc.secret_n = 17;
	dc.secret[0] = 0xdd;
	speak(&dc);
	CHECK_INT(kind, MTP_TRANSPORT_PADDED);
	CHECK(obfuscated && secret == dc.secret + 1);
	link_.proxy.type = PROXY_MTPROTO;
	speak(&dc);
	CHECK_INT(kind, MTP_TRANSPORT_ABRIDGED);
	CHECK(obfuscated && secret == link_.proxy.secret);
	link_.proxy.padded = true;
	speak(&dc);
	CHECK_INT(kind, MTP_TRANSPORT_PADDED);
}

int main(void)
{
	RUN(test_link_prefers_an_ip_version);
	RUN(test_link_falls_back_to_usual_ports);
	RUN(test_link_fixed_addresses_first_behind_a_proxy);
	RUN(test_link_obfuscates_where_demanded);
	return check_done();
}

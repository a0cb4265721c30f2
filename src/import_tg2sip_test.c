#include "import_tg2sip.h"

#include <errno.h>
#include <stdio.h>

#include "settings.h"
#include "tests/check.h"
#include "tests/folder.h"

#define TELEGRAM "[telegram]\napi_id=17 ; ours\napi_hash=abc\n"

static struct buf conf, notices;

static int import(const char *text)
{
	buf_reset(&conf);
	buf_reset(&notices);
	return import_tg2sip(&conf, &notices, "settings.ini", text);
}

static bool has(struct buf *b, const char *text)
{
	return strstr(buf_cstr(b), text) != NULL;
}

/* The program reads what was written. */
static struct settings *read_back(void)
{
	struct config_error err = {{0}};
	struct settings *s = NULL;
	char path[64];
	FILE *f;
	bool written;

	folder_file(path, "gramline.conf");
	f = fopen(path, "w");
	if (!f)
		return NULL;
	written = fwrite(conf.p, 1, conf.n, f) == conf.n;
	if (fclose(f) || !written)
		return NULL;
	if (settings_read(&s, path, &err))
		printf("# %s\n", err.text);
	return s;
}

static void test_import_makes_a_trunk_with_the_preset(void)
{
	struct settings *s;

	CHECK_INT(import("; sample\n" TELEGRAM
			 "[sip]\nport=5062\n;port_range=0\n"
			 "callback_uri = sip:900@192.0.2.7:5070;transport=tcp\n"
			 "public_address=192.0.2.1\nraw_pcm=false\n"
			 "thread_count=2\n[logging]\ncore=3\n"),
		  0);
	CHECK_INT(notices.n, 0);
	s = read_back();
	CHECK(s);
	CHECK_INT(s->api_id, 17);
	CHECK_STR(s->api_hash, "abc");
	CHECK_INT(s->log, LOG_LEVEL_WARN);
	CHECK_INT(sa_port(&s->worker.listen[0]), 5062);
	CHECK_STR(s->worker.public_address, "192.0.2.1");
	CHECK_INT(s->worker.media_threads, 2);
	CHECK_INT(s->sessions_n, 1);
	CHECK_INT(s->trunks_n, 1);
	CHECK_INT(s->trunks[0].kind, TRUNK_IP);
	CHECK_INT(s->trunks[0].preset, TRUNK_PRESET_TG2SIP);
	CHECK_STR(s->trunks[0].address, "192.0.2.7:5070");
	CHECK_STR(s->trunks[0].number, "900");
	CHECK_STR(s->trunks[0].codecs, "opus,slin");
	CHECK_INT(s->trunks[0].transport, TRUNK_TCP);
	CHECK_STR(s->trunks[0].session, "tg2sip");
	settings_free(&s);
}

static void test_import_takes_the_proxy_and_defaults(void)
{
	struct settings *s;

	CHECK_INT(import(TELEGRAM "use_proxy=true\nproxy_address=192.0.2.3\n"
				  "proxy_port=1080\nproxy_username=u\n"
				  "proxy_password=p\n"
				  "[sip]\ncallback_uri=sip:9@localhost\n"),
		  0);
	s = read_back();
	CHECK(s);
	CHECK_INT(s->link.proxy.type, PROXY_SOCKS5);
	CHECK_STR(s->link.proxy.host, "192.0.2.3");
	CHECK_STR(s->link.proxy.password, "p");
	CHECK_STR(s->trunks[0].address, "127.0.0.1:5060");
	CHECK_STR(s->trunks[0].codecs, "slin,opus");
	CHECK_INT(sa_port(&s->worker.listen[0]), 5060);
	settings_free(&s);
}

static void test_import_tells_what_it_leaves_out(void)
{
	CHECK_INT(import(TELEGRAM "udp_p2p=true\nenable_aec=\n"
				  "[sip]\ncallback_uri=sip:9@192.0.2.7\n"
				  "stun_server=stun.example\n"
				  "[other]\nextra_wait_time=30 ; s\n"),
		  0);
	CHECK(has(&notices, "settings.ini:4: udp_p2p: "));
	CHECK(has(&notices, "settings.ini:8: stun_server: "));
	CHECK(has(&notices, "settings.ini:10: extra_wait_time: "));
	CHECK(!has(&notices, "enable_aec"));
}

static void test_import_refuses_what_is_no_setting(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{TELEGRAM "colour=red\n[sip]\ncallback_uri=sip:9@192.0.2.7\n",
		 "settings.ini:4: colour: not a setting of tg2sip"},
		{TELEGRAM "[sip]\napi_id=1\ncallback_uri=sip:9@192.0.2.7\n",
		 "settings.ini:5: api_id: not a setting"},
		{TELEGRAM "[sip]\nport\ncallback_uri=sip:9@192.0.2.7\n",
		 "settings.ini:5: port: no KEY=VALUE"},
		{TELEGRAM "[sip]\n", "callback_uri: missing"},
		{TELEGRAM "[sip]\ncallback_uri=192.0.2.7\n",
		 "settings.ini:5: callback_uri: sip:NUMBER@ADDRESS"},
		{TELEGRAM "[sip]\ncallback_uri=sip:9@pbx.example\n",
		 "settings.ini:5: callback_uri: a trunk of kind ip needs"},
		{"[sip]\ncallback_uri=sip:9@192.0.2.7\n", "api_id: missing"},
		{"[telegram]\napi_id=7\n", "api_hash: missing"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_INT(import(bad[i].text), -EINVAL);
		if (!has(&notices, bad[i].says))
			printf("# %s", buf_cstr(&notices));
		CHECK(has(&notices, bad[i].says));
	}
}

int main(void)
{
	if (!folder_make("import"))
		return 1;
	buf_init(&conf);
	buf_init(&notices);
	RUN(test_import_makes_a_trunk_with_the_preset);
	RUN(test_import_takes_the_proxy_and_defaults);
	RUN(test_import_tells_what_it_leaves_out);
	RUN(test_import_refuses_what_is_no_setting);
	buf_clear(&conf);
	buf_clear(&notices);
	return check_done();
}

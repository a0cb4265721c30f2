/* How the gateway reaches Telegram's data centres: settings that all accounts
 * have in common. Values; constant while in use. */
#ifndef TELEGRAM_LINK_H
#define TELEGRAM_LINK_H

#include "base/clock.h"
#include "mtproto/transport.h"
#include "telegram/proxy.h"

enum tg_ip {
	TG_IP_PREFER_4, /* the other kind after all of these failed */
	TG_IP_PREFER_6,
	TG_IP_ONLY_4,
	TG_IP_ONLY_6,
};

struct tg_link {
	enum mtp_transport_kind transport;
	/* Addresses that demand obfuscation (tcpo_only, a secret, an MTProto
	 * proxy) get it anyway; those with a secret then speak the padded or,
	 * in place of the full, the intermediate transport. */
	bool obfuscated;
	enum tg_ip ip;
	/* Perfect forward secrecy: seconds a temporary key is used; 0: off. */
	int32_t temporary_s;
	struct proxy_conf proxy;
};

/* Obfuscated intermediate, directly. */
extern const struct tg_link tg_link_default;

/* One address of a data centre, of the configuration or a dcOption (A.1). */
struct tg_dc {
	int id;        /* 1.. */
	char host[46]; /* literal IPv4 or IPv6 address */
	uint16_t port;
	bool test;           /* dc number on the wire is id + 10000 */
	bool tcpo_only;      /* obfuscated only */
	bool fixed;          /* `static`: may be used from behind a proxy */
	bool this_port_only; /* no other port will do */
	uint8_t secret_n;    /* 0, 16, or 17: padded */
	uint8_t secret[MTP_SECRET_BYTES + 1];
};

/* The addresses of one data centre to be tried, in this order: of the preferred
 * IP version first, fixed ones first behind a proxy; then those of Telegram's
 * usual ports (443, 80, 5222) again at the other two. Returns how many. */
size_t tg_link_addresses(struct tg_dc *dst, size_t max, const struct tg_dc *dcs,
			 size_t n, int dc_id, const struct tg_link *link);
/* What is spoken at that address. *secretp: 16 bytes or NULL. */
void tg_link_transport(enum mtp_transport_kind *kindp, bool *obfuscatedp,
		       const uint8_t **secretp, const struct tg_dc *dc,
		       const struct tg_link *link);
bool tg_dc_same(const struct tg_dc *a, const struct tg_dc *b);

#endif

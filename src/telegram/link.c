#include "telegram/link.h"

#include <string.h>

#define SECRET_PADDED 0xdd

const struct tg_link tg_link_default = {
	.transport = MTP_TRANSPORT_INTERMEDIATE,
	.obfuscated = true,
};

/* "Ports offered by every production DC: 443, 80, 5222" */
static const uint16_t usual_ports[] = {443, 80, 5222};
#define USUAL (sizeof(usual_ports) / sizeof(usual_ports[0]))

bool tg_dc_same(const struct tg_dc *a, const struct tg_dc *b)
{
	return a->id == b->id && a->port == b->port &&
	       strcmp(a->host, b->host) == 0;
}

static bool is_six(const struct tg_dc *dc)
{
	return strchr(dc->host, ':');
}

static bool usable(const struct tg_dc *dc, int dc_id,
		   const struct tg_link *link)
{
	if (dc->id != dc_id)
		return false;
	/* The proxy's secret and the address's cannot both be spoken. */
	if (dc->secret_n && link->proxy.type == PROXY_MTPROTO)
		return false;
	if (link->ip == TG_IP_ONLY_4 && is_six(dc))
		return false;
	return link->ip != TG_IP_ONLY_6 || is_six(dc);
}

/* Lower ranks are tried first. */
static int rank(const struct tg_dc *dc, const struct tg_link *link)
{
	bool six = link->ip == TG_IP_PREFER_6 || link->ip == TG_IP_ONLY_6;
	int r = is_six(dc) == six ? 0 : 2;

	if (link->proxy.type != PROXY_NONE && !dc->fixed)
		r++;
	return r;
}

static size_t add(struct tg_dc *dst, size_t n, size_t max,
		  const struct tg_dc *dc)
{
	for (size_t i = 0; i < n; i++)
		if (tg_dc_same(&dst[i], dc))
			return n;
	if (n < max)
		dst[n++] = *dc;
	return n;
}

static bool port_usual(uint16_t port)
{
	for (size_t i = 0; i < USUAL; i++)
		if (usual_ports[i] == port)
			return true;
	return false;
}

static size_t add_ports(struct tg_dc *dst, size_t n, size_t max)
{
	size_t first = n;

	for (size_t i = 0; i < first; i++) {
		struct tg_dc dc = dst[i];

		if (dc.this_port_only || !port_usual(dc.port))
			continue;
		for (size_t p = 0; p < USUAL; p++) {
			dc.port = usual_ports[p];
			n = add(dst, n, max, &dc);
		}
	}
	return n;
}

size_t tg_link_addresses(struct tg_dc *dst, size_t max, const struct tg_dc *dcs,
			 size_t n, int dc_id, const struct tg_link *link)
{
	size_t got = 0;

	for (int r = 0; r < 4; r++)
		for (size_t i = 0; i < n; i++)
			if (usable(&dcs[i], dc_id, link) &&
			    rank(&dcs[i], link) == r)
				got = add(dst, got, max, &dcs[i]);
	return add_ports(dst, got, max);
}

void tg_link_transport(enum mtp_transport_kind *kindp, bool *obfuscatedp,
		       const uint8_t **secretp, const struct tg_dc *dc,
		       const struct tg_link *link)
{
	bool padded = false;

	*kindp = link->transport;
	*obfuscatedp = link->obfuscated;
	*secretp = NULL;
	if (link->proxy.type == PROXY_MTPROTO) {
		*secretp = link->proxy.secret;
		padded = link->proxy.padded;
	} else if (dc->secret_n == MTP_SECRET_BYTES) {
		*secretp = dc->secret;
	} else if (dc->secret_n) {
		*secretp = dc->secret + 1;
		padded = dc->secret[0] == SECRET_PADDED;
	}
	if (!*secretp && !dc->tcpo_only)
		return;
	*obfuscatedp = true;
	if (padded)
		*kindp = MTP_TRANSPORT_PADDED;
	else if (*kindp == MTP_TRANSPORT_FULL)
		*kindp = MTP_TRANSPORT_INTERMEDIATE;
}

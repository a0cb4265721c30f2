/* Candidate lines (RFC 8839 5.1; telegram-wire E.7, F 18). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ice/agent_internal.h"
#include "ice/reflector.h"

static const char *const kind_names[] = {"host", "srflx", "prflx", "relay"};

const char *ice_kind_name(enum ice_kind kind)
{
	return kind_names[kind];
}

bool ice_base_is_relay(const struct ice_agent *a, int base)
{
	return a->bases[base].kind != ICE_BASE_SOCKET;
}

uint32_t ice_candidate_priority(const struct ice_agent *a, enum ice_kind kind,
				int base)
{
	/* E.7: "host 126, prflx 110, srflx 100, relay over UDP 2, relay over
	 * TCP 1". */
	static const uint32_t preference[] = {126, 100, 110, 2};
	/* traces/DIFF: TURN before reflectors, 0x7f1f and 0x7f01. */
	static const uint32_t local[] = {65535, 0x7f1f, 0x7f01, 0x7f01};
	enum ice_base_kind k = a->bases[base].kind;
	uint32_t type = preference[kind], step = 256;

	if (kind == ICE_RELAY && k == ICE_BASE_REFLECTOR_TCP)
		type = 1;
	if (k != ICE_BASE_SOCKET)
		step = 1;
	/* RFC 8445 5.1.2.1; the bases come in order of preference. */
	return type << 24 | (local[k] - step * (uint32_t)base) << 8 | 255;
}

uint32_t ice_base_priority(const struct ice_agent *a, int base)
{
	return ice_candidate_priority(
		a, ice_base_is_relay(a, base) ? ICE_RELAY : ICE_HOST, base);
}

/* The next word of the line into word; false at the end. */
static bool word_next(const char **text, char *word, size_t room)
{
	const char *p = *text + strspn(*text, " ");
	size_t n = strcspn(p, " \r\n");

	*text = p + n;
	if (n == 0)
		return false;
	/* A longer word is nothing we know: cut, it will not compare. */
	if (n >= room)
		n = room - 1;
	memcpy(word, p, n);
	word[n] = '\0';
	return true;
}

static bool number_read(unsigned long *v, const char *word, unsigned long max)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	*v = strtoul(word, &end, 10);
	return *end == '\0' && errno == 0 && *v <= max;
}

static bool address_is_literal(const char *word)
{
	struct in6_addr in6;

	return inet_pton(AF_INET, word, &in6) == 1 ||
	       inet_pton(AF_INET6, word, &in6) == 1;
}

static int kind_read(enum ice_kind *kind, const char *word)
{
	for (int i = 0; i < 4; i++) {
		if (strcmp(word, kind_names[i]) == 0) {
			*kind = (enum ice_kind)i;
			return 0;
		}
	}
	return -ENOTSUP;
}

/* candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ KIND ...
 * What follows (raddr, generation, network-id, network-cost, ufrag) is of no
 * use here. */
int ice_candidate_read(struct ice_remote *r, const char *text)
{
	char word[7][64] = {""};
	char kind[16];
	unsigned long component, priority, port;

	if (strncmp(text, "a=", 2) == 0)
		text += 2;
	if (strncmp(text, "candidate:", 10) != 0)
		return -EBADMSG;
	for (int i = 0; i < 7; i++)
		if (!word_next(&text, word[i], sizeof(word[i])))
			return -EBADMSG;
	if (!word_next(&text, kind, sizeof(kind)) ||
	    strcmp(word[6], "typ") != 0 ||
	    !number_read(&component, word[1], 256) ||
	    !number_read(&priority, word[3], UINT32_MAX) ||
	    !number_read(&port, word[5], 65535))
		return -EBADMSG;
	if (component != 1 || strcasecmp(word[2], "udp") != 0 || port == 0 ||
	    kind_read(&r->kind, kind) < 0)
		return -ENOTSUP;
	r->priority = (uint32_t)priority;
	if (!address_is_literal(word[4]))
		return r->kind == ICE_RELAY
			       ? ice_reflector_name_read(&r->addr, word[4],
							 (uint16_t)port)
			       : -ENOTSUP;
	/* No literal is one of ours for reflectors. */
	if (sa_set_str(&r->addr, word[4], (uint16_t)port) ||
	    ice_reflector_is_address(&r->addr))
		return -ENOTSUP;
	return 0;
}

/* Candidates of one kind and base share it (RFC 8445 5.1.1.3). */
static uint32_t foundation_of(const struct ice_local *l, const struct sa *base)
{
	return (sa_hash(base, SA_ADDR) ^ 0x9e3779b9u * (1 + l->kind)) | 1;
}

void ice_candidate_write(char *dst, size_t room, const struct ice_local *l,
			 const struct ice_agent *a)
{
	const struct sa *base = &a->bases[l->base].addr;
	char addr[64], related[64];
	int n;

	if (ice_reflector_is_address(&l->addr))
		ice_reflector_name_write(addr, &l->addr);
	else
		sa_ntop(&l->addr, addr, sizeof(addr));
	n = snprintf(dst, room, "candidate:%u 1 udp %u %s %u typ %s",
		     foundation_of(l, base),
		     ice_candidate_priority(a, l->kind, l->base), addr,
		     sa_port(&l->addr), ice_kind_name(l->kind));
	/* A relay's would be our own address: not told, as the apps do. */
	if (l->kind == ICE_RELAY && n > 0 && (size_t)n < room)
		n += snprintf(dst + n, room - (size_t)n,
			      " raddr 0.0.0.0 rport 0");
	else if (l->kind != ICE_HOST && n > 0 && (size_t)n < room) {
		sa_ntop(base, related, sizeof(related));
		n += snprintf(dst + n, room - (size_t)n, " raddr %s rport %u",
			      related, sa_port(base));
	}
	if (n > 0 && (size_t)n < room)
		snprintf(dst + n, room - (size_t)n, " generation 0");
}

/* Names and addresses in headers: checking, quoting, escaping (RFC 3261 25.1).
 * Text in, text out. */
#ifndef SIP_ADDRESS_H
#define SIP_ADDRESS_H

#include "base/bytes.h"
#include "base/re.h"

/* One name-addr or addr-spec with its parameters, nothing behind it. */
bool address_valid(struct bytes value);
/* ";name=value;name", or nothing. */
bool address_params_valid(struct bytes params);
/* The first element of a comma-separated value: commas in quotes and angle
 * brackets do not count. The rest stays in *value; empty: no more. */
struct bytes address_next(struct bytes *value);

/* "name" with quotes and backslashes escaped, control characters and broken
 * UTF-8 left out; nothing for an empty name. A blank follows. */
void address_write_name(struct buf *dst, const char *name);
/* The user part of a URI, escaped. */
void address_write_user(struct buf *dst, const char *user);
/* Percent escapes undone; %00 is left as it stands (RFC 4475 3.1.1.2: it is
 * data, and would end our string). Cut at size. */
void address_read_user(char *dst, size_t size, struct bytes user);
/* May stand in a header we write: no CR, LF or other control character. */
bool address_header_safe(const char *text);
/* "Name: value\r\n" without the value's control characters, so that it stays
 * one line; nothing when the name is no token. */
void address_write_header(struct buf *dst, const char *name, const char *value);
/* Means nothing outside the sender's own network: loopback, link-local, RFC
 * 1918, 6598, 4193. */
bool address_is_private(const struct sa *sa);
/* Bytes of the host in "pbx.example:5080" or "[2001:db8::1]:5060". */
size_t address_host_length(const char *host_port);
/* A next hop: "udp:192.0.2.1:5060", "tcp:[2001:db8::1]:5060", "tls:..." or a
 * SIP URI; dst becomes a SIP URI. -EINVAL: neither. */
int address_hop(struct buf *dst, const char *hop);

#endif

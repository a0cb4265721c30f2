/* The call's UDP sockets: which local addresses, opening, reading empty. */
#ifndef TGCALL_SOCKET_H
#define TGCALL_SOCKET_H

#include "base/bytes.h"
#include "base/re.h"

#define TGCALL_SOCKETS_MAX 8

/* Fills list with the addresses to gather on (ports 0): bind_address alone,
 * or all of the machine without link-local ones; loopback only when there is
 * no other, or allowed. Returns their number or -EADDRNOTAVAIL. */
int tgcall_socket_addresses(struct sa list[TGCALL_SOCKETS_MAX],
			    const char *bind_address, bool allow_loopback);
/* A non-blocking socket bound to addr; its port is filled in. Returns the
 * descriptor or a negative errno. */
int tgcall_socket_open(struct sa *addr);
/* Reads the socket empty; returns how many datagrams there were. A datagram
 * lives as long as the handler runs. */
int tgcall_socket_read(int fd,
		       void (*datagram)(const struct sa *src, struct bytes d,
					void *arg),
		       void *arg);
void tgcall_socket_send(int fd, const struct sa *dst, struct bytes d);

#endif

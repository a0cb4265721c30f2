/* Reflector framing: the first byte chooses datagrams (rows of a big-endian
 * 16-bit length and a packet) or a TCP stream in pieces of its size; last, the
 * whole input as a port's name. */
#include <stdlib.h>
#include <string.h>

#include "ice/reflector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define TAG 0x11223344

static struct ice_reflector port;
static struct ice_reflector_stream stream;

static void packet_input(struct bytes packet, void *arg)
{
	uint8_t again[ICE_REFLECTOR_PACKET_BYTES + ICE_REFLECTOR_OVERHEAD];
	struct bytes payload = {NULL, 0};
	uint32_t from = 0;
	int e = ice_reflector_unwrap(&payload, &from, &port, packet);

	(void)arg;
	if (e != 1)
		return;
	/* It lies within the packet, and goes back the same way. */
	if (payload.n + 24 > packet.n ||
	    (payload.n && (payload.p < packet.p ||
			   payload.p + payload.n > packet.p + packet.n)))
		abort();
	e = ice_reflector_wrap(again, sizeof(again), &port, from, payload);
	if (payload.n <= ICE_REFLECTOR_PACKET_BYTES && e < (int)payload.n + 24)
		abort();
}

static void name_input(const uint8_t *data, size_t n)
{
	char name[128], again[64];
	struct sa addr, second, other;

	n = n < sizeof(name) ? n : sizeof(name) - 1;
	memcpy(name, data, n);
	name[n] = '\0';
	if (ice_reflector_name_read(&addr, name, 1) < 0)
		return;
	ice_reflector_name_write(again, &addr);
	if (ice_reflector_name_read(&second, again, 1) < 0 ||
	    !sa_cmp(&addr, &second, SA_ALL))
		abort();
	/* A port is never a real address, and of one server only. */
	ice_reflector_address(&other, 0, ice_reflector_tag(&addr), 1);
	if (!ice_reflector_same_server(&addr, &second) ||
	    (ice_reflector_same_server(&addr, &other) && name[10] != '0'))
		abort();
	sa_set_str(&other, n & 1 ? "2001:db8::1" : "192.0.2.1", 1);
	if (ice_reflector_is_address(&other) ||
	    ice_reflector_same_server(&addr, &other))
		abort();
}

/* What we say first is the server's echo to us. */
static void hello_echo(void)
{
	uint8_t hello[ICE_REFLECTOR_HELLO_BYTES];
	size_t n = ice_reflector_hello(hello, &port, 0);
	struct bytes payload;
	uint32_t from;

	if (n > sizeof(hello) ||
	    ice_reflector_unwrap(&payload, &from, &port, bytes_of(hello, n)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t peer_tag[16], piece;
	struct rd r;

	for (int i = 0; i < 16; i++)
		peer_tag[i] = (uint8_t)i;
	rd_init(&r, data, n);
	piece = rd_u8(&r);
	ice_reflector_init(&port, 1, peer_tag, TAG, piece != 0, 0);
	stream.n = 0;
	while (r.n > 0 && !r.bad) {
		struct bytes d;

		if (piece == 0) {
			packet_input(rd_bytes(&r, rd_be16(&r)), NULL);
			continue;
		}
		d = rd_bytes(&r, r.n < piece ? r.n : piece);
		if (ice_reflector_stream_input(&stream, d, packet_input, NULL) <
		    0)
			break;
	}
	hello_echo();
	name_input(data, n);
	return 0;
}

/* The headers of a call transfer, in a message that libre has decoded: Refer-To
 * with its Replaces, Referred-By, Refer-Sub; Replaces of an INVITE; Event of a
 * subscription. The data are the lines of the headers. */
#include "sip/address.h"
#include "sip/refer.h"

#include <stdlib.h>

#define LINES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg *decode(struct bytes lines)
{
	struct mbuf *mb = mbuf_alloc(LINES_MAX + 512);
	struct sip_msg *msg = NULL;

	if (mb &&
	    !mbuf_write_str(mb, "REFER sip:200@gramline SIP/2.0\r\n"
				"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
				"From: <sip:a@pbx>;tag=1\r\n"
				"To: <sip:b@pbx>;tag=2\r\n"
				"Call-ID: c\r\nCSeq: 1 REFER\r\n") &&
	    !mbuf_write_mem(mb, lines.p, lines.n) &&
	    !mbuf_write_str(mb, "\r\n\r\n")) {
		mb->pos = 0;
		if (sip_msg_decode(&msg, mb))
			msg = NULL;
	}
	mem_deref(mb);
	return msg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_replaces replaces;
	struct sip_refer refer;
	struct sip_msg *msg;
	bool with_id;
	uint32_t id;

	if (size > LINES_MAX)
		return 0;
	msg = decode(bytes_of(data, size));
	if (!msg)
		return 0;
	/* All of it goes into lines of ours. */
	if (!refer_read(&refer, msg) &&
	    (!address_header_safe(refer.target) ||
	     !address_header_safe(refer.replaces) ||
	     !address_header_safe(refer.referred_by)))
		abort();
	(void)replaces_read(&replaces, msg);
	(void)refer_event_read(msg, &id, &with_id);
	mem_deref(msg);
	return 0;
}

/* A session description of the SIP side: read as an offer and answered, read
 * as the answer to an offer of ours. */
#include "sip/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_sdp_local local = {.dtmf_pt = -1};
	struct sip_sdp_remote remote;
	struct buf text;

	if (sip_sdp_read_secure(&remote, bytes_of(data, size)))
		return 0;
	buf_init(&text);
	local.codecs = remote.codecs;
	local.codecs_n = remote.codecs_n;
	local.secure = &remote.secure;
	(void)sip_sdp_answer(&text, &local, &remote);
	(void)sip_sdp_read(&remote, buf_bytes(&text));
	buf_clear(&text);
	return 0;
}

#include "media/repack.h"

#include <errno.h>
#include <string.h>

#define CLOCK_HZ 48000

int repack_init(struct repack *r)
{
	memset(r, 0, sizeof(*r));
	r->frames = opus_repacketizer_create();
	return r->frames ? 0 : -ENOMEM;
}

void repack_clear(struct repack *r)
{
	if (r->frames)
		opus_repacketizer_destroy(r->frames);
	r->frames = NULL;
}

void repack_reset(struct repack *r)
{
	opus_repacketizer_init(r->frames);
	r->held_n = 0;
}

int repack_put(struct repack *r, struct bytes packet)
{
	if (!packet.n || packet.n > sizeof(r->held))
		return -EBADMSG;
	if (packet.n > sizeof(r->held) - r->held_n)
		return -EAGAIN;
	memcpy(r->held + r->held_n, packet.p, packet.n);
	if (opus_repacketizer_cat(r->frames, r->held + r->held_n,
				  (opus_int32)packet.n) != OPUS_OK)
		return r->held_n ? -EAGAIN : -EBADMSG;
	r->frame_samples =
		(uint32_t)opus_packet_get_samples_per_frame(packet.p, CLOCK_HZ);
	r->held_n += packet.n;
	return 0;
}

uint32_t repack_samples(const struct repack *r)
{
	return (uint32_t)opus_repacketizer_get_nb_frames(r->frames) *
	       r->frame_samples;
}

/* Keeps the frames from `first` on. */
static void frames_keep(struct repack *r, int first, int n)
{
	uint8_t rest[REPACK_BYTES];
	opus_int32 bytes = 0;

	if (first < n)
		bytes = opus_repacketizer_out_range(r->frames, first, n, rest,
						    sizeof(rest));
	repack_reset(r);
	if (bytes > 0)
		(void)repack_put(r, bytes_of(rest, (size_t)bytes));
}

int repack_take(struct repack *r, uint8_t *dst, size_t room, uint32_t most,
		uint32_t *samples)
{
	int n = opus_repacketizer_get_nb_frames(r->frames), take;
	opus_int32 bytes;

	if (!n)
		return 0;
	take = (int)(most / r->frame_samples);
	take = take < 1 ? 1 : take > n ? n : take;
	bytes = opus_repacketizer_out_range(r->frames, 0, take, dst,
					    (opus_int32)room);
	*samples = (uint32_t)take * r->frame_samples;
	frames_keep(r, take, n);
	return bytes < 0 ? -ENOSPC : bytes;
}

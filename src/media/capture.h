/* A capture of one call: packets of its threads to a file that Wireshark opens
 * (pcapng), each as UDP over IP, whatever carried it.
 *
 *   control thread ── ring ──┐
 *   media thread ─── ring ───┴▶ the writer's thread ──▶ FILE
 *
 * Putting a packet in neither allocates, locks nor waits: what does not fit is
 * counted. What a packet was on the wire is told by its interface, below.
 * One writer serves all captures. open and close: control thread.
 */
#ifndef MEDIA_CAPTURE_H
#define MEDIA_CAPTURE_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/re.h"

/* Interfaces of the file, named as in capture.c. */
enum capture_kind {
	CAPTURE_SIP,        /* as it was: UDP */
	CAPTURE_SIP_STREAM, /* came by TCP, TLS or WebSocket */
	CAPTURE_RTP,        /* as it was */
	CAPTURE_SRTP,       /* was SRTP, decrypted */
	CAPTURE_TELEGRAM, /* Telegram's media, decrypted; invented addresses */
};

struct capture_packet {
	enum capture_kind kind;
	struct sa src, dst;
	struct bytes data; /* UDP payload */
	struct wall at;
};

struct capture_counts {
	uint64_t packets, dropped;
};

struct capture_writer;
struct capture;

/* -ENOMEM, -EAGAIN: no thread. */
int capture_writer_new(struct capture_writer **wp);
/* Writes what is left of closed captures; all must be closed. */
void capture_writer_free(struct capture_writer **wp);

/* A new file of mode 0600. full: with what is said; else of RTP its header
 * alone. Errors: errno of open (-EEXIST), -ENOMEM. */
int capture_open(struct capture **cp, struct capture_writer *w,
		 const char *path, bool full);
/* No thread may put any more. */
void capture_close(struct capture **cp);
/* Each of one thread alone. */
void capture_control(struct capture *c, const struct capture_packet *p);
void capture_media(struct capture *c, const struct capture_packet *p);
/* What was put in so far. Any thread. */
void capture_count(const struct capture *c, struct capture_counts *n);

#endif

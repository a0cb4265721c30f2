/* The inside of a call's media, in two halves that only send each other
 * parcels.
 *
 *   media_call.c  on the control loop: the handle, events for its owner
 *   media_side.c  on the media thread: port, Telegram connection, bridge
 */
#ifndef WORKER_MEDIA_CALL_PRIV_H
#define WORKER_MEDIA_CALL_PRIV_H

#include <pthread.h>

#include "worker/media_call.h"

struct media_call {
	/* control loop */
	struct media_call_conf conf;
	bool closing;
	uint16_t port_number;

	/* media thread */
	struct media_ticker ticker;
	bool attached;
	struct rtp_port *port;
	struct tgcall *telegram;
	struct bridge *bridge;
	char version[16];
	struct media_call_sip sip;
	bool transcode; /* tones of ours have no room in passed packets */
	bool up, deaf, mute, may_be_silent;
	usec_t silence_from; /* when both sides were up, none on hold */
	bool silence_told;
	usec_t report_at;
	struct capture *capture; /* NULL: none */
	struct sa capture_local;

	/* both */
	pthread_mutex_t report_lock;
	struct media_call_report report;
};

/* One message, either way. */
struct media_parcel {
	struct media_call *m;
	struct media_call_sip sip;
	struct tgcall_conf telegram;
	struct capture *capture;
	struct sa local;
	enum tgcall_state state;
	char digit;
	enum dtmf_method method;
	size_t n;
	uint8_t data[];
};

/* -- media_call.c, from any thread ----------------------------------------- */

/* data NULL: room for n bytes. NULL: no memory. */
struct media_parcel *media_parcel_new(struct media_call *m, const void *data,
				      size_t n);
/* Whoever gets one. Keys and digits may be in it: it is wiped. */
void media_parcel_free(struct media_parcel *p);
/* p NULL: nothing happens. */
void media_parcel_to_control(struct media_parcel *p, mailbox_h *fn);

/* -- media_call.c, on the control loop: for the owner ---------------------- */

void media_call_tell_signal(void *arg);
void media_call_tell_state(void *arg);
void media_call_tell_digit(void *arg);
void media_call_tell_silent(void *arg);
/* The last one. */
void media_call_tell_closed(void *arg);

/* -- media_side.c, on the media thread ------------------------------------- */

/* On the control loop, before all others: takes the RTP port, as
 * rtp_port_new(). */
int media_side_open(struct media_call *m);
void media_side_attach(void *arg);
void media_side_set_sip(void *arg);
void media_side_start_telegram(void *arg);
void media_side_signal(void *arg);
void media_side_digits(void *arg);
void media_side_capture(void *arg);
void media_side_up(void *arg);
void media_side_shut(void *arg);

#endif

/* Captures of a Worker's calls; control loop only. See media/capture.h. */
#ifndef WORKER_CAPTURE_H
#define WORKER_CAPTURE_H

#include <jansson.h>

#include "bus/bus.h"
#include "media/capture.h"
#include "route/trunk.h"
#include "sip/stack.h"

struct worker;
struct worker_call;
struct worker_captures;

#define WORKER_CAPTURE_IDS 24

/* Of a call. */
struct worker_capture {
	struct capture *file; /* NULL: none */
	char path[320];
	struct sa rtp;                     /* ours, as in SDP */
	char ids[WORKER_CAPTURE_IDS][128]; /* SIP Call-IDs of its legs */
	size_t ids_n;
};

int worker_captures_new(struct worker_captures **cp);
/* When all calls are gone. */
void worker_captures_free(struct worker_captures **cp);

/* A leg of the call has this Call-ID; its trunk may demand a capture. */
void worker_capture_dialog(struct worker_call *wc, enum trunk_capture mode,
			   const char *call_id);
/* The media was opened, or our address in SDP is known. */
void worker_capture_media(struct worker_call *wc);
/* After its media was closed. */
void worker_capture_end(struct worker_call *wc);
/* For the record of a call that is captured. */
json_t *worker_capture_json(const struct worker_call *wc);
/* Handler of the SIP stack, and of worker.W.capture. */
void worker_sip_traced(const struct sip_trace *t, void *arg);
void worker_on_capture(const struct bus_message *m, void *arg);

#endif

/* The media of one call: an RTP port, a Telegram media connection, a bridge.
 *
 * The handle belongs to the control loop; the objects live on a media thread
 * and are reached by messages only. Events arrive on the control loop.
 *
 *   media_call_new -> (sip / telegram / signal)* -> media_call_close
 *   `closed` runs exactly once, last, with the final report; the handle is
 *   gone after it returns.
 */
#ifndef WORKER_MEDIA_CALL_H
#define WORKER_MEDIA_CALL_H

#include "media/bridge.h"
#include "media/capture.h"
#include "media/dtls.h"
#include "media/dtmf.h"
#include "media/rtp_port.h"
#include "tgcall/tgcall.h"
#include "worker/media_thread.h"

struct media_call;

struct media_call_report {
	struct rtp_port_stats rtp;
	struct tgcall_stats telegram;
	struct bridge_leg_stats sip_leg, telegram_leg;
	bool passthrough;
	char version[16];
};

struct media_call_events {
	void (*signal)(struct bytes blob, void *arg); /* to the Telegram peer */
	void (*telegram)(enum tgcall_state state, void *arg);
	void (*digit)(enum dtmf_method method, char digit, void *arg);
	void (*silent)(void *arg); /* no RTP from SIP for the limit, once */
	void (*closed)(const struct media_call_report *report, void *arg);
};

struct media_call_conf {
	struct media_thread *thread;
	struct mailbox *control; /* of the loop that owns the handle */
	struct rtp_ports *ports;
	struct sa address;         /* local address of the RTP port */
	unsigned silence_limit_ms; /* 0: never */
	struct media_call_events events;
	void *arg;
};

/* -EADDRINUSE: no RTP port free; -ENOMEM. */
int media_call_new(struct media_call **mp, const struct media_call_conf *conf);
void media_call_close(struct media_call **mp);
uint16_t media_call_port(const struct media_call *m);

enum media_protection {
	MEDIA_PLAIN,
	MEDIA_SDES,
	MEDIA_DTLS,
};

/* As the media thread needs it. */
struct media_protect {
	enum media_protection kind;
	struct media_srtp_key tx, rx;                /* SDES */
	bool client;                                 /* DTLS: we say hello */
	uint8_t fingerprint[DTLS_FINGERPRINT_BYTES]; /* the peer's */
};

struct media_call_sip {
	struct sa remote;
	const struct media_codec *codec;
	int pt, dtmf_pt;
	uint32_t dtmf_hz; /* clock of dtmf_pt */
	unsigned ptime_ms;
	unsigned modes; /* see struct bridge_leg_conf */
	bool tones;     /* digits are listened for in its audio, too */
	bool deaf;      /* the far end wants nothing: sendonly, inactive */
	bool silent;    /* it may send nothing: all but sendrecv */
	bool mute;      /* it sends nothing: recvonly, inactive */
	struct media_protect protect;
};
void media_call_sip(struct media_call *m, const struct media_call_sip *sip);
/* Starts the Telegram side; conf's handlers are set here, strings and servers
 * are copied. The copy of the key is wiped after use. */
int media_call_telegram(struct media_call *m, const struct tgcall_conf *conf);
/* Presses keys towards the SIP side: DTMF_RFC2833, when that was negotiated, or
 * DTMF_INBAND. */
void media_call_digits(struct media_call *m, enum dtmf_method method,
		       const char *digits);
void media_call_signal(struct media_call *m, struct bytes blob);
/* Both legs' packets go there, too, until it is closed. local: our address of
 * the SIP leg as its SDP has it; unset: not known yet. */
void media_call_capture(struct media_call *m, struct capture *c,
			const struct sa *local);
/* Both sides run: from now on silence of the SIP side is watched. */
void media_call_up(struct media_call *m);
/* The last report the media thread published (at most a second old). */
void media_call_report(struct media_call *m, struct media_call_report *r);

#endif

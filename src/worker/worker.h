/* The Worker role: SIP, RTP, Telegram call media (design 2).
 * One control loop; media threads of its own. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "base/network.h"
#include "base/re.h"
#include "bus/bus.h"
#include "sip/stack.h"

struct worker;

#define WORKER_LISTEN_MAX 8
#define WORKER_DNS_MAX 4

struct worker_conf {
	const char *id;                      /* in bus subjects: "w1" */
	struct bus *bus;                     /* borrowed for life */
	struct sa listen[WORKER_LISTEN_MAX]; /* SIP by UDP */
	size_t listen_n;
	bool tcp;                         /* and by TCP */
	bool no_registrar;                /* no PBX registers here */
	struct sa tls[WORKER_LISTEN_MAX]; /* SIP by TLS; none: no TLS */
	size_t tls_n;
	/* SIP by WebSocket; over TLS */
	struct sa ws[WORKER_LISTEN_MAX], wss[WORKER_LISTEN_MAX];
	size_t ws_n, wss_n;
	const char *certificate, *private_key, *ca_file; /* sip/tls.h */
	const char *own_certificate;
	struct sa dns[WORKER_DNS_MAX]; /* none: the system's */
	size_t dns_n;
	struct network never_ban[32]; /* addresses that may offend */
	size_t never_ban_n;
	unsigned rate_limit; /* sip/stack.h; and drop_agents */
	char drop_agents[GUARD_AGENTS][GUARD_AGENT_MAX];
	size_t drop_agents_n;
	unsigned max_calls;         /* at once; 0: any number */
	const char *realm;          /* NULL: "gramline" */
	const char *public_address; /* literal, or NULL */
	const char *telegram_bind;  /* address for Telegram media, or NULL */
	bool telegram_loopback;     /* gather 127.0.0.1 as well */
	uint16_t rtp_first, rtp_last;
	unsigned media_threads; /* 0: one per processor */
	char versions[16][16];  /* announced to Telegram, descending */
	size_t versions_n;
	unsigned device_timeout_ms; /* 0: 15 s */
	unsigned ring_timeout_ms;   /* 0: 180 s */
	bool log_digits;            /* DTMF values, masked, in the record */
	const char *captures;       /* folder of captures; NULL: none */
	unsigned capture_days;      /* they are kept; 0: for ever */
};

/* Binds its ports. Errors: errno of bind; *why names the address. */
int worker_new(struct worker **wp, const struct worker_conf *conf,
	       const char **why);
/* Ends every call (BYE, discard) and calls done when all media is closed;
 * worker_free() may be called in it or later. */
void worker_stop(struct worker *w, void (*done)(void *arg), void *arg);
void worker_free(struct worker **wp);

#endif

#include "worker/media_call_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct media_parcel *media_parcel_new(struct media_call *m, const void *data,
				      size_t n)
{
	struct media_parcel *p = calloc(1, sizeof(*p) + n);

	if (!p)
		return NULL;
	p->m = m;
	p->n = n;
	if (data)
		memcpy(p->data, data, n);
	return p;
}

void media_parcel_free(struct media_parcel *p)
{
	bytes_wipe(p, sizeof(*p) + p->n);
	free(p);
}

void media_parcel_to_control(struct media_parcel *p, mailbox_h *fn)
{
	if (p && mailbox_post(p->m->conf.control, fn, p))
		media_parcel_free(p);
}

static void to_media(struct media_parcel *p, mailbox_h *fn)
{
	if (p && media_thread_post(p->m->conf.thread, fn, p))
		media_parcel_free(p);
}

/* -- events, arriving on the control loop ---------------------------------- */

void media_call_tell_signal(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.signal(bytes_of(p->data, p->n), m->conf.arg);
	media_parcel_free(p);
}

void media_call_tell_state(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.telegram(p->state, m->conf.arg);
	media_parcel_free(p);
}

void media_call_tell_digit(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.digit(p->method, p->digit, m->conf.arg);
	media_parcel_free(p);
}

void media_call_tell_silent(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	if (!m->closing)
		m->conf.events.silent(m->conf.arg);
	media_parcel_free(p);
}

void media_call_tell_closed(void *arg)
{
	struct media_parcel *p = arg;
	struct media_call *m = p->m;

	m->conf.events.closed(&m->report, m->conf.arg);
	pthread_mutex_destroy(&m->report_lock);
	free(m);
	media_parcel_free(p);
}

/* -- the control side's functions ------------------------------------------ */

int media_call_new(struct media_call **mp, const struct media_call_conf *conf)
{
	struct media_call *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->conf = *conf;
	pthread_mutex_init(&m->report_lock, NULL);
	err = media_side_open(m);
	if (err) {
		pthread_mutex_destroy(&m->report_lock);
		free(m);
		return err;
	}
	m->port_number = rtp_port_number(m->port);
	to_media(media_parcel_new(m, NULL, 0), media_side_attach);
	*mp = m;
	return 0;
}

void media_call_close(struct media_call **mp)
{
	struct media_call *m = *mp;

	if (!m)
		return;
	*mp = NULL;
	m->closing = true;
	to_media(media_parcel_new(m, NULL, 0), media_side_shut);
}

uint16_t media_call_port(const struct media_call *m)
{
	return m->port_number;
}

void media_call_sip(struct media_call *m, const struct media_call_sip *sip)
{
	struct media_parcel *p = media_parcel_new(m, NULL, 0);

	if (!p)
		return;
	p->sip = *sip;
	to_media(p, media_side_set_sip);
}

/* Layout of the parcel's data: version[16], servers, custom parameters, bind
 * address; the copied conf points into it. */
int media_call_telegram(struct media_call *m, const struct tgcall_conf *conf)
{
	size_t servers = conf->servers_n * sizeof(*conf->servers);
	size_t custom = conf->custom_parameters
				? strlen(conf->custom_parameters) + 1
				: 0;
	size_t bind = conf->bind_address ? strlen(conf->bind_address) + 1 : 0;
	struct media_parcel *p =
		media_parcel_new(m, NULL, 16 + servers + custom + bind);
	uint8_t *at;

	if (!p)
		return -ENOMEM;
	p->telegram = *conf;
	at = p->data;
	strncpy((char *)at, conf->version, 15);
	p->telegram.version = (const char *)at;
	at += 16;
	if (servers)
		memcpy(at, conf->servers, servers);
	p->telegram.servers = (const struct tgcall_server *)(void *)at;
	at += servers;
	if (custom)
		memcpy(at, conf->custom_parameters, custom);
	p->telegram.custom_parameters = custom ? (const char *)at : NULL;
	at += custom;
	if (bind)
		memcpy(at, conf->bind_address, bind);
	p->telegram.bind_address = bind ? (const char *)at : NULL;
	to_media(p, media_side_start_telegram);
	return 0;
}

void media_call_signal(struct media_call *m, struct bytes blob)
{
	to_media(media_parcel_new(m, blob.p, blob.n), media_side_signal);
}

void media_call_digits(struct media_call *m, enum dtmf_method method,
		       const char *digits)
{
	struct media_parcel *p =
		media_parcel_new(m, digits, strlen(digits) + 1);

	if (!p)
		return;
	p->method = method;
	to_media(p, media_side_digits);
}

void media_call_up(struct media_call *m)
{
	to_media(media_parcel_new(m, NULL, 0), media_side_up);
}

void media_call_report(struct media_call *m, struct media_call_report *r)
{
	pthread_mutex_lock(&m->report_lock);
	*r = m->report;
	pthread_mutex_unlock(&m->report_lock);
}

void media_call_capture(struct media_call *m, struct capture *c,
			const struct sa *local)
{
	struct media_parcel *p = media_parcel_new(m, NULL, 0);

	if (!p)
		return;
	p->capture = c;
	p->local = *local;
	to_media(p, media_side_capture);
}

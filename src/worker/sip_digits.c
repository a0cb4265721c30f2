#include "worker/sip_digits.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

static const char *const names[DTMF_METHODS] = {
	[DTMF_RFC2833] = "rfc2833",
	[DTMF_INFO] = "info",
	[DTMF_INBAND] = "inband",
};

void sip_digits_init(struct sip_digits *d, const char *setting,
		     struct sip_session **session, struct media_call **media)
{
	memset(d, 0, sizeof(*d));
	tmr_init(&d->pause);
	d->session = session;
	d->media = media;
	while (*setting && d->methods_n < DTMF_METHODS) {
		size_t n = strcspn(setting, ",");

		for (enum dtmf_method m = 0; m < DTMF_METHODS; m++)
			if (strlen(names[m]) == n &&
			    !strncmp(names[m], setting, n))
				d->methods[d->methods_n++] = m;
		setting += n + (setting[n] == ',');
	}
}

void sip_digits_clear(struct sip_digits *d)
{
	tmr_cancel(&d->pause);
	bytes_wipe(d, sizeof(*d));
}

bool sip_digits_take(const struct sip_digits *d, enum dtmf_method method)
{
	for (size_t i = 0; i < d->methods_n; i++)
		if (d->methods[i] == method)
			return true;
	return false;
}

static int press(struct sip_digits *d, const char *digits);

/* What INFO did not bring goes another way, in order. */
static void press_otherwise(struct sip_digits *d)
{
	char digits[DTMF_QUEUE_MAX + 2] = {d->open};
	size_t n = d->open != 0;

	d->refused = true;
	d->open = 0;
	while ((digits[n] = dtmf_queue_take(&d->queue)))
		n++;
	if (n && press(d, digits) < 0)
		count_bad("worker", "digits", "a phone takes none");
	bytes_wipe(digits, sizeof(digits));
}

static void info_next(struct sip_digits *d);

static void on_pause_over(void *arg)
{
	struct sip_digits *d = arg;

	d->paused = false;
	info_next(d);
}

static void info_next(struct sip_digits *d)
{
	int err;

	if (d->open || d->paused)
		return;
	d->open = dtmf_queue_take(&d->queue);
	if (!d->open)
		return;
	err = *d->session
		      ? sip_session_dtmf(*d->session, d->open, DTMF_PRESS_MS)
		      : -ENOTCONN;
	if (err) {
		press_otherwise(d);
		return;
	}
	d->paused = true;
	tmr_start(&d->pause, DTMF_PRESS_MS + DTMF_PAUSE_MS, on_pause_over, d);
}

void sip_digits_told(struct sip_digits *d, int code)
{
	if (!d->open)
		return;
	/* RFC 6086 4.2.2 and RFC 3261 21.4: it does not know these at all */
	if (code == 405 || code == 415 || code == 469 || code == 501) {
		press_otherwise(d);
		return;
	}
	d->open = 0;
	info_next(d);
}

static int press_by(struct sip_digits *d, enum dtmf_method method,
		    const char *digits)
{
	int err;

	if (method == DTMF_INFO) {
		err = dtmf_queue_put(&d->queue, digits);
		if (!err)
			info_next(d);
		return err;
	}
	media_call_digits(*d->media, method, digits);
	return 0;
}

static bool is_taken(const struct sip_digits *d, enum dtmf_method method)
{
	return method == DTMF_RFC2833 ? d->events
				      : method != DTMF_INFO || !d->refused;
}

static int first_taken(const struct sip_digits *d)
{
	for (size_t i = 0; i < d->methods_n; i++)
		if (is_taken(d, d->methods[i]))
			return (int)d->methods[i];
	return -ENOTSUP;
}

/* The method, or a negative error. */
static int press(struct sip_digits *d, const char *digits)
{
	int method = first_taken(d), err;

	if (method < 0)
		return method;
	err = press_by(d, (enum dtmf_method)method, digits);
	return err ? err : method;
}

const char *sip_digits_press(struct sip_digits *d, const char *digits, int *err)
{
	struct dtmf_queue check = {.n = 0};
	int method;

	*err = dtmf_queue_put(&check, digits);
	bytes_wipe(&check, sizeof(check));
	if (*err)
		return NULL;
	if (!*d->session || !*d->media) {
		*err = -ENOTCONN;
		return NULL;
	}
	method = press(d, digits);
	*err = method < 0 ? method : 0;
	if (method == DTMF_INFO && d->refused)
		method = first_taken(d); /* it went on to that at once */
	return method < 0 ? NULL : names[method];
}

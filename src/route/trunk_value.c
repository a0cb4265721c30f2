#include "route/trunk_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/network.h"
#include "base/plant.h"
#include "base/re.h"
#include "base/text.h"
#include "route/caller.h"
#include "route/dial_rules.h"
#include "route/trunk.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SIP_PORT_DEFAULT 5060

static int __attribute__((format(printf, 2, 3)))
wrong(char why[TRUNK_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, TRUNK_WHY, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool has_control(const char *text, const char *but)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < ' ' || c == 0x7f) && !strchr(but, c))
			return true;
	}
	return false;
}

/* The value does not appear in the reason: it may be a password. */
static int keep(char *dst, size_t room, const char *value, const char *control,
		char why[TRUNK_WHY])
{
	if (strlen(value) >= room)
		return wrong(why, "longer than %zu bytes", room - 1);
	if (!text_is_utf8(bytes_str(value)))
		return wrong(why, "not UTF-8");
	if (has_control(value, control))
		return wrong(why, "has a control character");
	memcpy(dst, value, strlen(value) + 1);
	return 0;
}

int trunk_value_text(char *dst, size_t room, const char *value,
		     char why[TRUNK_WHY])
{
	return keep(dst, room, value, "", why);
}

int trunk_value_login(char *dst, size_t room, const char *value,
		      char why[TRUNK_WHY])
{
	if (strpbrk(value, " \"<>\\,;?"))
		return wrong(why, "a login has no blanks and none of "
				  "\" < > \\ , ; ?");
	return keep(dst, room, value, "", why);
}

/* -- lists --------------------------------------------------------------------
 */

static bool list_has(const char *list, const char *item)
{
	char one[64];

	while (text_item(&list, one, sizeof(one)))
		if (strcmp(one, item) == 0)
			return true;
	return false;
}

static int list_add(char *list, size_t room, const char *item,
		    char why[TRUNK_WHY])
{
	size_t n = strlen(list);

	if (n + 1 + strlen(item) >= room)
		return wrong(why, "longer than %zu bytes", room - 1);
	snprintf(list + n, room - n, "%s%s", n ? "," : "", item);
	return 0;
}

static bool is_word(const char *name, const char *const *words)
{
	while (*words && strcmp(*words, name) != 0)
		words++;
	return *words;
}

/* A list without repetitions of what is in `words`, in any case. */
static int words_read(char *dst, size_t room, const char *value,
		      const char *what, const char *const *words,
		      char why[TRUNK_WHY])
{
	char item[32];
	int err = 0;

	*dst = '\0';
	while (!err && text_item(&value, item, sizeof(item))) {
		for (char *c = item; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		if (!is_word(item, words))
			err = wrong(why, "there is no %s %s", what, item);
		else if (list_has(dst, item))
			err = wrong(why, "%s %s is given twice", what, item);
		else
			err = list_add(dst, room, item, why);
	}
	if (!err && !*dst)
		err = wrong(why, "no %s given", what);
	return err;
}

int trunk_value_codecs(char *dst, size_t room, const char *value,
		       char why[TRUNK_WHY])
{
	/* Behaviour 3.9 */
	static const char *const names[] = {"opus", "alaw", "mulaw", "g722",
					    "gsm",  "ilbc", "speex", "amr",
					    "g729", "slin", NULL};

	return words_read(dst, room, value, "codec", names, why);
}

int trunk_value_dtmf(char *dst, size_t room, const char *value,
		     char why[TRUNK_WHY])
{
	/* Behaviour 3.10 */
	static const char *const names[] = {"rfc2833", "info", "inband", NULL};

	return words_read(dst, room, value, "method", names, why);
}

int trunk_value_networks(char *dst, size_t room, const char *value,
			 char why[TRUNK_WHY])
{
	struct network network;
	char item[64];
	size_t n = 0;
	int err = 0;

	*dst = '\0';
	while (!err && text_item(&value, item, sizeof(item))) {
		if (network_read(&network, item))
			err = wrong(why, "%s is no address and no network",
				    item);
		else if (n++ == TRUNK_TRUSTED_MAX)
			err = wrong(why, "more than %d networks",
				    TRUNK_TRUSTED_MAX);
		else
			err = list_add(dst, room, item, why);
	}
	return err;
}

/* -- SIP ----------------------------------------------------------------------
 */

int trunk_value_caller_phone(char *dst, size_t room, const char *value,
			     char why[TRUNK_WHY])
{
	const char *reason;

	if (route_caller_phone_check(value, &reason))
		return wrong(why, "%s", reason);
	return keep(dst, room, value, "\n\r\t", why);
}

int trunk_value_dial_rules(char *dst, size_t room, const char *value,
			   char why[TRUNK_WHY])
{
	struct dial_rules_fault fault;
	struct dial_rules *rules = NULL;
	int err = dial_rules_new(&rules, value, &fault);

	dial_rules_free(&rules);
	if (err == -EINVAL)
		return wrong(why, "%s", fault.text);
	return err ? err : keep(dst, room, value, "\n\r\t", why);
}

int trunk_value_rules(char *dst, size_t room, const char *value,
		      char why[TRUNK_WHY])
{
	const char *reason;

	if (route_caller_check(value, &reason))
		return wrong(why, "%s", reason);
	return keep(dst, room, value, "\n\r\t", why);
}

/* "host", "host:port", "[2001:db8::1]:5060". */
int trunk_value_host(char *dst, size_t room, const char *value,
		     char why[TRUNK_WHY])
{
	const char *bracket = strchr(value, ']');
	const char *colon = strchr(bracket ? bracket : value, ':');
	size_t digits = colon ? strspn(colon + 1, DIGITS) : 1;

	if (!*value || colon == value || !digits || digits > 5 ||
	    (colon && colon[1 + digits]) ||
	    strspn(value, DIGITS LETTERS ".-_:[]") != strlen(value))
		return wrong(why, "HOST or HOST:PORT is expected");
	return keep(dst, room, value, "", why);
}

int trunk_value_address(char *dst, size_t room, const char *value,
			char why[TRUNK_WHY])
{
	struct sa sa;

	if (sa_decode(&sa, value, strlen(value)) && sa_set_str(&sa, value, 0))
		return wrong(why, "ADDRESS or ADDRESS:PORT is expected, with "
				  "a literal address");
	if (!sa_port(&sa))
		sa_set_port(&sa, SIP_PORT_DEFAULT);
	return re_snprintf(dst, room, "%J", &sa) < 0 ? wrong(why, "too long")
						     : 0;
}

/* Behaviour 3.12: "Refuse names that the stack owns"; with their compact forms
 * (RFC 3261 7.3.3). A final - stands for all that begin so. */
static bool header_is_ours(const char *name, size_t n)
{
	static const char *const ours[] = {"Via",
					   "v",
					   "From",
					   "f",
					   "To",
					   "t",
					   "Call-ID",
					   "i",
					   "CSeq",
					   "Contact",
					   "m",
					   "Content-",
					   "c",
					   "l",
					   "e",
					   "Max-Forwards",
					   "Route",
					   "Record-Route",
					   "Authorization",
					   "Proxy-",
					   "WWW-"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		size_t own = strlen(ours[i]);

		if (strncasecmp(ours[i], name, own) == 0 &&
		    (ours[i][own - 1] == '-' || n == own))
			return true;
	}
	return false;
}

/* Written "Name: value". */
int trunk_value_field(char *dst, size_t room, const char *value,
		      char why[TRUNK_WHY])
{
	size_t name = strspn(value, DIGITS LETTERS "-_.!%*+`'~");
	const char *end = value + strlen(value), *at = value + name;
	char text[256];

	while (*at == ' ' || *at == '\t')
		at++;
	if (!name || name >= 64 || *at++ != ':')
		return wrong(why, "NAME: VALUE is expected, as in a SIP "
				  "header");
	while (*at == ' ' || *at == '\t')
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end == at || end - at >= 128)
		return wrong(why, "a value of 1 to 127 bytes is expected");
	if (header_is_ours(value, name))
		return wrong(why,
			     "the header %.*s means something in SIP: "
			     "take one of your own, X-Office for example",
			     (int)name, value);
	PLANT_OVERFLOW(name > 9 && *at < '0', at, (size_t)(end - at));
	(void)re_snprintf(text, sizeof(text), "%b: %b", value, name, at,
			  (size_t)(end - at));
	return keep(dst, room, text, "\t", why);
}

/* Goes into a Request-URI as it stands. */
int trunk_value_number(char *dst, size_t room, const char *value,
		       char why[TRUNK_WHY])
{
	if (strspn(value, DIGITS LETTERS "+*_.-") != strlen(value))
		return wrong(why, "digits, letters, + * _ . - only");
	return keep(dst, room, value, "", why);
}

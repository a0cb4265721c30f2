#include "route/trunk.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/text.h"
#include "route/caller.h"
#include "route/trunk_value.h"

static int __attribute__((format(printf, 4, 5)))
fault(struct trunk_fault *f, int err, const char *key, const char *fmt, ...)
{
	va_list ap;

	f->key = key;
	va_start(ap, fmt);
	(void)vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return err;
}

/* -- one setting --------------------------------------------------------------
 */

static uint64_t bit_of(const struct trunk_setting *row)
{
	return UINT64_C(1) << (row - trunk_setting(0));
}

static int read_word(const struct trunk_setting *row, unsigned *n,
		     const char *value, char why[TRUNK_WHY])
{
	size_t used = 0;

	for (unsigned i = 0; row->words[i]; i++)
		if (strcasecmp(row->words[i], value) == 0) {
			*n = i;
			return 0;
		}
	*why = '\0';
	for (unsigned i = 0; row->words[i] && used < TRUNK_WHY; i++)
		if (*row->words[i])
			used += (size_t)snprintf(
				why + used, TRUNK_WHY - used, "%s%s",
				used ? ", " : "it is one of ", row->words[i]);
	return -EINVAL;
}

static int read_number(const struct trunk_setting *row, unsigned *n,
		       const char *value, char why[TRUNK_WHY])
{
	uint64_t read = 0;
	const char *c = value;

	for (; isdigit((unsigned char)*c) && c - value < 10; c++)
		read = read * 10 + (uint64_t)(*c - '0');
	if (c == value || *c || read < row->least || read > row->most) {
		snprintf(why, TRUNK_WHY, "a number from %u to %u is expected",
			 row->least, row->most);
		return -EINVAL;
	}
	*n = (unsigned)read;
	return 0;
}

static int read_yes_no(bool *b, const char *value, char why[TRUNK_WHY])
{
	static const char *const words[] = {"no",   "yes", "false",
					    "true", "off", "on"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(words[i], value) == 0) {
			*b = i % 2;
			return 0;
		}
	snprintf(why, TRUNK_WHY, "yes or no is expected");
	return -EINVAL;
}

static int value_put(struct trunk *t, const struct trunk_setting *row,
		     const char *value, char why[TRUNK_WHY])
{
	void *field = (char *)t + row->offset;
	char text[sizeof(t->trusted_ips)];
	unsigned n;
	int err;

	_Static_assert(sizeof(enum trunk_kind) == sizeof(n), "words");
	switch (row->type) {
	case TRUNK_WORD:
		err = read_word(row, &n, value, why);
		if (!err)
			memcpy(field, &n, sizeof(n));
		return err;
	case TRUNK_NUMBER:
		return read_number(row, field, value, why);
	case TRUNK_YES_NO:
		return read_yes_no(field, value, why);
	default:
		break;
	}
	*text = '\0';
	err = *value ? row->read(text, row->room, value, why) : 0;
	if (!err)
		memcpy(field, text, strlen(text) + 1);
	bytes_wipe(text, sizeof(text));
	return err;
}

static const char *default_of(const struct trunk *t,
			      const struct trunk_setting *row)
{
	return t->preset == TRUNK_PRESET_TG2SIP && row->tg2sip ? row->tg2sip
							       : row->otherwise;
}

static void default_put(struct trunk *t, const struct trunk_setting *row)
{
	char why[TRUNK_WHY];

	if (!(t->given & bit_of(row)))
		(void)value_put(t, row, default_of(t, row), why);
}

static void defaults_put(struct trunk *t)
{
	const struct trunk_setting *row;

	for (size_t i = 0; (row = trunk_setting(i)); i++)
		default_put(t, row);
}

/* A name stands in commands, section heads, records and file names. */
static bool is_name(const char *name)
{
	size_t n = strlen(name);

	if (!n || n >= sizeof(((struct trunk *)0)->name) || *name == ' ' ||
	    name[n - 1] == ' ')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-+ ", *name) &&
		    !((unsigned char)*name & 0x80))
			return false;
	return true;
}

int trunk_init(struct trunk *t, const char *name, struct trunk_fault *f)
{
	if (!is_name(name))
		return fault(f, -EINVAL, NULL,
			     "a trunk needs a name of at most 63 characters: "
			     "letters, digits, . _ - + and blanks within");
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	defaults_put(t);
	return 0;
}

void trunk_wipe(struct trunk *t)
{
	bytes_wipe(t, sizeof(*t));
}

int trunk_set(struct trunk *t, const char *key, const char *value,
	      struct trunk_fault *f)
{
	const struct trunk_setting *row = trunk_setting_find(key);
	char why[TRUNK_WHY];

	if (!row)
		return fault(f, -ENOENT, NULL, "there is no setting %.64s",
			     key);
	if (*value && value_put(t, row, value, why))
		return fault(f, -EINVAL, row->key, "%s", why);
	if (*value)
		t->given |= bit_of(row);
	else
		t->given &= ~bit_of(row);
	default_put(t, row);
	/* A preset changes defaults of others. */
	if (row->offset == offsetof(struct trunk, preset))
		defaults_put(t);
	return 0;
}

int trunk_get(const struct trunk *t, const char *key, char *dst, size_t room)
{
	const struct trunk_setting *row = trunk_setting_find(key);
	const char *field;
	unsigned n;
	int used;

	if (!row)
		return -ENOENT;
	field = (const char *)t + row->offset;
	switch (row->type) {
	case TRUNK_WORD:
		memcpy(&n, field, sizeof(n));
		used = snprintf(dst, room, "%s", row->words[n]);
		break;
	case TRUNK_NUMBER:
		memcpy(&n, field, sizeof(n));
		used = snprintf(dst, room, "%u", n);
		break;
	case TRUNK_YES_NO:
		used = snprintf(dst, room, "%s",
				*(const bool *)field ? "yes" : "no");
		break;
	default:
		used = snprintf(dst, room, "%s", field);
		break;
	}
	return used < 0 || (size_t)used >= room ? -ENOSPC : 0;
}

bool trunk_is_given(const struct trunk *t, const char *key)
{
	const struct trunk_setting *row = trunk_setting_find(key);

	return row && t->given & bit_of(row);
}

/* -- all together -------------------------------------------------------------
 */

static int check_codecs(const struct trunk *t, trunk_codec_h *built,
			struct trunk_fault *f)
{
	const char *list = t->codecs;
	char item[16];

	while (text_item(&list, item, sizeof(item)))
		if (!built(item))
			return fault(f, -EINVAL, "codecs",
				     "codec %s is not in this build", item);
	return 0;
}

int trunk_check(const struct trunk *t, trunk_codec_h *built,
		struct trunk_fault *f)
{
	const struct trunk_setting *row;
	unsigned kind = 1u << t->kind;

	for (size_t i = 0; (row = trunk_setting(i)); i++) {
		bool given = t->given & bit_of(row);

		if (given && !(row->kinds & kind))
			return fault(f, -EINVAL, row->key,
				     "a trunk of kind %s has no such "
				     "setting",
				     trunk_kind_name(t->kind));
		if (!given && row->required & kind)
			return fault(f, -EINVAL, row->key,
				     "a trunk of kind %s needs it",
				     trunk_kind_name(t->kind));
	}
	return built ? check_codecs(t, built, f) : 0;
}

bool trunk_doubtful(const struct trunk *t, struct trunk_fault *f)
{
	const char *why;

	if (!route_caller_ambiguous(t->caller_phone, &why))
		return false;
	(void)fault(f, 0, "caller_phone", "caller_phone: %s", why);
	return true;
}

bool trunk_field(const struct trunk *t, char name[64], char value[128])
{
	const char *colon = strchr(t->field, ':');

	*name = *value = '\0';
	if (!colon)
		return false;
	snprintf(name, 64, "%.*s", (int)(colon - t->field), t->field);
	snprintf(value, 128, "%s", colon + 2);
	return true;
}

/* Behaviour 3.12: the name in any case, the value as it stands. */
static bool same_field(const struct trunk *a, const struct trunk *b)
{
	char name_a[64], name_b[64], value_a[128], value_b[128];
	bool has_a = trunk_field(a, name_a, value_a);
	bool has_b = trunk_field(b, name_b, value_b);

	return has_a == has_b && strcasecmp(name_a, name_b) == 0 &&
	       strcmp(value_a, value_b) == 0;
}

/* Two that are bound to different Workers never meet. */
static bool may_meet(const struct trunk *a, const struct trunk *b)
{
	return !*a->worker || !*b->worker || strcmp(a->worker, b->worker) == 0;
}

int trunk_clash(const struct trunk *a, const struct trunk *b,
		struct trunk_fault *f)
{
	if (a->kind != b->kind)
		return 0;
	if (a->kind == TRUNK_PBX_TO_GATEWAY && strcmp(a->login, b->login) == 0)
		return fault(f, -EEXIST, "login",
			     "trunk %s has this login already", b->name);
	if (a->kind == TRUNK_IP && strcmp(a->address, b->address) == 0 &&
	    same_field(a, b) && may_meet(a, b))
		return fault(f, -EEXIST, "address",
			     "trunk %s has this address and field "
			     "already: give each a field of its own",
			     b->name);
	return 0;
}

/* Rules of a trunk and what is put through them (behaviour 3.5, 3.8): caller
 * templates both ways, dial rules. Parts of the input end with a NUL: setting,
 * message or dialled text, phone, username, id, name. */
#include "route/caller.h"
#include "route/dial_rules.h"

#include <stdint.h>
#include <string.h>

#define PARTS 6
#define PART_MAX 600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void dial(const char *setting, const char *text)
{
	struct dial_rules_fault fault;
	struct dial_rules *r = NULL;
	char number[128];

	if (dial_rules_new(&r, setting, &fault))
		return;
	(void)dial_rules_apply(number, sizeof(number), r, text);
	dial_rules_free(&r);
}

static void caller(const char *setting, const char *dialled,
		   const struct route_user *user)
{
	struct route_identifier id;
	char shown[128], name[256];
	const char *why;

	if (!route_identifier_read(&id, setting, dialled))
		(void)route_kind_name(id.kind);
	(void)route_caller_phone_check(setting, &why);
	if (route_caller_check(setting, &why))
		return;
	(void)route_caller_ambiguous(setting, &why);
	(void)route_caller_name(name, sizeof(name), setting, user);
	if (!route_caller_phone(shown, sizeof(shown), setting, user))
		(void)route_identifier_read(&id, setting, shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char parts[PARTS][PART_MAX + 1];
	struct route_user user = {parts[2], parts[3], parts[4], parts[5]};

	for (size_t i = 0; i < PARTS; i++) {
		size_t n = strnlen((const char *)data, size);
		size_t kept = n < PART_MAX ? n : PART_MAX;

		if (n)
			memcpy(parts[i], data, kept);
		parts[i][kept] = '\0';
		n += n < size;
		data += n;
		size -= n;
	}
	if (!*parts[4])
		strcpy(parts[4], "1");
	dial(parts[0], parts[1]);
	caller(parts[0], parts[1], &user);
	return 0;
}

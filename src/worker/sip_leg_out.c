/* SIP legs of ours: whom they name, and those that a transfer makes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "worker/sip_leg_priv.h"

static void add_header(struct sip_leg *l, const char *name, const char *value)
{
	if (!value || !*value || l->headers_n == TARGET_HEADERS)
		return;
	snprintf(l->headers[l->headers_n][0], sizeof(l->headers[0][0]), "%s",
		 name);
	snprintf(l->headers[l->headers_n][1], sizeof(l->headers[0][1]), "%s",
		 value);
	l->headers_n++;
}

int sip_leg_new_outgoing(struct call_leg **lp, struct worker_call *wc,
			 const struct sip_leg_target *target)
{
	static const char *const fields[][2] = {
		{"X-TG-ID", "id"},
		{"X-TG-FirstName", "first_name"},
		{"X-TG-LastName", "last_name"},
		{"X-TG-Username", "username"},
		{"X-TG-Phone", "phone"},
	};
	struct sip_leg *l = sip_leg_make(wc, target->trunk);

	if (!l)
		return -ENOMEM;
	snprintf(l->from_user, sizeof(l->from_user), "%s", target->from_user);
	snprintf(l->from_name, sizeof(l->from_name), "%s", target->from_name);
	if (target->contact)
		snprintf(l->contact, sizeof(l->contact), "%s", target->contact);
	if (*target->number)
		text_clean(l->trunk.set.number, sizeof(l->trunk.set.number),
			   bytes_str(target->number));
	if (l->trunk.set.kind == TRUNK_IP && *l->trunk.field_name)
		add_header(l, l->trunk.field_name, l->trunk.field_value);
	add_header(l, "X-GW-Context", wc->id);
	/* Who it is stands in P-Asserted-Identity, if anywhere. */
	for (size_t i = 0;
	     !l->trunk.set.privacy && i < sizeof(fields) / sizeof(*fields); i++)
		add_header(l, fields[i][0],
			   json_string_value(json_object_get(target->caller,
							     fields[i][1])));
	*lp = &l->leg;
	return 0;
}

/* -- transfers ------------------------------------------------------------- */

/* The new party sees who the old one saw. */
static void copy_identity(struct sip_leg *l, const struct sip_leg *old)
{
	if (old->incoming) {
		snprintf(l->from_user, sizeof(l->from_user), "%s", l->wc->to);
		if (l->trunk.set.kind == TRUNK_IP && *l->trunk.field_name)
			add_header(l, l->trunk.field_name,
				   l->trunk.field_value);
		add_header(l, "X-GW-Context", l->wc->id);
		return;
	}
	memcpy(l->contact, old->contact, sizeof(l->contact));
	memcpy(l->from_user, old->from_user, sizeof(l->from_user));
	memcpy(l->from_name, old->from_name, sizeof(l->from_name));
	for (size_t i = 0; i < old->headers_n; i++)
		if (strcmp(old->headers[i][0], "Replaces") != 0 &&
		    strcmp(old->headers[i][0], "Referred-By") != 0)
			add_header(l, old->headers[i][0], old->headers[i][1]);
}

int sip_leg_new_transfer(struct call_leg **lp, const struct call_leg *from,
			 const struct sip_refer *r)
{
	const struct sip_leg *old = (const struct sip_leg *)from;
	struct sip_leg *l = sip_leg_make(old->wc, &old->trunk);

	if (!l)
		return -ENOMEM;
	snprintf(l->target, sizeof(l->target), "%s", r->target);
	copy_identity(l, old);
	add_header(l, "Referred-By", r->referred_by);
	add_header(l, "Replaces", r->replaces);
	*lp = &l->leg;
	return 0;
}

/* The log-ins of an account (B.6). */
#include "telegram/login_step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static void authorization_read(struct tg_authorization *t,
			       const struct tl_obj *o)
{
	char name[64], version[24];

	t->hash = tl_long(o, TL_authorization_hash);
	t->current = tl_has(o, TL_authorization_current);
	t->official = tl_has(o, TL_authorization_official_app);
	t->password_pending = tl_has(o, TL_authorization_password_pending);
	t->unconfirmed = tl_has(o, TL_authorization_unconfirmed);
	t->created = tl_int(o, TL_authorization_date_created);
	t->active = tl_int(o, TL_authorization_date_active);
	text_clean(name, sizeof(name), tl_bytes(o, TL_authorization_app_name));
	text_clean(version, sizeof(version),
		   tl_bytes(o, TL_authorization_app_version));
	snprintf(t->app, sizeof(t->app), "%s %s", name, version);
	text_clean(t->device, sizeof(t->device),
		   tl_bytes(o, TL_authorization_device_model));
	text_clean(t->ip, sizeof(t->ip), tl_bytes(o, TL_authorization_ip));
	text_clean(t->country, sizeof(t->country),
		   tl_bytes(o, TL_authorization_country));
}

static void authorizations_answered(const struct mtp_error *err,
				    const struct tl_obj *answer, void *arg)
{
	static const struct mtp_error no_memory = {500, "INTERNAL"};
	struct tg_authorization *list = NULL;
	struct step *s = arg;
	uint32_t n = 0;

	if (!err) {
		n = tl_count(answer, TL_account_authorizations_authorizations);
		list = calloc(n + 1, sizeof(*list));
		if (!list)
			err = &no_memory;
	}
	for (uint32_t i = 0; i < n && list; i++)
		authorization_read(
			&list[i],
			tl_item(answer,
				TL_account_authorizations_authorizations, i));
	if (s->done.authorizations)
		s->done.authorizations(err, list, err ? 0 : n, s->arg);
	free(list);
	free(s);
}

int tg_authorizations(struct tg_account *a, tg_authorizations_h *done,
		      void *arg)
{
	struct step *s = step_new(a, arg);
	struct tl_arena arena;
	int err;

	if (!s)
		return -ENOMEM;
	s->done.authorizations = done;
	tl_arena_init(&arena);
	err = step_query(s, tl_new(&arena, TL_account_getAuthorizations),
			 authorizations_answered);
	tl_arena_clear(&arena);
	return err;
}

static void authorization_ended(const struct mtp_error *err,
				const struct tl_obj *answer, void *arg)
{
	step_login_done(arg, err, NULL);
}

int tg_authorization_end(struct tg_account *a, int64_t hash, tg_login_h *done,
			 void *arg)
{
	struct step *s = step_new(a, arg);
	struct tl_arena arena;
	struct tl_obj *q;
	int err;

	if (!s)
		return -ENOMEM;
	s->done.login = done;
	tl_arena_init(&arena);
	q = tl_new(&arena, TL_account_resetAuthorization);
	tl_set_long(q, TL_account_resetAuthorization_hash, hash);
	err = step_query(s, q, authorization_ended);
	tl_arena_clear(&arena);
	return err;
}

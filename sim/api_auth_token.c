/* Log-ins without a phone code: QR codes (telegram-wire B.2) and bots (B.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "sim/api_auth.h"
#include "sim/update.h"

enum { SIM_TOKEN_LIFETIME_S = 30 };

/* -- tokens --------------------------------------------------------------- */

static struct sim_token *sim_token_find(const struct sim_world *w,
					struct bytes token)
{
	struct sim_token *t = w->tokens;

	while (t && !bytes_equal(token, bytes_of(t->token, sizeof(t->token))))
		t = t->next;
	return t;
}

static void sim_token_drop(struct sim_world *w, struct sim_token *t)
{
	struct sim_token **tp = &w->tokens;

	while (*tp && *tp != t)
		tp = &(*tp)->next;
	if (!*tp)
		return;
	*tp = t->next;
	free(t);
}

/* What this client shows. */
static struct sim_token *sim_token_shown(const struct sim_world *w,
					 uint64_t key_id)
{
	struct sim_token *t = w->tokens;

	while (t && t->key_id != key_id)
		t = t->next;
	return t;
}

const struct sim_fault *sim_auth_token_accept(struct sim_world *w,
					      struct sim_account *a,
					      struct bytes token,
					      struct sim_token **tokenp)
{
	struct sim_token *t = sim_token_find(w, token);

	if (!t)
		return SIM_FAULT(400, "AUTH_TOKEN_INVALID", "token-unknown");
	if (t->user)
		return SIM_FAULT(400, "AUTH_TOKEN_ALREADY_ACCEPTED",
				 "token-accepted");
	if (t->expires <= sim_world_date(w)) {
		sim_token_drop(w, t);
		return SIM_FAULT(400, "AUTH_TOKEN_EXPIRED", "token-expired");
	}
	t->user = a->id;
	*tokenp = t;
	return NULL;
}

/* -- exportLoginToken, importLoginToken ----------------------------------- */

static void sim_token_new(struct sim_request *r)
{
	struct sim_token *t = calloc(1, sizeof(*t));
	struct tl_obj *o;

	if (!t)
		return;
	random_bytes(t->token, sizeof(t->token));
	t->key_id = r->key->id;
	t->expires = sim_world_date(r->world) + SIM_TOKEN_LIFETIME_S;
	t->next = r->world->tokens;
	r->world->tokens = t;
	o = tl_new(r->arena, TL_auth_loginToken);
	tl_set_int(o, TL_auth_loginToken_expires, t->expires);
	tl_set_bytes(o, TL_auth_loginToken_token, t->token, sizeof(t->token));
	sim_answer(r, o);
}

static void sim_token_migrate(struct sim_request *r, const struct sim_token *t,
			      int16_t dc)
{
	struct tl_obj *o = tl_new(r->arena, TL_auth_loginTokenMigrateTo);

	tl_set_int(o, TL_auth_loginTokenMigrateTo_dc_id, dc);
	tl_set_bytes(o, TL_auth_loginTokenMigrateTo_token, t->token,
		     sizeof(t->token));
	sim_answer(r, o);
}

static void sim_token_login(struct sim_request *r, struct sim_token *t,
			    struct sim_account *a)
{
	struct tl_obj *o;

	sim_token_drop(r->world, t);
	if (sim_auth_password_owed(r, a))
		return;
	o = tl_new(r->arena, TL_auth_loginTokenSuccess);
	tl_set_child(o, TL_auth_loginTokenSuccess_authorization,
		     sim_auth_authorize(r, a));
	sim_answer(r, o);
}

static void sim_auth_export_token(struct sim_request *r)
{
	struct sim_token *t = sim_token_shown(r->world, r->key->id);
	struct sim_account *a;

	if (!sim_auth_api_known(
		    r, tl_int(r->q, TL_auth_exportLoginToken_api_id),
		    tl_bytes(r->q, TL_auth_exportLoginToken_api_hash))) {
		sim_refuse(r, SIM_FAULT(400, "API_ID_INVALID", "api-id"));
		return;
	}
	a = t && t->user ? sim_world_account(r->world, t->user) : NULL;
	if (a && a->dc != r->session->dc) {
		sim_token_migrate(r, t, a->dc);
	} else if (a) {
		sim_token_login(r, t, a);
	} else {
		if (t)
			sim_token_drop(r->world, t);
		sim_token_new(r);
	}
}

static void sim_auth_import_token(struct sim_request *r)
{
	struct sim_token *t = sim_token_find(
		r->world, tl_bytes(r->q, TL_auth_importLoginToken_token));
	struct sim_account *a =
		t && t->user ? sim_world_account(r->world, t->user) : NULL;

	if (!a)
		sim_refuse(r, SIM_FAULT(400, "AUTH_TOKEN_INVALID",
					"token-unknown"));
	else if (t->expires + SIM_TOKEN_LIFETIME_S <= sim_world_date(r->world))
		sim_refuse(r, SIM_FAULT(400, "AUTH_TOKEN_EXPIRED",
					"token-expired"));
	else if (a->dc != r->session->dc)
		sim_token_migrate(r, t, a->dc);
	else
		sim_token_login(r, t, a);
}

/* The scanning side. */
static void sim_auth_accept_token(struct sim_request *r)
{
	struct bytes token = tl_bytes(r->q, TL_auth_acceptLoginToken_token);
	struct sim_token *t = NULL;
	const struct sim_fault *f =
		sim_auth_token_accept(r->world, r->me, token, &t);
	struct tl_obj *o;

	if (f) {
		sim_refuse(r, f);
		return;
	}
	o = sim_object_authorization(r->arena,
				     sim_world_key(r->world, t->key_id), false);
	sim_answer(r, o);
	sim_update_token(r->world, t->key_id);
}

/* -- bots ----------------------------------------------------------------- */

static void sim_auth_import_bot(struct sim_request *r)
{
	struct bytes token =
		tl_bytes(r->q, TL_auth_importBotAuthorization_bot_auth_token);
	struct sim_account *a = r->world->accounts;
	char text[32];

	if (!sim_auth_api_known(
		    r, tl_int(r->q, TL_auth_importBotAuthorization_api_id),
		    tl_bytes(r->q, TL_auth_importBotAuthorization_api_hash))) {
		sim_refuse(r, SIM_FAULT(400, "API_ID_INVALID", "api-id"));
		return;
	}
	while (a && (!a->bot_token[0] ||
		     !bytes_equal(token, bytes_str(a->bot_token))))
		a = a->next;
	if (!a) {
		sim_refuse(r,
			   SIM_FAULT(400, "ACCESS_TOKEN_INVALID", "bot-token"));
	} else if (a->dc != r->session->dc) {
		snprintf(text, sizeof(text), "USER_MIGRATE_%d", a->dc);
		sim_refuse_text(r, 303, text);
	} else {
		sim_auth_login(r, a);
	}
}

const struct sim_method sim_methods_token[] = {
	{TL_auth_exportLoginToken, SIM_ACCESS_OPEN, sim_auth_export_token},
	{TL_auth_importLoginToken, SIM_ACCESS_OPEN, sim_auth_import_token},
	{TL_auth_acceptLoginToken, SIM_ACCESS_LOGIN, sim_auth_accept_token},
	{TL_auth_importBotAuthorization, SIM_ACCESS_OPEN, sim_auth_import_bot},
	{0, SIM_ACCESS_OPEN, NULL},
};

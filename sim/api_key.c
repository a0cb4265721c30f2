/* Keys beyond the log-in: temporary ones (telegram-wire A.4, "PFS"), and the
 * log-in carried over to another data centre (A.8). */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "mtproto/bind.h"
#include "sim/api_auth.h"

/* Clients count from when they heard of the key. */
#define SIM_EXPIRES_SLACK_S 60
#define SIM_CARRIED_LIFETIME_S 60

/* -- auth.bindTempAuthKey, auth.dropTempAuthKeys -------------------------- */

static const char *sim_bind_fields(const struct sim_request *r,
				   const struct sim_key *temp,
				   const struct mtp_bind *b)
{
	int32_t now = sim_world_date(r->world);

	if (b->nonce != tl_long(r->q, TL_auth_bindTempAuthKey_nonce))
		return "bind-nonce";
	if (b->perm_key_id !=
	    (uint64_t)tl_long(r->q, TL_auth_bindTempAuthKey_perm_auth_key_id))
		return "bind-perm-key-id";
	if (b->temp_key_id != temp->id)
		return "bind-temp-key-id";
	if (b->temp_session_id != r->session->session_id)
		return "bind-session-id";
	if (b->expires_at != tl_int(r->q, TL_auth_bindTempAuthKey_expires_at))
		return "bind-expires-at";
	if (b->expires_at <= now ||
	    b->expires_at > temp->expires + SIM_EXPIRES_SLACK_S)
		return "bind-expires-when";
	return NULL;
}

/* The name of what is wrong, or NULL. */
static const char *sim_bind_check(const struct sim_request *r,
				  const struct sim_key *temp)
{
	const struct sim_key *perm = sim_world_key(
		r->world,
		(uint64_t)tl_long(r->q,
				  TL_auth_bindTempAuthKey_perm_auth_key_id));
	struct bytes sealed =
		tl_bytes(r->q, TL_auth_bindTempAuthKey_encrypted_message);
	struct mtp_bind b = {0};
	const char *fault;

	if (!temp->expires)
		return "bind-on-permanent-key";
	if (temp->early)
		return "bind-not-first";
	if (!perm || perm->expires || perm->dc != temp->dc)
		return "bind-perm-key-unknown";
	if (temp->bound && temp->bound != perm->id)
		return "bind-to-another-key";
	if (mtp_bind_open(&b, &fault, sealed, perm->key, r->msg_id))
		return fault;
	return sim_bind_fields(r, temp, &b);
}

static void sim_auth_bind(struct sim_request *r)
{
	struct sim_key *temp = sim_world_key(r->world, r->session->key_id);
	const char *fault = sim_bind_check(r, temp);

	if (fault) {
		sim_world_refused(r->world, fault);
		sim_refuse_text(r, 400, "ENCRYPTED_MESSAGE_INVALID");
		return;
	}
	temp->bound = (uint64_t)tl_long(
		r->q, TL_auth_bindTempAuthKey_perm_auth_key_id);
	temp->expires = tl_int(r->q, TL_auth_bindTempAuthKey_expires_at);
	sim_world_key_save(r->world, temp);
	sim_world_event(r->world,
			json_pack("{ss si}", "event", "bound", "expires_in",
				  temp->expires - sim_world_date(r->world)));
	sim_answer_bool(r, true);
}

static bool sim_key_excepted(const struct sim_request *r, uint64_t id)
{
	uint32_t n = tl_count(r->q, TL_auth_dropTempAuthKeys_except_auth_keys);

	for (uint32_t i = 0; i < n; i++)
		if ((uint64_t)tl_item_long(
			    r->q, TL_auth_dropTempAuthKeys_except_auth_keys,
			    i) == id)
			return true;
	return false;
}

static void sim_auth_drop_temporary(struct sim_request *r)
{
	struct sim_key *k = r->world->keys;

	while (k) {
		struct sim_key *next = k->next;

		if (k->expires && k->bound == r->key->id &&
		    k->id != r->session->key_id && !sim_key_excepted(r, k->id))
			sim_world_key_drop(r->world, k->id);
		k = next;
	}
	sim_answer_bool(r, true);
}

/* -- auth.exportAuthorization, auth.importAuthorization ------------------- */

static bool sim_dc_exists(const struct sim_world *w, int32_t dc)
{
	for (int i = 0; i < w->config->dc_count; i++)
		if (w->config->dcs[i].id == dc)
			return true;
	return false;
}

static void sim_auth_export(struct sim_request *r)
{
	int32_t dc = tl_int(r->q, TL_auth_exportAuthorization_dc_id);
	struct sim_carried *c;
	struct tl_obj *o;

	if (!sim_dc_exists(r->world, dc) || dc == r->session->dc) {
		sim_refuse(r, SIM_FAULT(400, "DC_ID_INVALID", "export-dc"));
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	random_bytes(c->bytes, sizeof(c->bytes));
	c->user = r->me->id;
	c->dc = (int16_t)dc;
	c->expires = sim_world_date(r->world) + SIM_CARRIED_LIFETIME_S;
	c->next = r->world->carried;
	r->world->carried = c;
	o = tl_new(r->arena, TL_auth_exportedAuthorization);
	tl_set_long(o, TL_auth_exportedAuthorization_id, c->user);
	tl_set_bytes(o, TL_auth_exportedAuthorization_bytes, c->bytes,
		     sizeof(c->bytes));
	sim_answer(r, o);
}

/* Valid once, for that user, at that data centre. */
static bool sim_carried_take(struct sim_request *r, int64_t id,
			     struct bytes bytes)
{
	struct sim_carried **cp = &r->world->carried, *c;
	bool good;

	while (*cp && !bytes_equal(bytes, bytes_of((*cp)->bytes,
						   sizeof((*cp)->bytes))))
		cp = &(*cp)->next;
	c = *cp;
	if (!c)
		return false;
	*cp = c->next;
	good = c->user == id && c->dc == r->session->dc &&
	       c->expires > sim_world_date(r->world);
	free(c);
	return good;
}

static void sim_auth_import(struct sim_request *r)
{
	int64_t id = tl_long(r->q, TL_auth_importAuthorization_id);
	struct sim_account *a = sim_world_account(r->world, id);
	struct tl_obj *o;

	if (!a ||
	    !sim_carried_take(
		    r, id, tl_bytes(r->q, TL_auth_importAuthorization_bytes))) {
		sim_refuse(r, SIM_FAULT(400, "AUTH_BYTES_INVALID",
					"import-bytes"));
		return;
	}
	r->key->user = a->id;
	r->key->carried = true;
	r->key->date = sim_world_date(r->world);
	sim_world_key_save(r->world, r->key);
	r->me = a;
	sim_world_event(r->world,
			json_pack("{ss sI si}", "event", "carried", "user",
				  (json_int_t)a->id, "dc", r->session->dc));
	o = tl_new(r->arena, TL_auth_authorization);
	tl_set_child(o, TL_auth_authorization_user,
		     sim_object_user(r->arena, a, a));
	sim_answer(r, o);
}

void sim_carried_clear(struct sim_world *w)
{
	while (w->carried) {
		struct sim_carried *c = w->carried;

		w->carried = c->next;
		free(c);
	}
}

const struct sim_method sim_methods_key[] = {
	{TL_auth_bindTempAuthKey, SIM_ACCESS_OPEN, sim_auth_bind},
	{TL_auth_dropTempAuthKeys, SIM_ACCESS_OPEN, sim_auth_drop_temporary},
	{TL_auth_exportAuthorization, SIM_ACCESS_LOGIN, sim_auth_export},
	{TL_auth_importAuthorization, SIM_ACCESS_OPEN, sim_auth_import},
	{0, SIM_ACCESS_OPEN, NULL},
};

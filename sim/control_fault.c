/* The operations that make something go wrong. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/control_private.h"
#include "sim/order.h"
#include "sim/update.h"

/* -- orders ------------------------------------------------------------------
 */

static json_t *sim_run_fault(struct sim_operation *op)
{
	int id;

	if (sim_order_add(op->w, op->q, &id, op->why))
		return sim_failed(op, "fault: no memory");
	return json_pack("{si}", "id", id);
}

static json_t *sim_run_faults(struct sim_operation *op)
{
	return json_pack("{so}", "faults", sim_orders_describe(op->w));
}

static json_t *sim_run_fault_cancel(struct sim_operation *op)
{
	int id = (int)sim_json_int(op->q, "id", 0);

	return json_pack("{si}", "cancelled", sim_orders_cancel(op->w, id));
}

/* -- connections -------------------------------------------------------------
 */

static json_t *sim_run_hostile(struct sim_operation *op)
{
	enum mtp_hostile mode;

	if (!op->dcs ||
	    sim_hostile_parse(&mode, sim_json_text(op->q, "mode", NULL)))
		return sim_failed(op, "mode: unknown");
	sim_dcs_hostile(op->dcs, mode, (int)sim_json_int(op->q, "next", 0));
	return json_object();
}

static json_t *sim_run_drop(struct sim_operation *op)
{
	const struct sim_account *a = NULL;

	if (json_object_get(op->q, "user"))
		a = sim_named(op, "user");
	if (!op->dcs || op->why[0])
		return sim_failed(op, "no connections");
	return json_pack("{si}", "dropped",
			 sim_dcs_drop(op->dcs, a ? a->id : 0));
}

static json_t *sim_run_refuse(struct sim_operation *op)
{
	if (!op->dcs)
		return sim_failed(op, "no connections");
	sim_dcs_refuse(op->dcs, !json_is_false(json_object_get(op->q, "on")));
	return json_object();
}

static json_t *sim_run_silence(struct sim_operation *op)
{
	json_int_t ms = sim_json_int(op->q, "ms", 0);

	if (!op->dcs || ms < 0 || ms > 3600 * 1000)
		return sim_failed(op, "ms: 0 to an hour");
	sim_dcs_silence(op->dcs, op->w->now + (usec_t)ms * USEC_MS);
	return json_object();
}

static json_t *sim_run_salt(struct sim_operation *op)
{
	if (!op->dcs)
		return sim_failed(op, "no connections");
	sim_dcs_salts_change(op->dcs);
	return json_object();
}

static json_t *sim_run_renew(struct sim_operation *op)
{
	if (!op->dcs)
		return sim_failed(op, "no connections");
	sim_dcs_sessions_renew(op->dcs);
	return json_object();
}

static json_t *sim_run_clock(struct sim_operation *op)
{
	op->w->clock_off_us =
		sim_json_int(op->q, "offset_s", 0) * (json_int_t)1000000;
	return json_object();
}

/* -- updates and log-ins -----------------------------------------------------
 */

static json_t *sim_run_status(struct sim_operation *op)
{
	struct sim_account *a = sim_named(op, "user");
	struct sim_account *about = sim_named(op, "about");

	if (!a || !about)
		return NULL;
	sim_update_status(a, about, (int)sim_json_int(op->q, "skip", 0));
	return json_object();
}

static json_t *sim_run_logout(struct sim_operation *op)
{
	const struct sim_account *a = sim_named(op, "user");
	int n = 0;

	if (!a)
		return NULL;
	for (struct sim_key *k = op->w->keys; k; k = k->next) {
		if (k->user != a->id)
			continue;
		k->user = 0;
		snprintf(k->lost, sizeof(k->lost), "%s",
			 sim_json_text(op->q, "reason", ""));
		sim_world_key_save(op->w, k);
		n++;
	}
	return json_pack("{si}", "sessions", n);
}

static bool sim_key_is_of(struct sim_world *w, const struct sim_key *k,
			  const struct sim_account *a)
{
	const struct sim_key *login = sim_world_login_key(w, k->id);

	return login && login->user == a->id;
}

/* The data centre has never heard of his keys: -404 on the next connection.
 * Temporary ones first, for they lead to the permanent one. */
static json_t *sim_run_forget(struct sim_operation *op)
{
	const struct sim_account *a = sim_named(op, "user");
	struct sim_key *next;
	int n = 0;

	if (!a || !op->dcs)
		return sim_failed(op, "no connections");
	sim_dcs_drop(op->dcs, a->id);
	for (int permanent = 0; permanent < 2; permanent++)
		for (struct sim_key *k = op->w->keys; k; k = next) {
			next = k->next;
			if (!sim_key_is_of(op->w, k, a) ||
			    !k->expires != !!permanent)
				continue;
			sim_world_key_drop(op->w, k->id);
			n++;
		}
	return json_pack("{si}", "keys", n);
}

const struct sim_operation_run sim_operations_fault[] = {
	{"fault", sim_run_fault},
	{"faults", sim_run_faults},
	{"fault-cancel", sim_run_fault_cancel},
	{"hostile", sim_run_hostile},
	{"drop", sim_run_drop},
	{"refuse", sim_run_refuse},
	{"silence", sim_run_silence},
	{"salt", sim_run_salt},
	{"renew", sim_run_renew},
	{"clock", sim_run_clock},
	{"status", sim_run_status},
	{"logout", sim_run_logout},
	{"forget", sim_run_forget},
	{NULL, NULL},
};

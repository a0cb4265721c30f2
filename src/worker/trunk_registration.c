/* The registrations we keep at PBXs, one for each trunk of that kind. */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "worker/internal.h"

static void tell(const struct worker_trunk *t)
{
	const struct sip_registration_status *s = &t->status;
	bool up = s->state == SIP_REGISTRATION_UP;
	char registrar[64] = "", cause[160] = "";

	if (up)
		re_snprintf(registrar, sizeof(registrar), "%J", &s->registrar);
	else
		snprintf(cause, sizeof(cause), "%d %s", s->code, s->reason);
	worker_publish(t->worker, BUS_MANAGER_REGISTERED,
		       json_pack("{ss ss ss ss ss si ss}", "worker",
				 t->worker->id, "trunk", t->set.name, "contact",
				 "", "source", registrar, "user_agent", "",
				 "expires_s", up ? (int)s->expires_s : 0,
				 "cause", cause));
}

void worker_trunk_registration_tell(const struct worker_trunk *t)
{
	if (t->registration && t->status.code)
		tell(t);
}

static void on_changed(const struct sip_registration_status *status, void *arg)
{
	struct worker_trunk *t = arg;

	t->status = *status;
	if (status->state == SIP_REGISTRATION_UP)
		log_info("worker", t->set.name, "registered at %s for %u s",
			 t->set.domain, status->expires_s);
	else
		log_warn("worker", t->set.name, "not registered at %s: %d %s",
			 t->set.domain, status->code, status->reason);
	tell(t);
}

/* The same after a restart, so that a contact the registrar still holds from
 * before is ours, and not to be guessed by others. */
static void line_make(struct worker_trunk *t)
{
	const char *const parts[] = {t->set.name, t->set.login, t->set.password,
				     t->set.domain};
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE] = {0};

	if (c && EVP_DigestInit_ex(c, EVP_sha256(), NULL)) {
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			(void)EVP_DigestUpdate(c, parts[i],
					       strlen(parts[i]) + 1);
		(void)EVP_DigestFinal_ex(c, hash, NULL);
	}
	EVP_MD_CTX_free(c);
	for (size_t i = 0; i < 16; i++)
		snprintf(t->line + 2 * i, 3, "%02x", hash[i]);
}

static const char *transport_of(const struct trunk *set)
{
	switch (set->transport) {
	case TRUNK_TCP:
		return "tcp";
	case TRUNK_TLS:
		return "tls";
	default:
		return NULL;
	}
}

static bool same_registration(const struct trunk *a, const struct trunk *b)
{
	return a->kind == b->kind && a->transport == b->transport &&
	       a->tls_verify == b->tls_verify &&
	       strcmp(a->login, b->login) == 0 &&
	       strcmp(a->password, b->password) == 0 &&
	       strcmp(a->domain, b->domain) == 0 &&
	       strcmp(a->proxy, b->proxy) == 0;
}

void worker_trunk_register(struct worker_trunk *t, const struct trunk *before,
			   bool ran)
{
	const struct sip_registration_conf conf = {
		.login = t->set.login,
		.password = t->set.password,
		.domain = t->set.domain,
		.proxy = t->set.proxy,
		.transport = transport_of(&t->set),
		.tls_verify = t->set.tls_verify,
		.line = t->line,
	};
	int err;

	if (before && ran == worker_trunk_runs(t) &&
	    same_registration(&t->set, before))
		return;
	sip_registration_free(&t->registration);
	memset(&t->status, 0, sizeof(t->status));
	if (t->set.kind != TRUNK_GATEWAY_TO_PBX || !worker_trunk_runs(t))
		return;
	line_make(t);
	err = sip_registration_new(&t->registration, t->worker->sip, &conf,
				   on_changed, t);
	if (err)
		log_error("worker", t->set.name, "cannot register at %s: %s",
			  t->set.domain, strerror(-err));
}

/* The second password, server side (telegram-wire B.4). Written for the
 * simulator alone: it shares no code with the client it is used to check. */
#ifndef SIM_SRP_H
#define SIM_SRP_H

#include "base/bytes.h"

enum { SIM_SRP_BYTES = 256, SIM_SALT1_BYTES = 40, SIM_SALT_GIVEN = 8 };

/* What an account keeps of its password. */
struct sim_password {
	bool on;
	bool changed; /* since the configuration: kept in the store */
	uint8_t salt1[SIM_SALT1_BYTES]; /* 8 bytes given, 32 of the client */
	uint8_t salt2[16];
	uint8_t verifier[SIM_SRP_BYTES];
	char hint[64];
};

/* One account.getPassword, good for one attempt. */
struct sim_srp {
	struct sim_srp *next;
	int64_t id;
	uint64_t key_id;
	int64_t user;
	uint8_t verifier[SIM_SRP_BYTES]; /* of that moment */
	uint8_t secret[SIM_SRP_BYTES];
	uint8_t b[SIM_SRP_BYTES];
};

/* Draws the salts; an empty text switches the password off. */
void sim_password_set(struct sim_password *p, const char *text);
void sim_srp_draw(struct sim_srp *s, const struct sim_password *p);
/* A: 256 bytes inside the safe range; M1: 32 bytes. */
bool sim_srp_public_ok(struct bytes a);
bool sim_srp_proof_ok(const struct sim_srp *s, const struct sim_password *p,
		      struct bytes a, struct bytes m1);

#endif

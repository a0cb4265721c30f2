#include "storage/vault.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/folder.h"

static char path[64];

static struct secret_key *key_of(char digit)
{
	struct secret_key *k = NULL;
	const char *why;
	FILE *f = fopen(path, "w");

	if (!f)
		return NULL;
	for (int i = 0; i < 64; i++)
		fputc(digit, f);
	fclose(f);
	return secret_key_load(&k, path, &why) ? NULL : k;
}

static struct mtp_auth auth_example(void)
{
	struct mtp_auth a = {.present = true, .salt = -7, .time_diff = 3};

	for (size_t i = 0; i < sizeof(a.key); i++)
		a.key[i] = (uint8_t)(i * 7);
	return a;
}

static void test_vault_opens_what_it_sealed(void)
{
	struct secret_key *k = key_of('a');
	struct mtp_auth in = auth_example(), out;
	struct store_session v = {.name = "office"};
	bool plain = false;

	CHECK(k);
	CHECK_INT(vault_seal(k, &v, &in), 0);
	CHECK_INT(v.salt, -7);
	CHECK_INT(v.time_diff, 3);
	for (size_t i = 0; i + 16 <= v.key_sealed_n; i++)
		plain |= memcmp(v.key_sealed + i, in.key, 16) == 0;
	CHECK(!plain);
	CHECK_INT(vault_open(k, &v, &out), 0);
	CHECK(out.present);
	CHECK_MEM(out.key, in.key, sizeof(in.key));
	CHECK_INT(out.salt, -7);
	CHECK_INT(out.time_diff, 3);
	secret_key_free(&k);
}

static void test_vault_refuses_another_key_name_or_byte(void)
{
	struct secret_key *k = key_of('a'), *other = key_of('b');
	struct mtp_auth in = auth_example(), out;
	struct store_session v = {.name = "office"}, w;

	CHECK(k && other);
	CHECK_INT(vault_seal(k, &v, &in), 0);
	memset(&out, 0x55, sizeof(out));
	CHECK_INT(vault_open(other, &v, &out), -EKEYREJECTED);
	CHECK(!out.present && out.key[1] == 0);
	w = v;
	snprintf(w.name, sizeof(w.name), "offica");
	CHECK_INT(vault_open(k, &w, &out), -EKEYREJECTED);
	for (size_t i = 0; i < v.key_sealed_n; i += 31) {
		w = v;
		w.key_sealed[i] ^= 1;
		CHECK_INT(vault_open(k, &w, &out), -EKEYREJECTED);
	}
	w = v;
	w.key_sealed_n--;
	CHECK_INT(vault_open(k, &w, &out), -EKEYREJECTED);
	CHECK(!out.present);
	secret_key_free(&k);
	secret_key_free(&other);
}

/* Sealed with the right key, but no authorisation key. */
static void test_vault_refuses_another_length(void)
{
	struct secret_key *k = key_of('a');
	struct store_session v = {.name = "office"};
	struct mtp_auth out;
	struct buf sealed;

	CHECK(k);
	buf_init(&sealed);
	CHECK_INT(secret_seal(k, v.name, bytes_str("short"), &sealed), 0);
	memcpy(v.key_sealed, sealed.p, sealed.n);
	v.key_sealed_n = sealed.n;
	buf_clear(&sealed);
	CHECK_INT(vault_open(k, &v, &out), -EKEYREJECTED);
	CHECK(!out.present);
	secret_key_free(&k);
}

static void test_vault_of_a_session_without_key_is_empty(void)
{
	struct secret_key *k = key_of('a');
	struct store_session v = {.name = "office"};
	struct mtp_auth out;

	CHECK(k);
	CHECK_INT(vault_open(k, &v, &out), -ENOENT);
	CHECK(!out.present);
	secret_key_free(&k);
}

int main(void)
{
	/* A key that others may read is refused. */
	umask(077);
	if (!folder_make("vault"))
		return 1;
	folder_file(path, "key");
	RUN(test_vault_opens_what_it_sealed);
	RUN(test_vault_refuses_another_key_name_or_byte);
	RUN(test_vault_refuses_another_length);
	RUN(test_vault_of_a_session_without_key_is_empty);
	return check_done();
}

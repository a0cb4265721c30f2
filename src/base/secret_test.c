#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

#define DIGITS_A                                                               \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define DIGITS_B                                                               \
	"100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char directory[] = "/tmp/gramline-secret-XXXXXX";
static const char *why;

static const char *file_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/gramline.key", directory);
	return path;
}

static bool file_write(const char *text, mode_t mode)
{
	int fd = open(file_path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool ok = fd >= 0 &&
		  write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
		  fchmod(fd, mode) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static int load_file(struct secret_key **kp)
{
	why = NULL;
	return secret_key_load(kp, file_path(), &why);
}

static struct secret_key *key_of(const char *digits)
{
	struct secret_key *k = NULL;

	setenv("GRAMLINE_KEY", digits, 1);
	if (secret_key_load(&k, NULL, &why))
		k = NULL;
	unsetenv("GRAMLINE_KEY");
	return k;
}

static void test_secret_key_file(void)
{
	struct secret_key *k = NULL, *env = key_of(DIGITS_A);
	char check[9], other[9];

	CHECK(env);
	CHECK_INT(load_file(&k), -ENOENT);
	CHECK(why && !k);
	CHECK(file_write(DIGITS_A "\n", 0600));
	CHECK_INT(load_file(&k), 0);
	secret_key_check(k, check);
	secret_key_check(env, other);
	CHECK_INT(strlen(check), 8);
	CHECK_STR(check, other);
	secret_key_free(&k);
	secret_key_free(&env);
	CHECK(!k);
	CHECK(file_write(DIGITS_B, 0400));
	CHECK_INT(load_file(&k), 0);
	secret_key_check(k, other);
	CHECK(strcmp(check, other) != 0);
	secret_key_free(&k);
	unlink(file_path());
}

static void test_secret_key_file_must_be_private(void)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0660, 0644};
	struct secret_key *k = NULL;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		CHECK(file_write(DIGITS_A, modes[i]));
		CHECK_INT(load_file(&k), -EACCES);
		CHECK(why && !k);
	}
	unlink(file_path());
}

static void test_secret_key_must_be_a_key(void)
{
	static const char *const texts[] = {
		"",
		"\n",
		"abcd",
		DIGITS_A "0",
		DIGITS_A "\n\n",
		DIGITS_A "0000000000000000000000000",
		" " DIGITS_A,
		"0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
		"1f",
		"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
		"1f",
	};
	struct secret_key *k = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CHECK(file_write(texts[i], 0600));
		CHECK_INT(load_file(&k), -EBADMSG);
		CHECK(why && !k);
	}
	unlink(file_path());
}

static void test_secret_key_places_in_order(void)
{
	struct secret_key *k = NULL;
	char a[9], b[9], got[9];

	k = key_of(DIGITS_A);
	secret_key_check(k, a);
	secret_key_free(&k);
	k = key_of(DIGITS_B);
	secret_key_check(k, b);
	secret_key_free(&k);

	unsetenv("CREDENTIALS_DIRECTORY");
	CHECK_INT(secret_key_load(&k, "", &why), -ENOENT);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	CHECK_INT(secret_key_load(&k, "", &why), -ENOENT);
	/* a credential's access control list shows as a group bit */
	CHECK(file_write(DIGITS_A, 0440));
	CHECK_INT(secret_key_load(&k, NULL, &why), 0);
	secret_key_check(k, got);
	CHECK_STR(got, a);
	secret_key_free(&k);
	CHECK(file_write(DIGITS_A, 0404));
	CHECK_INT(secret_key_load(&k, NULL, &why), -EACCES);
	k = key_of(DIGITS_B);
	secret_key_check(k, got);
	CHECK_STR(got, b);
	secret_key_free(&k);
	setenv("GRAMLINE_KEY", "short", 1);
	CHECK_INT(secret_key_load(&k, NULL, &why), -EBADMSG);
	CHECK(file_write(DIGITS_A, 0600));
	CHECK_INT(load_file(&k), 0);
	secret_key_check(k, got);
	CHECK_STR(got, a);
	secret_key_free(&k);
	unsetenv("GRAMLINE_KEY");
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(file_path());
}

static void test_secret_key_create_never_overwrites(void)
{
	struct secret_key *k = NULL;
	char first[9], again[9];
	struct stat st;

	CHECK_INT(secret_key_create(file_path()), 0);
	CHECK_INT(stat(file_path(), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(load_file(&k), 0);
	secret_key_check(k, first);
	secret_key_free(&k);
	CHECK_INT(secret_key_create(file_path()), -EEXIST);
	CHECK_INT(load_file(&k), 0);
	secret_key_check(k, again);
	CHECK_STR(first, again);
	secret_key_free(&k);
	unlink(file_path());
	CHECK_INT(secret_key_create(file_path()), 0);
	CHECK_INT(load_file(&k), 0);
	secret_key_check(k, again);
	CHECK(strcmp(first, again) != 0);
	secret_key_free(&k);
	unlink(file_path());
}

static void test_secret_opens_what_was_sealed(void)
{
	static const char *const values[] = {"", "x", "sixteen letters.",
					     "some longer value of a session"};
	struct secret_key *k = key_of(DIGITS_A);
	struct buf sealed, again, out;

	CHECK(k);
	buf_init(&sealed);
	buf_init(&again);
	buf_init(&out);
	for (size_t i = 0; i < 4; i++) {
		struct bytes v = bytes_str(values[i]);

		buf_reset(&sealed);
		buf_reset(&again);
		buf_reset(&out);
		buf_str(&out, "kept ");
		CHECK_INT(secret_seal(k, "auth", v, &sealed), 0);
		CHECK_INT(sealed.n, 29 + v.n);
		CHECK_INT(sealed.p[0], 1);
		CHECK_INT(secret_seal(k, "auth", v, &again), 0);
		CHECK(!bytes_equal(buf_bytes(&sealed), buf_bytes(&again)));
		CHECK_INT(secret_open(k, "auth", buf_bytes(&sealed), &out), 0);
		CHECK_INT(out.n, 5 + v.n);
		CHECK_MEM(out.p, "kept ", 5);
		CHECK_STR(buf_cstr(&out) + 5, values[i]);
	}
	buf_clear(&sealed);
	buf_clear(&again);
	buf_clear(&out);
	secret_key_free(&k);
}

/* Made by Python's cryptography package: AESGCM(bytes(range(32))).encrypt(
 * bytes(range(12)), b"value", b"\x01name"). */
static void test_secret_opens_a_foreign_vector(void)
{
	static const char sealed_hex[] =
		"01000102030405060708090a0b"
		"3163ba6ea0e4108ffb240f5dd6c64be4d45c21aea0";
	struct secret_key *k = key_of(DIGITS_A);
	uint8_t sealed[29 + 5];
	struct buf out;

	buf_init(&out);
	CHECK_INT(hex_decode(sealed, sizeof(sealed), sealed_hex,
			     strlen(sealed_hex)),
		  0);
	CHECK_INT(
		secret_open(k, "name", bytes_of(sealed, sizeof(sealed)), &out),
		0);
	CHECK_STR(buf_cstr(&out), "value");
	buf_clear(&out);
	secret_key_free(&k);
}

static void test_secret_refuses_any_change(void)
{
	struct secret_key *a = key_of(DIGITS_A), *b = key_of(DIGITS_B);
	struct buf sealed, out;

	buf_init(&sealed);
	buf_init(&out);
	CHECK_INT(secret_seal(a, "auth", bytes_str("value"), &sealed), 0);
	CHECK_INT(secret_open(b, "auth", buf_bytes(&sealed), &out),
		  -EKEYREJECTED);
	CHECK_INT(secret_open(a, "autH", buf_bytes(&sealed), &out),
		  -EKEYREJECTED);
	CHECK_INT(secret_open(a, "", buf_bytes(&sealed), &out), -EKEYREJECTED);
	CHECK_INT(secret_open(a, "auth2", buf_bytes(&sealed), &out),
		  -EKEYREJECTED);
	for (size_t i = 0; i < sealed.n * 8; i++) {
		sealed.p[i / 8] ^= (uint8_t)(1 << (i % 8));
		CHECK_INT(secret_open(a, "auth", buf_bytes(&sealed), &out),
			  -EKEYREJECTED);
		sealed.p[i / 8] ^= (uint8_t)(1 << (i % 8));
	}
	for (size_t n = 0; n < sealed.n; n++)
		CHECK_INT(secret_open(a, "auth", bytes_of(sealed.p, n), &out),
			  -EKEYREJECTED);
	buf_u8(&sealed, 0);
	CHECK_INT(secret_open(a, "auth", buf_bytes(&sealed), &out),
		  -EKEYREJECTED);
	CHECK_INT(out.n, 0);
	CHECK_INT(
		secret_open(a, "auth", bytes_of(sealed.p, sealed.n - 1), &out),
		0);
	buf_clear(&sealed);
	buf_clear(&out);
	secret_key_free(&a);
	secret_key_free(&b);
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	unsetenv("GRAMLINE_KEY");
	RUN(test_secret_key_file);
	RUN(test_secret_key_file_must_be_private);
	RUN(test_secret_key_must_be_a_key);
	RUN(test_secret_key_places_in_order);
	RUN(test_secret_key_create_never_overwrites);
	RUN(test_secret_opens_what_was_sealed);
	RUN(test_secret_opens_a_foreign_vector);
	RUN(test_secret_refuses_any_change);
	unlink(file_path());
	rmdir(directory);
	return check_done();
}

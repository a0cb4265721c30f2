/* Properties that hold for every line of the schema.
 *
 *     tl_schema_test [FOLDER]    writes the fuzz corpus into FOLDER instead
 */
#include "tl/object.h"
#include "tl/sample.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"

static bool value_equal(const struct tl_val *a, const struct tl_val *b);

/* Compares what was set with what was read. */
static bool object_equal(const struct tl_obj *a, const struct tl_obj *b)
{
	const struct tl_ctor *ctor;

	if (!a || !b || a->no != b->no)
		return false;
	ctor = &tl_ctors[a->no];
	for (unsigned i = 0; i < ctor->field_count; i++) {
		const struct tl_field *f = &tl_fields[ctor->field_first + i];

		if (tl_types[f->type].kind == TL_KIND_FLAGS)
			continue;
		if (!value_equal(&a->v[i], &b->v[i]))
			return false;
		if (f->flags != TL_NO_FLAGS &&
		    a->v[i].set != (b->v[f->flags].flags >> f->bit & 1))
			return false;
	}
	return true;
}

static bool vector_equal(const struct tl_vec *a, const struct tl_vec *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!value_equal(&a->v[i], &b->v[i]))
			return false;
	return true;
}

static bool value_equal(const struct tl_val *a, const struct tl_val *b)
{
	if (a->set != b->set || !a->set)
		return a->set == b->set;
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TL_KIND_TRUE:
		return true;
	case TL_KIND_INT:
		return a->i == b->i;
	case TL_KIND_LONG:
		return a->l == b->l;
	case TL_KIND_DOUBLE:
		return memcmp(&a->d, &b->d, sizeof(a->d)) == 0;
	case TL_KIND_INT128:
		return memcmp(a->raw, b->raw, 16) == 0;
	case TL_KIND_INT256:
		return memcmp(a->raw, b->raw, 32) == 0;
	case TL_KIND_BYTES:
		return bytes_equal(a->b, b->b);
	case TL_KIND_VECTOR:
		return vector_equal(&a->vec, &b->vec);
	default:
		return object_equal(a->o, b->o);
	}
}

/* Reads from a copy of exactly n bytes, where a checker of memory sees the
 * end. The copy must outlive the object: the caller frees it. */
static int copy_read(struct tl_obj **op, struct tl_arena *a, uint8_t **copyp,
		     const struct buf *b, size_t n)
{
	struct rd r;
	int err;

	*copyp = malloc(n ? n : 1);
	memcpy(*copyp, b->p, n);
	rd_init(&r, *copyp, n);
	err = tl_read(op, a, &r);
	if (!err && r.n)
		return -E2BIG;
	return err;
}

static bool round_trips(enum tl_ctor_no no, enum tl_sample_mode mode,
			uint64_t seed)
{
	struct tl_arena arena;
	struct tl_sample s = {
		.arena = &arena, .seed = seed, .mode = mode, .depth = 2};
	struct tl_obj *o, *read = NULL;
	struct buf first = {0}, second = {0};
	uint8_t *copy = NULL;
	bool ok;

	tl_arena_init(&arena);
	o = tl_sample_new(&s, no);
	ok = tl_write(&first, o) == 0 && le32_load(first.p) == tl_ctor_id(no) &&
	     copy_read(&read, &arena, &copy, &first, first.n) == 0 &&
	     object_equal(o, read) && tl_write(&second, read) == 0 &&
	     bytes_equal(buf_bytes(&first), buf_bytes(&second));
	if (!ok)
		printf("# %s, mode %d, seed %llu\n", tl_ctor_name(no),
		       (int)mode, (unsigned long long)seed);
	buf_clear(&first);
	buf_clear(&second);
	tl_arena_clear(&arena);
	free(copy);
	return ok;
}

static void test_schema_every_constructor_round_trips(void)
{
	for (unsigned no = 0; no < TL_CTOR_COUNT; no++) {
		enum tl_ctor_no ctor = (enum tl_ctor_no)no;

		CHECK(round_trips(ctor, TL_SAMPLE_LEAST, no));
		CHECK(round_trips(ctor, TL_SAMPLE_MOST, no));
		CHECK(round_trips(ctor, TL_SAMPLE_RANDOM, no));
		CHECK(round_trips(ctor, TL_SAMPLE_RANDOM, no + 0x10000));
	}
}

static bool truncation_is_refused(enum tl_ctor_no no)
{
	struct tl_arena arena;
	struct tl_sample s = {.arena = &arena,
			      .seed = no,
			      .mode = TL_SAMPLE_MOST,
			      .depth = 1};
	struct tl_obj *read = NULL;
	struct buf b = {0};
	int err = -EBADMSG;
	size_t n;

	tl_arena_init(&arena);
	if (tl_write(&b, tl_sample_new(&s, no)))
		err = -EINVAL;
	tl_arena_clear(&arena);
	for (n = 0; n < b.n && err == -EBADMSG && !read; n++) {
		uint8_t *copy;

		err = copy_read(&read, &arena, &copy, &b, n);
		tl_arena_clear(&arena);
		free(copy);
	}
	if (err != -EBADMSG || read)
		printf("# %s, %zu of %zu bytes: %d\n", tl_ctor_name(no), n, b.n,
		       err);
	buf_clear(&b);
	return err == -EBADMSG && !read;
}

static void test_schema_truncation_is_refused_at_every_byte(void)
{
	for (unsigned no = 0; no < TL_CTOR_COUNT; no++)
		CHECK(truncation_is_refused((enum tl_ctor_no)no));
}

/* Each mandatory field, left out alone, makes an object unwritable. */
static void test_schema_mandatory_fields_are_demanded(void)
{
	struct tl_arena arena;
	struct tl_sample s = {.arena = &arena};
	struct buf b = {0};

	for (unsigned no = 0; no < TL_CTOR_COUNT; no++) {
		const struct tl_ctor *ctor = &tl_ctors[no];
		struct tl_obj *o;

		tl_arena_init(&arena);
		o = tl_sample_new(&s, (enum tl_ctor_no)no);
		for (unsigned i = 0; i < ctor->field_count; i++) {
			if (!o->v[i].set)
				continue;
			o->v[i].set = false;
			buf_reset(&b);
			CHECK_INT(tl_write(&b, o), -EINVAL);
			o->v[i].set = true;
		}
		tl_arena_clear(&arena);
	}
	buf_clear(&b);
}

static bool result_is_read(enum tl_ctor_no fn)
{
	const struct tl_type *type = &tl_types[tl_ctors[fn].type];
	bool vector = type->kind == TL_KIND_VECTOR;
	const struct tl_type *item = vector ? &tl_types[type->about] : type;
	struct tl_arena arena;
	struct tl_sample s = {.arena = &arena,
			      .seed = fn,
			      .mode = TL_SAMPLE_MOST,
			      .depth = 1};
	struct tl_obj *o, *read = NULL;
	struct buf b = {0};
	struct rd r;
	bool ok = true;

	if (item->kind != TL_KIND_BOXED)
		return true; /* numbers: see tl_test.c */
	tl_arena_init(&arena);
	o = tl_sample_of_type(&s, item);
	ok = !(vector ? tl_write_vector(&b, &o, 1) : tl_write(&b, o));
	rd_init(&r, b.p, b.n);
	ok = ok && !tl_read_result(&read, &arena, &r, fn) && !r.n &&
	     object_equal(o, vector ? tl_item(read, 0, 0) : read);
	/* A function is no result. */
	le32_store(b.p + (vector ? 8 : 0), tl_ctor_id(TL_help_getConfig));
	rd_init(&r, b.p, b.n);
	ok = ok && tl_read_result(&read, &arena, &r, fn) == -EBADMSG && r.bad;
	if (!ok)
		printf("# %s\n", tl_ctor_name(fn));
	tl_arena_clear(&arena);
	buf_clear(&b);
	return ok;
}

static void test_schema_every_result_is_read(void)
{
	unsigned functions = 0;

	for (unsigned no = 0; no < TL_CTOR_COUNT; no++) {
		if (!tl_ctor_is_function((enum tl_ctor_no)no))
			continue;
		CHECK(result_is_read((enum tl_ctor_no)no));
		functions++;
	}
	CHECK(functions > 700);
}

static void test_schema_every_id_is_found(void)
{
	for (unsigned no = 0; no < TL_CTOR_COUNT; no++) {
		enum tl_ctor_no found = TL_vector;

		CHECK_INT(
			tl_ctor_by_id(&found, tl_ctor_id((enum tl_ctor_no)no)),
			0);
		CHECK_INT(found, no);
	}
	CHECK_INT(tl_ctor_id((enum tl_ctor_no)TL_CTOR_COUNT), 0);
	CHECK_STR(tl_ctor_name((enum tl_ctor_no)TL_CTOR_COUNT), "?");
	CHECK(!tl_ctor_is_function((enum tl_ctor_no)TL_CTOR_COUNT));
	CHECK(!tl_new(NULL, (enum tl_ctor_no)TL_CTOR_COUNT));
}

static void test_schema_names_and_ids_are_the_published_ones(void)
{
	CHECK_INT(TL_LAYER, 223);
	CHECK_STR(tl_ctor_name(TL_auth_sendCode), "auth.sendCode");
	CHECK_STR(tl_ctor_name(TL_mt_message), "message");
	CHECK(tl_ctor_is_function(TL_auth_sendCode));
	CHECK(!tl_ctor_is_function(TL_message));
	CHECK_INT(tl_ctor_id(TL_vector), 0x1cb5c415);
	CHECK_INT(tl_ctor_id(TL_boolTrue), 0x997275b5);
	CHECK_INT(tl_ctor_id(TL_rpc_result), 0xf35c6d01);
	CHECK_INT(tl_ctor_id(TL_msg_container), 0x73f1f8dc);
	CHECK_INT(tl_ctor_id(TL_gzip_packed), 0x3072cfa1);
	CHECK_INT(tl_ctor_id(TL_req_pq_multi), 0xbe7e8ef1);
	CHECK_INT(tl_ctor_id(TL_bind_auth_key_inner), 0x75a3f765);
	CHECK_INT(tl_ctor_id(TL_invokeWithLayer), 0xda9b0d0d);
	CHECK_INT(tl_ctor_id(TL_initConnection), 0xc1cd5ea9);
	CHECK_INT(tl_ctor_id(TL_help_getConfig), 0xc4f9186b);
	CHECK_INT(tl_ctor_id(TL_updates), 0x74ae4240);
}

/* -- fuzz corpus ---------------------------------------------------------- */

/* An input is the id of a function, or 0, and a message: the function's
 * result, or any object. */
static int seed_write(const char *folder, const char *name, uint32_t id,
		      const struct buf *message)
{
	char path[512];
	uint8_t head[4];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "wb");
	if (!f)
		return -errno;
	le32_store(head, id);
	fwrite(head, 1, sizeof(head), f);
	fwrite(message->p, 1, message->n, f);
	return fclose(f) ? -EIO : 0;
}

static const enum tl_ctor_no seeds[] = {
	TL_resPQ,
	TL_p_q_inner_data_dc,
	TL_server_DH_inner_data,
	TL_bind_auth_key_inner,
	TL_msg_container,
	TL_rpc_result,
	TL_future_salts,
	TL_msgs_ack,
	TL_config,
	TL_initConnection,
	TL_invokeAfterMsgs,
	TL_updates,
	TL_updateShort,
	TL_updateShortMessage,
	TL_updatePhoneCall,
	TL_updatePhoneCallSignalingData,
	TL_phoneCall,
	TL_phoneCallRequested,
	TL_phone_requestCall,
	TL_userFull,
	TL_message,
	TL_messageService,
	TL_webPage,
	TL_document,
	TL_account_password,
	TL_jsonObject,
	TL_messages_sendMedia,
	TL_updates_difference,
	/* from here on the results of functions */
	TL_users_getUsers,
	TL_help_getConfig,
	TL_account_updateStatus,
	TL_auth_sendCode,
	TL_updates_getDifference,
};
#define SEED_RESULTS (sizeof(seeds) / sizeof(*seeds) - 5)

/* One seed: an object, or the result of a function. */
static int seed_make(const char *folder, enum tl_ctor_no no, uint64_t number)
{
	const struct tl_type *type = &tl_types[tl_ctors[no].type];
	bool result = tl_ctor_is_function(no) && number >= SEED_RESULTS;
	bool vector = result && type->kind == TL_KIND_VECTOR;
	struct tl_arena arena;
	struct tl_sample s = {.arena = &arena,
			      .seed = number,
			      .mode = TL_SAMPLE_RANDOM,
			      .depth = 3};
	struct buf b = {0};
	struct tl_obj *o;
	int err;

	tl_arena_init(&arena);
	if (result)
		o = tl_sample_of_type(&s,
				      vector ? &tl_types[type->about] : type);
	else
		o = tl_sample_new(&s, no);
	err = vector ? tl_write_vector(&b, &o, 1) : tl_write(&b, o);
	if (!err)
		err = seed_write(folder, tl_ctor_name(no),
				 result ? tl_ctor_id(no) : 0, &b);
	buf_clear(&b);
	tl_arena_clear(&arena);
	return err;
}

static int corpus_write(const char *folder)
{
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(seeds) / sizeof(*seeds); i++)
		err = seed_make(folder, seeds[i], i);
	return err;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return corpus_write(argv[1]) ? 1 : 0;
	RUN(test_schema_every_constructor_round_trips);
	RUN(test_schema_truncation_is_refused_at_every_byte);
	RUN(test_schema_mandatory_fields_are_demanded);
	RUN(test_schema_every_result_is_read);
	RUN(test_schema_every_id_is_found);
	RUN(test_schema_names_and_ids_are_the_published_ones);
	return check_done();
}

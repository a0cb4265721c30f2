/* Trunks by command, in the store, and declared. */
#include <errno.h>

#include "manager/fixture_test.h"
#include "route/trunk_json.h"

static json_t *office(void)
{
	return json_pack("{ss}", "session", "office");
}

static json_t *ip(const char *address)
{
	return json_pack("{ss ss ss ss}", "kind", "ip", "session", "office",
			 "number", "700", "address", address);
}

static const char *setting(const char *trunk, const char *name)
{
	json_t *rows = json_object_get(ask_trunk("show", trunk, NULL), "rows");
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(text_of(row, "setting"), name) == 0)
			return text_of(row, "value");
	}
	return "(none)";
}

static const char *account(const char *trunk, const char *field)
{
	return text_of(json_array_get(json_object_get(
					      ask_trunk("account", trunk, NULL),
					      "rows"),
				      0),
		       field);
}

static void declare_one(void)
{
	struct trunk_fault f;

	(void)trunk_init(&declared[0], "fixed", &f);
	(void)trunk_set(&declared[0], "session", "office", &f);
	(void)trunk_set(&declared[0], "login", "100", &f);
	(void)trunk_set(&declared[0], "password", "p", &f);
	declared_n = 1;
}

static void test_trunk_added_gets_an_account(void)
{
	json_t *set;

	CHECK(begin());
	CHECK_STR(refused(ask_trunk("add", "t", office())), "(done)");
	CHECK_INT(strlen(account("t", "login")), 8);
	CHECK_INT(strlen(account("t", "password")), 20);
	hello("w1", true);
	CHECK_STR(account("t", "server"), "192.0.2.1:5060");
	set = json_object_get(announced("w1", "t"), "settings");
	CHECK_INT(strlen(text_of(set, "password")), 20);
	CHECK_STR(setting("t", "password"), "(secret)");
	CHECK_STR(setting("t", "number"), "(none)");
	CHECK_STR(setting("t", "codecs"), "opus,alaw,mulaw");
	end();
}

static void test_trunk_command_errors_name_the_key(void)
{
	CHECK(begin());
	CHECK_STR(refused(ask_trunk("add", "t", office())), "(done)");
	CHECK(strstr(refused(ask_trunk("add", "t", office())), "already"));
	CHECK(strstr(refused(ask_trunk("add", "a/b", office())), "name"));
	CHECK(strstr(refused(ask_trunk("add", "u", NULL)), "session: "));
	CHECK_STR(refused(ask_trunk("add", "u",
				    json_pack("{ss}", "session", "nowhere"))),
		  "session: there is no session nowhere");
	CHECK_STR(refused(ask_trunk("set", "t",
				    json_pack("{ss}", "codecs", "alaw,mp3"))),
		  "codecs: there is no codec mp3");
	CHECK_STR(refused(ask_trunk("set", "t",
				    json_pack("{ss}", "codecs", "alaw,g729"))),
		  "codecs: codec g729 is not in this build");
	CHECK_STR(refused(ask_trunk("set", "t",
				    json_pack("{ss}", "colour", "red"))),
		  "there is no setting colour");
	CHECK_STR(refused(ask_trunk("set", "t",
				    json_pack("{ss}", "number", "7"))),
		  "number: a trunk of kind pbx-to-gateway has no such "
		  "setting");
	CHECK_STR(refused(ask_trunk("set", "u", NULL)), "there is no trunk u");
	CHECK_STR(setting("t", "codecs"), "opus,alaw,mulaw");
	end();
}

/* 3.5.2: a number could be either. */
static void test_trunk_command_warns_of_ambiguous_rules(void)
{
	CHECK(begin());
	CHECK(!json_object_get(ask_trunk("add", "t", office()), "warning"));
	CHECK(strstr(text_of(ask_trunk("set", "t",
				       json_pack("{ss}", "caller_phone",
						 "{phone}\n{userid}")),
			     "warning"),
		     "caller_phone"));
	end();
}

static void test_trunks_of_one_address_need_a_field(void)
{
	CHECK(begin());
	CHECK_STR(refused(ask_trunk("add", "a", ip("192.0.2.9"))), "(done)");
	CHECK(strstr(refused(ask_trunk("add", "b", ip("192.0.2.9:5060"))),
		     "address: trunk a has this address"));
	CHECK_STR(refused(ask_trunk("add", "b", ip("192.0.2.9:5061"))),
		  "(done)");
	CHECK(strstr(
		refused(ask_trunk("set", "b",
				  json_pack("{ss}", "address", "192.0.2.9"))),
		"address: trunk a"));
	CHECK_STR(refused(ask_trunk("set", "b",
				    json_pack("{ss ss}", "address", "192.0.2.9",
					      "field", "X-Office: 5"))),
		  "(done)");
	end();
}

/* The file never has a password in clear. */
static void test_trunk_survives_a_restart_with_its_secret_sealed(void)
{
	char command[160];
	const char *why;

	CHECK(begin());
	CHECK_STR(refused(ask_trunk(
			  "add", "t",
			  json_pack("{ss ss ss ss ss}", "session", "office",
				    "password", "s3cret-word", "owner", "anna",
				    "lines", "2", "subscription", "gold"))),
		  "(done)");
	CHECK_STR(refused(ask_trunk("disable", "t", NULL)), "(done)");
	manager_free(&manager);
	store_close(&store);
	snprintf(command, sizeof(command), "grep -q s3cret-word %s", database);
	CHECK(system(command) != 0);
	snprintf(command, sizeof(command), "grep -q gold %s", database);
	CHECK(system(command) == 0);
	CHECK(!store_open(&store, database, &why) && !start(false));
	CHECK_STR(account("t", "password"), "s3cret-word");
	CHECK_STR(setting("t", "owner"), "anna");
	CHECK_STR(setting("t", "lines"), "2");
	CHECK_STR(setting("t", "subscription"), "gold");
	CHECK_STR(setting("t", "enabled"), "no");
	CHECK_STR(refused(ask_trunk("enable", "t", NULL)), "(done)");
	CHECK_STR(setting("t", "enabled"), "yes");
	CHECK_STR(refused(ask_trunk("remove", "t", NULL)), "(done)");
	CHECK(!announced("w1", "t"));
	end();
}

static void test_trunk_password_is_made_anew(void)
{
	char before[32];

	CHECK(begin());
	CHECK_STR(refused(ask_trunk("add", "t", office())), "(done)");
	snprintf(before, sizeof(before), "%s", account("t", "password"));
	CHECK_INT(strlen(text_of(
			  json_array_get(json_object_get(ask_trunk("password",
								   "t", NULL),
							 "rows"),
					 0),
			  "password")),
		  20);
	CHECK(strcmp(before, account("t", "password")) != 0);
	CHECK_STR(refused(ask_trunk("add", "i", ip("192.0.2.9"))), "(done)");
	CHECK(strstr(refused(ask_trunk("password", "i", NULL)),
		     "pbx-to-gateway"));
	CHECK(strstr(refused(ask_trunk("account", "i", NULL)), "no account"));
	end();
}

static void test_trunk_change_is_announced_at_once(void)
{
	CHECK(begin());
	hello("w1", true);
	json_array_clear(heard);
	CHECK_STR(refused(ask_trunk("add", "t", office())), "(done)");
	CHECK_STR(refused(ask_trunk("add", "u", office())), "(done)");
	CHECK(ear_await("worker.w1.trunks", 2));
	CHECK_INT(json_array_size(json_object_get(
			  ear_body("worker.w1.trunks", 1), "trunks")),
		  2);
	end();
}

static void test_trunk_declared_is_changed_in_the_file_only(void)
{
	static const char *const verbs[] = {"set", "password", "enable",
					    "disable", "remove"};

	declare_one();
	CHECK(begin());
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		CHECK(strstr(refused(ask_trunk(verbs[i], "fixed", NULL)),
			     "declared in the configuration"));
	CHECK(strstr(refused(ask_trunk("add", "fixed", office())), "already"));
	CHECK_STR(account("fixed", "password"), "p");
	declared_n = 0;
	end();
}

/* They win; the store keeps the other one. */
static void test_trunk_declared_anew_replaces_one_of_the_store(void)
{
	struct manager_declared d = {declared, 1, sessions, 2};

	CHECK(begin());
	CHECK_STR(refused(ask_trunk("add", "fixed", office())), "(done)");
	CHECK_STR(refused(ask_trunk("add", "other",
				    json_pack("{ss ss}", "session", "office",
					      "login", "100"))),
		  "(done)");
	CHECK_STR(refused(ask_trunk("add", "third", office())), "(done)");
	declare_one();
	CHECK_INT(manager_declare(manager, &d), 0);
	CHECK_STR(account("fixed", "login"), "100");
	CHECK(announced("w1", "fixed"));
	CHECK(announced("w1", "third"));
	CHECK(!announced("w1", "other")); /* the same login */
	d.trunks_n = 0;
	CHECK_INT(manager_declare(manager, &d), 0);
	CHECK_INT(strlen(account("fixed", "login")), 8);
	CHECK(announced("w1", "other"));
	declared_n = 0;
	end();
}

static json_t *row(size_t i)
{
	return json_array_get(
		json_object_get(ear_ask("manager.show.trunks", json_object()),
				"rows"),
		i);
}

/* A changed password ends what the old one began; other changes do not. */
static void test_trunk_registration_is_known_as_long_as_it_means_the_same(void)
{
	CHECK(begin());
	CHECK_STR(refused(ask_trunk("add", "t", office())), "(done)");
	bus_publish(bus, "manager.registered",
		    json_pack("{ss ss ss si}", "trunk", "t", "worker", "w1",
			      "source", "192.0.2.7:5060", "expires_s", 60));
	ear_settle();
	CHECK_STR(text_of(row(0), "state"), "registered");
	CHECK_STR(refused(ask_trunk("set", "t",
				    json_pack("{ss}", "codecs", "alaw"))),
		  "(done)");
	CHECK_STR(text_of(row(0), "state"), "registered");
	(void)ask_trunk("password", "t", NULL);
	CHECK_STR(text_of(row(0), "state"), "unregistered");
	CHECK_STR(text_of(row(0), "source"), "");
	(void)ask_trunk("disable", "t", NULL);
	CHECK_STR(text_of(row(0), "state"), "off");
	end();
}

static void told(const char *subject, const char *worker, const char *trunk)
{
	bus_publish(bus, subject,
		    json_pack("{ss ss ss si sb ss}", "trunk", trunk, "worker",
			      worker, "source", "192.0.2.7:5060", "expires_s",
			      60, "reachable", 0, "cause", "no answer"));
	ear_settle();
}

static void test_trunks_of_a_worker_that_stopped_are_not_registered(void)
{
	CHECK(begin());
	CHECK_STR(refused(ask_trunk("add", "a", office())), "(done)");
	CHECK_STR(refused(ask_trunk("add", "b", office())), "(done)");
	CHECK_STR(refused(ask_trunk("add", "c", office())), "(done)");
	told("manager.registered", "w1", "a");
	told("manager.registered", "w2", "b");
	told("manager.reachable", "w1", "c");
	CHECK_STR(text_of(row(0), "state"), "registered");
	CHECK_STR(text_of(row(2), "state"), "unreachable");
	bus_publish(bus, "manager.bye", json_pack("{ss}", "worker", "w1"));
	ear_settle();
	CHECK_STR(text_of(row(0), "state"), "unregistered");
	CHECK_STR(text_of(row(0), "source"), "");
	CHECK_STR(text_of(row(0), "worker"), "");
	CHECK_STR(text_of(row(1), "state"), "registered");
	CHECK_STR(text_of(row(1), "source"), "192.0.2.7:5060");
	CHECK_STR(text_of(row(2), "state"), "unregistered");
	CHECK_STR(text_of(row(2), "cause"), "");
	end();
}

int main(void)
{
	if (fixture_open())
		return 1;
	RUN(test_trunk_added_gets_an_account);
	RUN(test_trunk_command_errors_name_the_key);
	RUN(test_trunk_command_warns_of_ambiguous_rules);
	RUN(test_trunks_of_one_address_need_a_field);
	RUN(test_trunk_survives_a_restart_with_its_secret_sealed);
	RUN(test_trunk_password_is_made_anew);
	RUN(test_trunk_change_is_announced_at_once);
	RUN(test_trunk_declared_is_changed_in_the_file_only);
	RUN(test_trunk_declared_anew_replaces_one_of_the_store);
	RUN(test_trunk_registration_is_known_as_long_as_it_means_the_same);
	RUN(test_trunks_of_a_worker_that_stopped_are_not_registered);
	fixture_close();
	return check_done();
}

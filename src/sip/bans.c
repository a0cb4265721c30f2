#include "sip/bans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define OFFENCES 5
#define WITHIN (600 * USEC_S)
#define FIRST (1800 * USEC_S)
#define MOST (86400 * USEC_S)
/* Addresses remembered; of more, the one that was still for longest goes, of
 * those not banned. */
#define SOURCES_MAX 4096
#define BUCKETS 1024

struct source {
	struct le hash_le, age_le; /* by age: the stillest first */
	usec_t offences[OFFENCES]; /* the last ones, oldest first */
	unsigned offences_n;
	struct sip_ban ban; /* until 0: never was */
};

struct bans {
	struct hash *by_address;
	struct list by_age;
	size_t sources_n;
	struct network never[BANS_NEVER_MAX];
	size_t never_n;
};

static void source_destroy(void *arg)
{
	struct source *s = arg;

	hash_unlink(&s->hash_le);
	list_unlink(&s->age_le);
}

int bans_new(struct bans **bp, const struct network *never, size_t never_n)
{
	struct bans *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	if (hash_alloc(&b->by_address, BUCKETS)) {
		free(b);
		return -ENOMEM;
	}
	b->never_n = never_n < BANS_NEVER_MAX ? never_n : BANS_NEVER_MAX;
	if (b->never_n)
		memcpy(b->never, never, b->never_n * sizeof(*never));
	*bp = b;
	return 0;
}

void bans_free(struct bans **bp)
{
	struct bans *b = *bp;

	if (!b)
		return;
	*bp = NULL;
	list_flush(&b->by_age);
	mem_deref(b->by_address);
	free(b);
}

bool sip_networks_have(const struct network *list, size_t n,
		       const struct sa *source)
{
	bool ipv6 = sa_af(source) == AF_INET6;
	const void *octets = ipv6 ? (const void *)&source->u.in6.sin6_addr
				  : (const void *)&source->u.in.sin_addr;

	for (size_t i = 0; i < n; i++)
		if (network_has(&list[i], octets, ipv6))
			return true;
	return false;
}

bool bans_never(const struct bans *b, const struct sa *source)
{
	return sip_networks_have(b->never, b->never_n, source);
}

static struct source *source_find(const struct bans *b, const struct sa *sa)
{
	struct le *le =
		list_head(hash_list(b->by_address, sa_hash(sa, SA_ADDR)));

	for (; le; le = le->next) {
		struct source *s = le->data;

		if (sa_cmp(&s->ban.source, sa, SA_ADDR))
			return s;
	}
	return NULL;
}

static void room_make(struct bans *b, usec_t now)
{
	struct le *le = b->by_age.head;

	while (le && ((struct source *)le->data)->ban.until > now)
		le = le->next;
	mem_deref(le ? le->data : b->by_age.head->data);
	b->sources_n--;
}

static struct source *source_make(struct bans *b, const struct sa *sa,
				  usec_t now)
{
	struct source *s;

	if (b->sources_n >= SOURCES_MAX)
		room_make(b, now);
	s = mem_zalloc(sizeof(*s), source_destroy);
	if (!s)
		return NULL;
	s->ban.source = *sa;
	sa_set_port(&s->ban.source, 0);
	hash_append(b->by_address, sa_hash(sa, SA_ADDR), &s->hash_le, s);
	list_append(&b->by_age, &s->age_le, s);
	b->sources_n++;
	return s;
}

bool bans_has(struct bans *b, const struct sa *source, usec_t now)
{
	const struct source *s = source_find(b, source);

	return s && s->ban.until > now;
}

static usec_t duration(unsigned times)
{
	usec_t t = FIRST;

	while (--times && t < MOST)
		t *= 2;
	return t < MOST ? t : MOST;
}

/* Five at most are kept: the first of them says when the series began. */
static bool is_last_straw(struct source *s, usec_t now)
{
	if (s->offences_n == OFFENCES)
		memmove(s->offences, s->offences + 1,
			(OFFENCES - 1) * sizeof(*s->offences));
	else
		s->offences_n++;
	s->offences[s->offences_n - 1] = now;
	return s->offences_n == OFFENCES && now - s->offences[0] < WITHIN;
}

bool bans_offence(struct bans *b, const struct sa *source, const char *reason,
		  usec_t now, struct sip_ban *ban)
{
	struct source *s;

	if (bans_never(b, source))
		return false;
	s = source_find(b, source);
	if (!s)
		s = source_make(b, source, now);
	if (!s || s->ban.until > now)
		return false;
	list_unlink(&s->age_le);
	list_append(&b->by_age, &s->age_le, s);
	if (!is_last_straw(s, now))
		return false;
	if (s->ban.until && now - s->ban.until > MOST)
		s->ban.times = 0;
	s->ban.times++;
	s->ban.from = now;
	s->ban.until = now + duration(s->ban.times);
	s->offences_n = 0;
	text_strip(s->ban.reason, sizeof(s->ban.reason), bytes_str(reason));
	*ban = s->ban;
	return true;
}

int bans_set(struct bans *b, const struct sip_ban *ban, usec_t now)
{
	struct source *s;

	if (bans_never(b, &ban->source))
		return -EPERM;
	if (ban->until <= now)
		return -EINVAL;
	s = source_find(b, &ban->source);
	if (!s)
		s = source_make(b, &ban->source, now);
	if (!s)
		return -ENOMEM;
	s->ban = *ban;
	sa_set_port(&s->ban.source, 0);
	return 0;
}

int bans_lift(struct bans *b, const struct sa *source, usec_t now)
{
	struct source *s = source_find(b, source);

	if (!s || s->ban.until <= now)
		return -ENOENT;
	mem_deref(s);
	b->sources_n--;
	return 0;
}

void bans_each(const struct bans *b, usec_t now,
	       void (*each)(const struct sip_ban *ban, void *arg), void *arg)
{
	struct le *le;

	LIST_FOREACH(&b->by_age, le)
	{
		const struct source *s = le->data;

		if (s->ban.until > now)
			each(&s->ban, arg);
	}
}

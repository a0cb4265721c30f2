#include "ice/turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/log.h"
#include "base/random.h"
#include "ice/message.h"

#define PEERS_MAX 32
#define TEXT_BYTES 128
#define NONCE_BYTES 256
#define KEY_BYTES 16
/* RFC 8656 12: channels 0x4000..0x4fff. */
#define CHANNEL_FIRST 0x4000
#define CHANNEL_HEADER_BYTES 4
#define DATAGRAM_BYTES 1600
#define TRANSPORT_UDP (17u << 24)
#define FAMILY_IPV6_WORD (2u << 24)
/* A call has 20 s to connect: faster than RFC 8489's 500 ms. */
#define REPEAT_FIRST (250 * USEC_MS)
#define REPEAT_TRIES 8
/* Wrong answers to one request: 401, then stale nonces. */
#define CHALLENGES_MAX 4
/* RFC 8656 9: a permission lasts 5 minutes. */
#define PEER_KEEP (240 * USEC_S)
#define LIFETIME_MIN_S 30
#define LIFETIME_MAX_S 3600

enum turn_state { TURN_ALLOCATING, TURN_ALLOCATED, TURN_FAILED };

struct request {
	uint8_t tid[ICE_TID_BYTES];
	bool open;
	usec_t at; /* next sending */
	unsigned tries, challenges;
};

struct turn_peer {
	struct sa addr;
	struct request request;
	bool bound, refused;
};

struct ice_turn {
	struct ice_turn_conf conf;
	char username[TEXT_BYTES], password[TEXT_BYTES];
	enum turn_state state;
	uint8_t realm[TEXT_BYTES], nonce[NONCE_BYTES];
	size_t realm_n, nonce_n;
	uint8_t key[KEY_BYTES];
	struct request allocation; /* Allocate, then Refresh */
	usec_t expires_at;         /* of the allocation */
	int peers_n;
	struct turn_peer peers[PEERS_MAX];
};

static void draw_tid(struct ice_turn *t, uint8_t tid[ICE_TID_BYTES])
{
	if (t->conf.random)
		t->conf.random(tid, ICE_TID_BYTES, t->conf.random_arg);
	else
		random_bytes(tid, ICE_TID_BYTES);
}

static void request_open(struct request *q, usec_t now)
{
	*q = (struct request){.open = true, .at = now};
}

int ice_turn_new(struct ice_turn **tp, const struct ice_turn_conf *conf,
		 usec_t now)
{
	const struct ice_turn_handlers *h = &conf->handlers;
	struct ice_turn *t;

	if (!h->send || !h->allocated || !h->data ||
	    strlen(conf->username) >= TEXT_BYTES ||
	    strlen(conf->password) >= TEXT_BYTES)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->conf = *conf;
	memcpy(t->username, conf->username, strlen(conf->username));
	memcpy(t->password, conf->password, strlen(conf->password));
	request_open(&t->allocation, now);
	*tp = t;
	return 0;
}

/* -- requests ---------------------------------------------------------------
 */

static void request_finish(struct ice_turn *t, struct ice_message_out *o)
{
	if (t->nonce_n) {
		ice_message_put(o, ICE_ATTR_USERNAME, t->username,
				strlen(t->username));
		ice_message_put(o, ICE_ATTR_REALM, t->realm, t->realm_n);
		ice_message_put(o, ICE_ATTR_NONCE, t->nonce, t->nonce_n);
		ice_message_end_key(o, bytes_of(t->key, KEY_BYTES));
	} else {
		ice_message_end(o, NULL);
	}
	if (!o->bad)
		t->conf.handlers.send(bytes_of(o->p, o->n), t->conf.arg);
}

/* Repeats are the same transaction: a second Allocate would be refused. */
static void request_begin(struct ice_turn *t, struct request *q,
			  struct ice_message_out *o, enum ice_method method,
			  usec_t now)
{
	if (q->tries == 0)
		draw_tid(t, q->tid);
	q->at = now + (REPEAT_FIRST << (q->tries < 3 ? q->tries : 3));
	q->tries++;
	ice_message_begin_method(o, method, ICE_REQUEST, q->tid);
}

static void allocation_send(struct ice_turn *t, usec_t now)
{
	bool allocate = t->state == TURN_ALLOCATING;
	struct ice_message_out o;

	request_begin(t, &t->allocation, &o,
		      allocate ? ICE_ALLOCATE : ICE_REFRESH, now);
	if (allocate) {
		ice_message_put_u32(&o, ICE_ATTR_REQUESTED_TRANSPORT,
				    TRANSPORT_UDP);
		if (t->conf.ipv6)
			ice_message_put_u32(&o, ICE_ATTR_REQUESTED_FAMILY,
					    FAMILY_IPV6_WORD);
	}
	request_finish(t, &o);
}

static uint16_t peer_channel(const struct ice_turn *t,
			     const struct turn_peer *p)
{
	return (uint16_t)(CHANNEL_FIRST + (p - t->peers));
}

static void peer_send(struct ice_turn *t, struct turn_peer *p, usec_t now)
{
	struct ice_message_out o;

	request_begin(t, &p->request, &o, ICE_CHANNEL_BIND, now);
	ice_message_put_u32(&o, ICE_ATTR_CHANNEL_NUMBER,
			    (uint32_t)peer_channel(t, p) << 16);
	ice_message_put_xored(&o, ICE_ATTR_XOR_PEER_ADDRESS, &p->addr);
	request_finish(t, &o);
}

static void fail(struct ice_turn *t)
{
	if (t->state == TURN_FAILED)
		return;
	t->state = TURN_FAILED;
	count_add("ice", "turn-failed", 1);
	if (t->conf.handlers.failed)
		t->conf.handlers.failed(t->conf.arg);
}

void ice_turn_free(struct ice_turn **tp)
{
	struct ice_turn *t = *tp;
	struct ice_message_out o;

	if (!t)
		return;
	*tp = NULL;
	if (t->state == TURN_ALLOCATED) {
		request_open(&t->allocation, 0);
		request_begin(t, &t->allocation, &o, ICE_REFRESH, 0);
		ice_message_put_u32(&o, ICE_ATTR_LIFETIME, 0);
		request_finish(t, &o);
	}
	bytes_wipe(t, sizeof(*t));
	free(t);
}

static struct turn_peer *peer_find(struct ice_turn *t, const struct sa *addr)
{
	for (int i = 0; i < t->peers_n; i++)
		if (sa_cmp(&t->peers[i].addr, addr, SA_ALL))
			return &t->peers[i];
	return NULL;
}

int ice_turn_send(struct ice_turn *t, const struct sa *peer,
		  struct bytes payload, usec_t now)
{
	uint8_t d[CHANNEL_HEADER_BYTES + DATAGRAM_BYTES];
	struct turn_peer *p = peer_find(t, peer);

	if (t->state != TURN_ALLOCATED)
		return -ENOTCONN;
	if (!p) {
		if (t->peers_n == PEERS_MAX)
			return -ENOSPC;
		p = &t->peers[t->peers_n++];
		*p = (struct turn_peer){.addr = *peer};
		request_open(&p->request, now);
		peer_send(t, p, now);
	}
	if (p->refused)
		return -EACCES;
	if (!p->bound)
		return -EAGAIN;
	if (payload.n > DATAGRAM_BYTES)
		return -EMSGSIZE;
	be16_store(d, peer_channel(t, p));
	be16_store(d + 2, (uint16_t)payload.n);
	memcpy(d + CHANNEL_HEADER_BYTES, payload.p, payload.n);
	t->conf.handlers.send(bytes_of(d, CHANNEL_HEADER_BYTES + payload.n),
			      t->conf.arg);
	return 0;
}

/* -- answers ----------------------------------------------------------------
 */

/* RFC 8489 9.2.2: MD5 of username ":" realm ":" password. */
static bool key_make(struct ice_turn *t)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1 &&
		  EVP_DigestUpdate(md, t->username, strlen(t->username)) == 1 &&
		  EVP_DigestUpdate(md, ":", 1) == 1 &&
		  EVP_DigestUpdate(md, t->realm, t->realm_n) == 1 &&
		  EVP_DigestUpdate(md, ":", 1) == 1 &&
		  EVP_DigestUpdate(md, t->password, strlen(t->password)) == 1 &&
		  EVP_DigestFinal_ex(md, t->key, NULL) == 1;

	EVP_MD_CTX_free(md);
	return ok;
}

/* 401 or 438: the request goes out again with the nonce of the answer. */
static bool challenge_take(struct ice_turn *t, struct request *q,
			   const struct ice_message *m, usec_t now)
{
	/* RFC 8489 9.2.5: 401 to our credentials means they are wrong. */
	if ((m->error == 401 && t->nonce_n) || !m->nonce.n ||
	    m->nonce.n > NONCE_BYTES || m->realm.n > TEXT_BYTES ||
	    ++q->challenges > CHALLENGES_MAX)
		return false;
	memcpy(t->nonce, m->nonce.p, m->nonce.n);
	t->nonce_n = m->nonce.n;
	if (m->realm.n) {
		memcpy(t->realm, m->realm.p, m->realm.n);
		t->realm_n = m->realm.n;
	}
	q->tries = 0;
	q->at = now;
	return key_make(t);
}

static void allocation_answered(struct ice_turn *t, const struct ice_message *m,
				usec_t now)
{
	struct request *q = &t->allocation;
	uint32_t lifetime = m->lifetime_s;

	if (m->cls == ICE_ERROR) {
		if ((m->error != 401 && m->error != 438) ||
		    !challenge_take(t, q, m, now))
			fail(t);
		else
			allocation_send(t, now);
		return;
	}
	if (t->state == TURN_ALLOCATING && !m->has_relayed) {
		fail(t);
		return;
	}
	if (!m->has_lifetime || lifetime > LIFETIME_MAX_S)
		lifetime = LIFETIME_MAX_S / 6;
	if (lifetime < LIFETIME_MIN_S)
		lifetime = LIFETIME_MIN_S;
	request_open(q, now + (usec_t)lifetime * USEC_S / 2);
	t->expires_at = now + (usec_t)lifetime * USEC_S;
	if (t->state == TURN_ALLOCATING) {
		t->state = TURN_ALLOCATED;
		t->conf.handlers.allocated(&m->relayed, t->conf.arg);
	}
}

static void peer_answered(struct ice_turn *t, struct turn_peer *p,
			  const struct ice_message *m, usec_t now)
{
	if (m->cls == ICE_SUCCESS) {
		p->bound = true;
		request_open(&p->request, now + PEER_KEEP);
		return;
	}
	if ((m->error == 401 || m->error == 438) &&
	    challenge_take(t, &p->request, m, now)) {
		peer_send(t, p, now);
		return;
	}
	/* E.8: "403 on CreatePermission for private peer addresses has been
	 * seen: treat as a failed pair only". */
	count_add("ice", "turn-peer-refused", 1);
	p->refused = true;
	p->bound = false;
	p->request.open = false;
}

static struct turn_peer *peer_asked(struct ice_turn *t, const uint8_t *tid)
{
	for (int i = 0; i < t->peers_n; i++) {
		struct request *q = &t->peers[i].request;

		if (q->open && q->tries &&
		    memcmp(q->tid, tid, ICE_TID_BYTES) == 0)
			return &t->peers[i];
	}
	return NULL;
}

/* RFC 8489 9.2.5: a challenge is not signed, what grants something is. */
static bool is_genuine(const struct ice_turn *t, const struct ice_message *m,
		       struct bytes d)
{
	if (m->fingerprint_at && !ice_message_fingerprint_ok(m, d))
		return false;
	if (m->cls == ICE_ERROR && !m->integrity_at)
		return true;
	return !t->nonce_n ||
	       ice_message_integrity_ok_key(m, d, bytes_of(t->key, KEY_BYTES));
}

static int answer_input(struct ice_turn *t, const struct ice_message *m,
			struct bytes d, usec_t now)
{
	const struct request *q = &t->allocation;
	struct turn_peer *p;
	bool ours = q->tries && memcmp(q->tid, m->tid, ICE_TID_BYTES) == 0;

	p = ours ? NULL : peer_asked(t, m->tid);
	if (!ours && !p) {
		count_add("ice", "turn-stray-answer", 1);
		return 0;
	}
	if (!is_genuine(t, m, d)) {
		count_bad("ice", "turn-forged", "answer with wrong integrity");
		return -EBADMSG;
	}
	if (p)
		peer_answered(t, p, m, now);
	else
		allocation_answered(t, m, now);
	return 0;
}

static int channel_input(struct ice_turn *t, struct bytes d)
{
	struct bytes payload;
	uint16_t channel;
	struct rd rd;

	rd_init(&rd, d.p, d.n);
	channel = rd_be16(&rd);
	/* Over UDP padding may follow. */
	payload = rd_bytes(&rd, rd_be16(&rd));
	if (rd.bad || channel < CHANNEL_FIRST ||
	    channel >= CHANNEL_FIRST + t->peers_n) {
		count_bad("ice", "turn-channel", "of nobody or cut short");
		return -EBADMSG;
	}
	t->conf.handlers.data(&t->peers[channel - CHANNEL_FIRST].addr, payload,
			      t->conf.arg);
	return 0;
}

int ice_turn_input(struct ice_turn *t, struct bytes datagram, usec_t now)
{
	struct ice_message m;

	if (t->state == TURN_FAILED)
		return 0;
	if (datagram.n && datagram.p[0] >> 4 == CHANNEL_FIRST >> 12)
		return channel_input(t, datagram);
	if (ice_message_read(&m, datagram) < 0 || m.cls == ICE_REQUEST) {
		count_bad("ice", "turn-malformed", "not an answer");
		return -EBADMSG;
	}
	if (m.cls != ICE_INDICATION)
		return answer_input(t, &m, datagram, now);
	if (m.method != ICE_DATA || !m.has_peer || !m.data.n)
		return 0;
	t->conf.handlers.data(&m.peer, m.data, t->conf.arg);
	return 0;
}

/* -- time -------------------------------------------------------------------
 */

usec_t ice_turn_deadline(const struct ice_turn *t)
{
	usec_t at = t->allocation.at;

	if (t->state == TURN_FAILED)
		return USEC_NEVER;
	for (int i = 0; i < t->peers_n; i++) {
		const struct request *q = &t->peers[i].request;

		if (q->open && q->at < at)
			at = q->at;
	}
	return at;
}

static void peer_timeout(struct ice_turn *t, struct turn_peer *p, usec_t now)
{
	struct request *q = &p->request;

	if (!q->open || q->at > now)
		return;
	if (q->tries < REPEAT_TRIES) {
		peer_send(t, p, now);
		return;
	}
	/* Its permission may be gone; whoever sends asks again. */
	p->bound = false;
	request_open(q, now + REPEAT_FIRST);
}

void ice_turn_timeout(struct ice_turn *t, usec_t now)
{
	if (t->state == TURN_FAILED)
		return;
	if (t->allocation.at <= now) {
		if (t->allocation.tries >= REPEAT_TRIES &&
		    (t->state == TURN_ALLOCATING || now >= t->expires_at)) {
			fail(t);
			return;
		}
		/* The network may be gone for a while; the allocation is not.
		 */
		if (t->allocation.tries >= REPEAT_TRIES)
			request_open(&t->allocation, now);
		allocation_send(t, now);
	}
	for (int i = 0; i < t->peers_n; i++)
		peer_timeout(t, &t->peers[i], now);
}

/* A dialog and the requests inside it (RFC 3261 12).
 *
 * libre's sip_dialog hides route set and tags, which are needed here to keep a
 * dialog on disk, to reach a peer behind NAT by its source address, and to
 * write our own CANCEL. A value: dialog_clear() frees its members.
 */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/re.h"
#include "sip/stack.h"

#define DIALOG_ROUTES_MAX 16

struct dialog {
	char *call_id;
	char *local_tag;
	char *remote_tag; /* NULL: not established */
	char *local;      /* value of From in our requests, with the tag */
	char *remote;     /* value of To, with the tag once there is one */
	char *target;     /* Request-URI of what we send */
	char *hop;        /* SIP URI of the next hop without routes, or NULL */
	char *routes[DIALOG_ROUTES_MAX]; /* values of Route, in our order */
	size_t routes_n;
	struct tls_peer *tls; /* what is asked of the next hop; or NULL */
	uint32_t local_seq, remote_seq;
	bool remote_seq_known;
};

/* A dialog that we begin. All is copied. */
struct dialog_conf {
	const char *local, *remote; /* name-addr, without a tag */
	const char *target;
	const char *route;    /* next hop, as of address_hop(); NULL: target */
	const char *tls_name; /* of the next hop's certificate; NULL: any */
	bool tls_verify;
};

struct dialog_request {
	const char *method;
	uint32_t seq; /* 0: the next one */
	bool stateful;
	struct bytes headers; /* lines with CRLF */
	const char *type;     /* Content-Type of body */
	struct bytes body;
	sip_send_h *send;
	sip_resp_h *answered;
	void *arg;
};

/* All return 0, -ENOMEM or -EBADMSG. */
int dialog_from_request(struct dialog *d, const struct sip_msg *msg);
/* call_id and local_tag are drawn. -EINVAL: a route that is none. After an
 * error *d is as after dialog_clear(). */
int dialog_start(struct dialog *d, const struct dialog_conf *conf);
/* The 2xx to our INVITE: tag, target and route set. */
int dialog_establish(struct dialog *d, const struct sip_msg *msg);
/* A copy of the state before dialog_establish(), for a forked answer. */
int dialog_copy(struct dialog *dst, const struct dialog *src);
void dialog_clear(struct dialog *d);

/* The peer's Contact replaces the target (RFC 3261 12.2.1.2, 12.2.2). */
int dialog_refresh(struct dialog *d, const struct sip_msg *msg);
/* Takes the number of a request in the dialog; false: out of order. */
bool dialog_take_seq(struct dialog *d, const struct sip_msg *msg);
bool dialog_matches(const struct dialog *d, const struct sip_msg *msg);

/* What every request of the dialog carries, Route to CSeq. */
void dialog_write_head(struct buf *text, const struct dialog *d, uint32_t seq,
		       const char *method);
int dialog_send(struct dialog *d, struct sip_stack *stack,
		struct sip_request **reqp, const struct dialog_request *r);

json_t *dialog_pack(const struct dialog *d);
int dialog_unpack(struct dialog *d, const json_t *json);

#endif

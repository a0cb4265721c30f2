/* STUN messages as ICE uses them (RFC 8489, RFC 8445 16; telegram-wire E.7).
 *
 * Own reader and writer because libre's can neither read NOMINATION and
 * RETRANSMIT-COUNT nor write them. Values; views point into the datagram.
 */
#ifndef ICE_MESSAGE_H
#define ICE_MESSAGE_H

#include "base/bytes.h"
#include "base/re.h"

#define ICE_TID_BYTES 12
#define ICE_MESSAGE_BYTES 720 /* the longest message written here */

/* RFC 8489 18.2, RFC 8656 17 */
enum ice_method {
	ICE_BINDING = 1,
	ICE_ALLOCATE = 3,
	ICE_REFRESH = 4,
	ICE_DATA = 7,
	ICE_CHANNEL_BIND = 9,
};

enum ice_class {
	ICE_REQUEST = 0x000,
	ICE_INDICATION = 0x010,
	ICE_SUCCESS = 0x100,
	ICE_ERROR = 0x110,
};

enum ice_attribute {
	ICE_ATTR_MAPPED_ADDRESS = 0x0001,
	ICE_ATTR_USERNAME = 0x0006,
	ICE_ATTR_MESSAGE_INTEGRITY = 0x0008,
	ICE_ATTR_ERROR_CODE = 0x0009,
	ICE_ATTR_UNKNOWN_ATTRIBUTES = 0x000a,
	ICE_ATTR_CHANNEL_NUMBER = 0x000c,
	ICE_ATTR_LIFETIME = 0x000d,
	ICE_ATTR_XOR_PEER_ADDRESS = 0x0012,
	ICE_ATTR_DATA = 0x0013,
	ICE_ATTR_REALM = 0x0014,
	ICE_ATTR_NONCE = 0x0015,
	ICE_ATTR_XOR_RELAYED_ADDRESS = 0x0016,
	ICE_ATTR_REQUESTED_FAMILY = 0x0017,
	ICE_ATTR_REQUESTED_TRANSPORT = 0x0019,
	ICE_ATTR_XOR_MAPPED_ADDRESS = 0x0020,
	ICE_ATTR_PRIORITY = 0x0024,
	ICE_ATTR_USE_CANDIDATE = 0x0025,
	ICE_ATTR_FINGERPRINT = 0x8028,
	ICE_ATTR_CONTROLLED = 0x8029,
	ICE_ATTR_CONTROLLING = 0x802a,
	ICE_ATTR_NOMINATION = 0xc001,
	ICE_ATTR_RETRANSMIT_COUNT = 0xff00,
};

struct ice_message {
	enum ice_class cls;
	uint16_t method; /* enum ice_method, or one we do not know */
	uint8_t tid[ICE_TID_BYTES];
	bool has_username, has_priority, has_controlling, has_controlled;
	bool has_nomination, has_retransmit, has_mapped;
	bool use_candidate;
	struct bytes username;
	uint32_t priority;
	uint64_t tie_breaker;
	uint32_t nomination;
	struct bytes retransmit; /* the value, echoed as it came */
	struct sa mapped;
	/* Of TURN; in a Binding message they count as unknown. */
	bool has_relayed, has_peer, has_lifetime;
	struct sa relayed, peer;
	uint32_t lifetime_s;
	struct bytes realm, nonce, data;
	uint16_t error;        /* 300..699 */
	size_t integrity_at;   /* offset of the attribute; 0: none */
	size_t fingerprint_at; /* likewise */
	uint8_t unknown_n;     /* comprehension-required ones we do not know */
	uint16_t unknown[8];
};

/* Takes a message apart. Checks structure only. -EBADMSG. */
int ice_message_read(struct ice_message *m, struct bytes datagram);
/* Is there a FINGERPRINT, last, and right? */
bool ice_message_fingerprint_ok(const struct ice_message *m,
				struct bytes datagram);
/* Is there a MESSAGE-INTEGRITY, and made with this password? */
bool ice_message_integrity_ok(const struct ice_message *m,
			      struct bytes datagram, const char *password);
/* Likewise with a key that is no text (long-term credentials). */
bool ice_message_integrity_ok_key(const struct ice_message *m,
				  struct bytes datagram, struct bytes key);

/* A message under construction; too long ones get `bad`. */
struct ice_message_out {
	uint8_t p[ICE_MESSAGE_BYTES];
	size_t n;
	bool bad;
};

void ice_message_begin(struct ice_message_out *o, enum ice_class cls,
		       const uint8_t tid[ICE_TID_BYTES]);
void ice_message_begin_method(struct ice_message_out *o, enum ice_method method,
			      enum ice_class cls,
			      const uint8_t tid[ICE_TID_BYTES]);
void ice_message_put(struct ice_message_out *o, uint16_t type, const void *p,
		     size_t n);
void ice_message_put_u32(struct ice_message_out *o, uint16_t type, uint32_t v);
void ice_message_put_u64(struct ice_message_out *o, uint16_t type, uint64_t v);
void ice_message_put_address(struct ice_message_out *o, const struct sa *addr);
void ice_message_put_xored(struct ice_message_out *o, uint16_t type,
			   const struct sa *addr);
void ice_message_put_error(struct ice_message_out *o, uint16_t code,
			   const char *reason);
/* Adds MESSAGE-INTEGRITY (password not NULL) and FINGERPRINT. */
void ice_message_end(struct ice_message_out *o, const char *password);
void ice_message_end_key(struct ice_message_out *o, struct bytes key);

#endif

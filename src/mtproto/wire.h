/* The TL of MTProto's own messages that is read and written by hand: the
 * constructors of key creation and of the session, and the `bytes` type.
 * Containers, results and compressed objects carry other objects whose extent
 * only the envelope knows, so no generated reader fits them. */
#ifndef MTPROTO_WIRE_H
#define MTPROTO_WIRE_H

#include "base/bytes.h"

/* key creation, A.4 */
#define WIRE_REQ_PQ 0x60469778u
#define WIRE_REQ_PQ_MULTI 0xbe7e8ef1u
#define WIRE_RES_PQ 0x05162463u
#define WIRE_P_Q_INNER_DATA 0x83c95aecu
#define WIRE_P_Q_INNER_DATA_DC 0xa9f55f95u
#define WIRE_P_Q_INNER_DATA_TEMP 0x3c6a84d4u
#define WIRE_P_Q_INNER_DATA_TEMP_DC 0x56fddf88u
#define WIRE_REQ_DH_PARAMS 0xd712e4beu
#define WIRE_SERVER_DH_PARAMS_OK 0xd0e8075cu
#define WIRE_SERVER_DH_INNER_DATA 0xb5890dbau
#define WIRE_CLIENT_DH_INNER_DATA 0x6643b654u
#define WIRE_SET_CLIENT_DH_PARAMS 0xf5045f1fu
#define WIRE_DH_GEN_OK 0x3bcbf734u
#define WIRE_DH_GEN_RETRY 0x46dc1fb9u
#define WIRE_DH_GEN_FAIL 0xa69dae02u
#define WIRE_DESTROY_AUTH_KEY 0xd1435160u
#define WIRE_DESTROY_AUTH_KEY_OK 0xf660e1d4u
#define WIRE_DESTROY_AUTH_KEY_NONE 0x0a9f2259u
#define WIRE_DESTROY_AUTH_KEY_FAIL 0xea109b13u
#define WIRE_BIND_TEMP_AUTH_KEY 0xcdd42a05u
#define WIRE_BIND_AUTH_KEY_INNER 0x75a3f765u
#define WIRE_DROP_TEMP_AUTH_KEYS 0x8e48a188u
/* the session, A.6 */
#define WIRE_MSG_CONTAINER 0x73f1f8dcu
#define WIRE_GZIP_PACKED 0x3072cfa1u
#define WIRE_RPC_RESULT 0xf35c6d01u
#define WIRE_RPC_ERROR 0x2144ca19u
#define WIRE_MSGS_ACK 0x62d6b459u
#define WIRE_BAD_MSG_NOTIFICATION 0xa7eff811u
#define WIRE_BAD_SERVER_SALT 0xedab447bu
#define WIRE_NEW_SESSION_CREATED 0x9ec20908u
#define WIRE_GET_FUTURE_SALTS 0xb921bd04u
#define WIRE_FUTURE_SALTS 0xae500895u
#define WIRE_MSGS_STATE_REQ 0xda69fb52u
#define WIRE_MSGS_STATE_INFO 0x04deb57du
#define WIRE_MSGS_ALL_INFO 0x8cc0d131u
#define WIRE_MSG_DETAILED_INFO 0x276d3ec6u
#define WIRE_MSG_NEW_DETAILED_INFO 0x809db6dfu
#define WIRE_MSG_RESEND_REQ 0x7d861a08u
#define WIRE_MSG_RESEND_ANS_REQ 0x8610baebu
#define WIRE_PING 0x7abe77ecu
#define WIRE_PONG 0x347773c5u
#define WIRE_PING_DELAY_DISCONNECT 0xf3427b8cu
#define WIRE_RPC_DROP_ANSWER 0x58e4a740u
#define WIRE_RPC_ANSWER_UNKNOWN 0x5e2ad36eu
#define WIRE_RPC_ANSWER_DROPPED_RUNNING 0xcd78e586u
#define WIRE_DESTROY_SESSION 0xe7512126u
#define WIRE_DESTROY_SESSION_OK 0xe22045fcu
#define WIRE_DESTROY_SESSION_NONE 0x62d350c9u
#define WIRE_HTTP_WAIT 0x9299359fu
/* wrappers of queries, A.7 */
#define WIRE_INVOKE_WITH_LAYER 0xda9b0d0du
#define WIRE_INIT_CONNECTION 0xc1cd5ea9u
#define WIRE_INVOKE_AFTER_MSG 0xcb9f372du
#define WIRE_INVOKE_AFTER_MSGS 0x3dc4b4f0u
#define WIRE_INVOKE_WITHOUT_UPDATES 0xbf9459b7u
#define WIRE_VECTOR 0x1cb5c415u
#define WIRE_BOOL_TRUE 0x997275b5u

/* Codes of bad_msg_notification. */
enum {
	MTP_BAD_ID_LOW = 16,
	MTP_BAD_ID_HIGH = 17,
	MTP_BAD_ID_BITS = 18,
	MTP_BAD_CONTAINER_ID = 19,
	MTP_BAD_ID_OLD = 20,
	MTP_BAD_SEQNO_LOW = 32,
	MTP_BAD_SEQNO_HIGH = 33,
	MTP_BAD_SEQNO_EVEN_EXPECTED = 34,
	MTP_BAD_SEQNO_ODD_EXPECTED = 35,
	MTP_BAD_SALT = 48,
	MTP_BAD_CONTAINER = 64,
};

/* Transport errors, A.2. */
enum {
	MTP_TRANSPORT_KEY_UNKNOWN = -404,
	MTP_TRANSPORT_FLOOD = -429,
	MTP_TRANSPORT_BAD_DC = -444,
};

#define WIRE_ITEMS_MAX 1020 /* messages in a container (A.6) */

/* The TL type `bytes` (A.3), a view into the source; r turns bad when short. */
struct bytes wire_bytes(struct rd *r);
void wire_put_bytes(struct buf *b, struct bytes v);
/* A boxed Vector long: the number of items, r stands before the first. Bad
 * when fewer than that follow. */
uint32_t wire_vector_long(struct rd *r);
void wire_put_vector_long(struct buf *b, const int64_t *v, size_t n);
/* Constructor id at the start of a boxed object, 0 when short. */
uint32_t wire_id(struct bytes object);

#endif

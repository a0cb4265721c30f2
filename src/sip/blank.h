/* Secrets in SIP messages that are written down. */
#ifndef SIP_BLANK_H
#define SIP_BLANK_H

#include <stddef.h>
#include <stdint.h>

/* Overwrites with x, so that lengths stay: keys in a=crypto and k= lines of SDP
 * (RFC 4568, 8866), and Basic credentials, which are a password. Digest answers
 * stay: they are none. */
void sip_blank_secrets(uint8_t *text, size_t n);

#endif

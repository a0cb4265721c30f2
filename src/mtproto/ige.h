/* AES-256 in IGE mode (infinite garble extension), built on ECB. */
#ifndef MTPROTO_IGE_H
#define MTPROTO_IGE_H

#include <stddef.h>
#include <stdint.h>

/* n is a multiple of 16; in and out may be the same memory. iv holds the
 * previous ciphertext block, then the previous plaintext block. */
void mtp_ige_encrypt(uint8_t *out, const uint8_t *in, size_t n,
		     const uint8_t key[32], const uint8_t iv[32]);
void mtp_ige_decrypt(uint8_t *out, const uint8_t *in, size_t n,
		     const uint8_t key[32], const uint8_t iv[32]);

#endif

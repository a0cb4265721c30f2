/* ITU-T G.711 A-law and mu-law by the rule of the recommendation. Pure
 * functions, any thread. */
#ifndef MEDIA_G711_H
#define MEDIA_G711_H

#include <stddef.h>
#include <stdint.h>

void g711_alaw_encode(uint8_t *dst, const int16_t *pcm, size_t n);
void g711_alaw_decode(int16_t *pcm, const uint8_t *src, size_t n);
void g711_ulaw_encode(uint8_t *dst, const int16_t *pcm, size_t n);
void g711_ulaw_decode(int16_t *pcm, const uint8_t *src, size_t n);

#endif

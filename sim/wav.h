/* WAV files of 48 kHz mono s16: one read whole, one written as it comes. */
#ifndef SIM_WAV_H
#define SIM_WAV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WAV_RATE_HZ 48000

/* The samples of a file; the caller frees them. -ENOENT and the like; -EBADMSG:
 * not 48 kHz mono s16. */
int wav_read(int16_t **samples, size_t *n, const char *path);

struct wav_writer {
	FILE *file;
	uint64_t samples;
};

int wav_open(struct wav_writer *w, const char *path);
void wav_put(struct wav_writer *w, const int16_t *samples, size_t n);
/* Writes the lengths into the header, so that the file is whole from now. */
void wav_sync(struct wav_writer *w);
void wav_close(struct wav_writer *w);

#endif

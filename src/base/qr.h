/* QR codes (ISO/IEC 18004): bytes to modules, and modules to a terminal.
 * Byte mode, error correction level L, versions 1 to 6: up to 134 bytes.
 * Values; any thread. */
#ifndef BASE_QR_H
#define BASE_QR_H

#include "base/bytes.h"

#define QR_SIDE_MAX 41
#define QR_BYTES_MAX 134

struct qr {
	int side;                            /* modules */
	bool dark[QR_SIDE_MAX][QR_SIDE_MAX]; /* row, column */
};

/* The smallest version that holds text. -EMSGSIZE: none does. */
int qr_encode(struct qr *qr, struct bytes text);
/* Lines of half blocks, black on white whatever the terminal's colours are,
 * with the quiet zone of four modules. */
void qr_draw(struct buf *out, const struct qr *qr);

#endif

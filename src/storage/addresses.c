#include "storage/addresses.h"

#include <stdio.h>
#include <string.h>

#include "base/re.h"

void addresses_write(struct buf *text, const struct tg_dc *dcs, size_t n)
{
	char secret[2 * sizeof(dcs->secret) + 1];

	for (size_t i = 0; i < n; i++) {
		const struct tg_dc *dc = &dcs[i];

		hex_encode(secret, dc->secret, dc->secret_n);
		buf_printf(text, "%d %s %u -%s%s%s%s %s\n", dc->id, dc->host,
			   dc->port, dc->test ? "t" : "",
			   dc->tcpo_only ? "o" : "", dc->fixed ? "f" : "",
			   dc->this_port_only ? "p" : "",
			   dc->secret_n ? secret : "-");
	}
}

static bool line_read(struct tg_dc *dc, const char *line, size_t n)
{
	char copy[160], letters[8], secret[64];
	unsigned port;
	struct sa sa;

	memset(dc, 0, sizeof(*dc));
	if (n >= sizeof(copy))
		return false;
	memcpy(copy, line, n);
	copy[n] = '\0';
	if (sscanf(copy, "%d %45s %u %7s %63s", &dc->id, dc->host, &port,
		   letters, secret) != 5 ||
	    dc->id < 1 || !port || port > UINT16_MAX ||
	    sa_set_str(&sa, dc->host, (uint16_t)port))
		return false;
	dc->port = (uint16_t)port;
	dc->test = strchr(letters, 't');
	dc->tcpo_only = strchr(letters, 'o');
	dc->fixed = strchr(letters, 'f');
	dc->this_port_only = strchr(letters, 'p');
	if (strcmp(secret, "-") == 0)
		return true;
	dc->secret_n = (uint8_t)(strlen(secret) / 2);
	return (dc->secret_n == MTP_SECRET_BYTES ||
		dc->secret_n == MTP_SECRET_BYTES + 1) &&
	       !hex_decode(dc->secret, dc->secret_n, secret, strlen(secret));
}

size_t addresses_read(struct tg_dc *dcs, size_t max, const char *text)
{
	size_t got = 0;

	while (*text && got < max) {
		size_t n = strcspn(text, "\n");

		if (line_read(&dcs[got], text, n))
			got++;
		text += n + (text[n] == '\n');
	}
	return got;
}

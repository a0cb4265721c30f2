/* Fuzz target of Markdown and HTML: the first byte chooses, the rest is the
 * text. Entities must lie within it, and text that was escaped must come back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "telegram/styled.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_once(struct bytes source, enum tg_format format)
{
	struct tg_styled s;

	if (!tg_styled_read(&s, source, format)) {
		if (tg_text_units(buf_bytes(&s.text)) != s.units)
			abort();
		for (size_t i = 0; i < s.entities_n; i++) {
			const struct tg_entity *e = &s.entities[i];

			if (e->offset < 0 || e->length <= 0 ||
			    e->length > s.units - e->offset)
				abort();
		}
	}
	tg_styled_clear(&s);
}

static void escape_once(struct bytes source, enum tg_format format)
{
	struct tg_styled s;
	struct buf b;

	if (!text_is_utf8(source) || source.n > 4096)
		return;
	buf_init(&b);
	tg_styled_escape(&b, source, format);
	if (tg_styled_read(&s, buf_bytes(&b), format) || s.entities_n ||
	    !bytes_equal(buf_bytes(&s.text), source))
		abort();
	tg_styled_clear(&s);
	buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum tg_format format;

	if (!n)
		return 0;
	format = data[0] % 2 ? TG_FORMAT_HTML : TG_FORMAT_MARKDOWN;
	read_once(bytes_of(data + 1, n - 1), format);
	escape_once(bytes_of(data + 1, n - 1), format);
	return 0;
}

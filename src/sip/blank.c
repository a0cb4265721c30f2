#include "sip/blank.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool begins(const uint8_t *line, size_t n, const char *word)
{
	return n >= strlen(word) &&
	       strncasecmp((const char *)line, word, strlen(word)) == 0;
}

/* Behind every "inline:": the key, its life and number. */
static void crypto_blank(uint8_t *line, size_t n)
{
	static const char word[] = "inline:";
	bool key = false;

	for (size_t i = 0; i < n; i++) {
		if (key && !strchr(" \t;\r", line[i])) {
			line[i] = 'x';
			continue;
		}
		key = i + 1 >= sizeof(word) - 1 &&
		      begins(line + i + 2 - sizeof(word), sizeof(word) - 1,
			     word);
	}
}

static void rest_blank(uint8_t *line, size_t n, size_t from)
{
	for (size_t i = from; i < n; i++)
		if (line[i] != '\r')
			line[i] = 'x';
}

static void line_blank(uint8_t *line, size_t n)
{
	static const char *const names[] = {"Authorization:",
					    "Proxy-Authorization:"};

	if (begins(line, n, "a=crypto:"))
		crypto_blank(line, n);
	else if (begins(line, n, "k=") || begins(line, n, "a=key-mgmt:"))
		rest_blank(line, n, line[0] == 'k' ? 2 : 11);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t at = strlen(names[i]);

		if (!begins(line, n, names[i]))
			continue;
		while (at < n && (line[at] == ' ' || line[at] == '\t'))
			at++;
		if (begins(line + at, n - at, "Basic "))
			rest_blank(line, n, at + 6);
	}
}

void sip_blank_secrets(uint8_t *text, size_t n)
{
	while (n) {
		const uint8_t *end = memchr(text, '\n', n);
		size_t length = end ? (size_t)(end - text) : n;

		line_blank(text, length);
		if (!end)
			return;
		text += length + 1;
		n -= length + 1;
	}
}

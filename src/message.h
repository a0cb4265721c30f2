/* `gramline message` and `gramline file`: a session's private chats from the
 * terminal. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "settings.h"

struct message_order {
	/* send SESSION PEER TEXT | edit SESSION PEER ID TEXT |
	 * delete SESSION ID | list SESSION PEER;
	 * file: send SESSION PEER PATH [CAPTION] | receive SESSION ID PATH */
	const char *const *words;
	size_t words_n;
	const char *format; /* of texts: NULL: Markdown; "html", "plain" */
	bool voice, json;
};

/* The exit status: 2 when the words are wrong. */
int message_run(const struct settings *s, const struct message_order *o);
int file_run(const struct settings *s, const struct message_order *o);

#endif

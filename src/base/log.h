/* Log events and counters.
 *
 * One line a state change: time, level, area, id, text.  `id` names the call,
 * account or peer the line belongs to ("-" when NULL), so that both legs of a
 * call can be followed with one grep.  Never keys, login codes, message text
 * or whole phone numbers: mask with log_mask_number().
 * Any thread may log; media threads count instead of logging.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR, /* a call or an account was lost */
	LOG_LEVEL_WARN,  /* somebody should look */
	LOG_LEVEL_INFO,  /* state changes */
	LOG_LEVEL_DEBUG,
};

void log_set_level(enum log_level level);
/* "error", "warn", "info", "debug"; -EINVAL for anything else. */
int log_level_parse(enum log_level *level, const char *text);

void log_event(enum log_level level, const char *area, const char *id,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define log_error(area, id, ...)                                               \
	log_event(LOG_LEVEL_ERROR, area, id, __VA_ARGS__)
#define log_warn(area, id, ...) log_event(LOG_LEVEL_WARN, area, id, __VA_ARGS__)
#define log_info(area, id, ...) log_event(LOG_LEVEL_INFO, area, id, __VA_ARGS__)
#define log_debug(area, id, ...)                                               \
	log_event(LOG_LEVEL_DEBUG, area, id, __VA_ARGS__)

/* "+49170***67": the first five and last two characters of a longer number,
 * stars only for shorter ones. dst needs 32 bytes. Returns dst. */
char *log_mask_number(char dst[32], const char *number);

/* -- counters: bad input is counted, and logged once per kind ------------- */

/* A counter named "area.kind" (string literals). Increments it; the first
 * event of a kind is also logged at warn level with the text. Lock-free after
 * the first event of a kind; any thread. */
void count_bad(const char *area, const char *kind, const char *text);
void count_add(const char *area, const char *kind, uint64_t n); /* no log */
uint64_t count_get(const char *area, const char *kind);

typedef void(count_each_h)(const char *area, const char *kind, uint64_t n,
			   void *arg);
void count_each(count_each_h *each, void *arg);

#endif

/* How values of trunk settings are read: each writes the canonical text, or
 * says why not (without the name of the key) and returns -EINVAL. */
#ifndef ROUTE_TRUNK_VALUE_H
#define ROUTE_TRUNK_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#define TRUNK_WHY 160

int trunk_value_text(char *dst, size_t room, const char *value,
		     char why[TRUNK_WHY]);
/* A word without blanks or characters that mean something in SIP. */
int trunk_value_login(char *dst, size_t room, const char *value,
		      char why[TRUNK_WHY]);
int trunk_value_codecs(char *dst, size_t room, const char *value,
		       char why[TRUNK_WHY]);
int trunk_value_dtmf(char *dst, size_t room, const char *value,
		     char why[TRUNK_WHY]);
int trunk_value_networks(char *dst, size_t room, const char *value,
			 char why[TRUNK_WHY]);
/* Caller phone; caller name, which knows names as well. */
int trunk_value_caller_phone(char *dst, size_t room, const char *value,
			     char why[TRUNK_WHY]);
int trunk_value_dial_rules(char *dst, size_t room, const char *value,
			   char why[TRUNK_WHY]);
/* Caller phone; caller name, which knows names as well. */
int trunk_value_caller_phone(char *dst, size_t room, const char *value,
			     char why[TRUNK_WHY]);
int trunk_value_dial_rules(char *dst, size_t room, const char *value,
			   char why[TRUNK_WHY]);
int trunk_value_rules(char *dst, size_t room, const char *value,
		      char why[TRUNK_WHY]);
/* HOST or HOST:PORT. */
int trunk_value_host(char *dst, size_t room, const char *value,
		     char why[TRUNK_WHY]);
/* A literal address; port 5060 is added. */
int trunk_value_address(char *dst, size_t room, const char *value,
			char why[TRUNK_WHY]);
int trunk_value_field(char *dst, size_t room, const char *value,
		      char why[TRUNK_WHY]);
int trunk_value_number(char *dst, size_t room, const char *value,
		       char why[TRUNK_WHY]);

#endif

/* SIGHUP as an event of the loop. One per process. */
#ifndef HANGUP_H
#define HANGUP_H

/* Before any thread is started: they inherit that it does not interrupt. */
int hangup_block(void);
/* On the loop's thread. Errors: errno. */
int hangup_listen(void (*handler)(void *arg), void *arg);
void hangup_close(void);

#endif

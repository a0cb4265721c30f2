/* Work sent from one loop to another: functions with an owned argument, run in
 * order on the receiving loop. The only way threads speak to each other here.
 * Posting: any thread, takes a short lock (never on the packet path).
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

struct mailbox;

typedef void(mailbox_h)(void *arg);

/* Attaches to the loop of the calling thread. -ENOMEM, -EMFILE. */
int mailbox_new(struct mailbox **mp);
/* On the receiving thread. What was posted and not run is run now, so that
 * owned arguments are released. */
void mailbox_free(struct mailbox **mp);
/* fn(arg) runs on the receiving loop. -ENOMEM: fn will not run. */
int mailbox_post(struct mailbox *m, mailbox_h *fn, void *arg);

#endif

/* What the files of messages.* share when a message is sent or edited. */
#ifndef SIM_SEND_H
#define SIM_SEND_H

#include "sim/api.h"
#include "sim/content.h"

/* May this go to `to` (NULL: unknown peer)? */
const struct sim_fault *sim_send_check(const struct sim_request *r,
				       const struct sim_account *to,
				       int64_t random_id);
/* Sends content (its buffers are copied) and answers with Updates. */
const struct sim_message *sim_send_run(struct sim_request *r,
				       struct sim_account *to,
				       const struct sim_message *content);
/* The new content of m; what q leaves out stays. */
const struct sim_fault *sim_edit_content(struct sim_content *c,
					 const struct sim_account *author,
					 const struct tl_obj *q,
					 const struct sim_content_fields *f,
					 const struct sim_message *m);

#endif

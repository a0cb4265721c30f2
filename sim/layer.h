/* Layers other than the schema's: "the answer must be in the layer named by
 * invokeWithLayer". Only constructors this simulator sends, and functions it
 * takes, are known by their ids there; their fields are the schema's but for
 * those named. Constant; any thread. */
#ifndef SIM_LAYER_H
#define SIM_LAYER_H

#include "tl/tl.h"

/* Is the layer one this simulator can answer in? */
bool sim_layer_known(int32_t layer);
int sim_layer_write(struct buf *b, const struct tl_obj *o, int32_t layer);
int sim_layer_write_vector(struct buf *b, struct tl_obj *const *items,
			   uint32_t n, int32_t layer);
/* The id of a function of that layer, as the schema's function is known. */
uint32_t sim_layer_function(uint32_t id, int32_t layer);

#endif

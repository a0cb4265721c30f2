#include "sim/layer.h"

struct sim_layer {
	int32_t first, last;
	const struct tl_spelling *list;
	size_t n;
	uint32_t functions[4][2]; /* theirs, ours */
};

static const struct tl_spelling sim_layer_198[] = {
	{TL_user, 0x4b46c37e, 0, 0},
	{TL_userFull, 0x4d975bbc, 0, 0},
	{TL_message, 0x96fdbbe9, 0, 0},
	{TL_messageService, 0xd3d28540, 0, 0},
	{TL_peerSettings, 0xacd66c5e, 0, 0},
	{TL_messages_messages, 0x8c718e87, TL_messages_messages_topics, 0},
	{TL_updateReadHistoryInbox, 0x9c974fdf, 0, 0},
	{TL_phoneCallWaiting, 0xeed42858, 0, 0},
	{TL_phoneCallRequested, 0x45361c63, 0, 0},
	{TL_phoneCallAccepted, 0x22fd7181, 0, 0},
	{TL_phoneCall, 0x3ba5940c, 0, 0},
	{TL_phoneCallDiscarded, 0xf9d25503, 0, 0},
};

static const struct tl_spelling sim_layer_227[] = {
	{TL_message, 0x7600b9d3, 0, 0},
	{TL_userFull, 0x06cbe645, 0, 0},
	{TL_dialog, 0xfc89f7f3, 0, TL_dialog_unread_reactions_count},
	{TL_messageReplyHeader, 0x1b97dd66, 0, 0},
};

/* 229 was seen to take objects of 228. */
static const struct tl_spelling sim_layer_228[] = {
	{TL_user, 0xb1b8cc83, 0, 0},
	{TL_message, 0x7600b9d3, 0, 0},
	{TL_userFull, 0x06cbe645, 0, 0},
	{TL_dialog, 0xfc89f7f3, 0, TL_dialog_unread_reactions_count},
	{TL_messageReplyHeader, 0x1b97dd66, 0, 0},
};

/* messages.sendMessage, contacts.addContact, phone.requestCall,
 * messages.sendMedia, messages.editMessage, messages.editInlineBotMessage */
static const struct sim_layer sim_layers[] = {
	{198,
	 198,
	 sim_layer_198,
	 12,
	 {{0x983f9745, 0x545cd15a},
	  {0xe8f463d0, 0xd9ba2e54},
	  {0xa6c4600c, 0x42ff96ed},
	  {0x7852834e, 0x0330e77f}}},
	{TL_LAYER, TL_LAYER, NULL, 0, {{0}}},
	{227,
	 227,
	 sim_layer_227,
	 4,
	 {{0xfef48f62, 0x545cd15a},
	  {0xb106e66c, 0x51e842e1},
	  {0xa423bb51, 0x83557dba}}},
	{228,
	 229,
	 sim_layer_228,
	 5,
	 {{0xfef48f62, 0x545cd15a},
	  {0xb106e66c, 0x51e842e1},
	  {0xa423bb51, 0x83557dba}}},
};

/* The schema's own for a layer that is not known. */
static const struct sim_layer *sim_layer_find(int32_t layer)
{
	static const struct sim_layer own = {0};
	size_t n = sizeof(sim_layers) / sizeof(sim_layers[0]);

	for (size_t i = 0; i < n; i++)
		if (layer >= sim_layers[i].first && layer <= sim_layers[i].last)
			return &sim_layers[i];
	return &own;
}

bool sim_layer_known(int32_t layer)
{
	return sim_layer_find(layer)->first != 0;
}

int sim_layer_write(struct buf *b, const struct tl_obj *o, int32_t layer)
{
	const struct sim_layer *l = sim_layer_find(layer);

	return tl_write_spelled(b, o, l->list, l->n);
}

int sim_layer_write_vector(struct buf *b, struct tl_obj *const *items,
			   uint32_t n, int32_t layer)
{
	int err = 0;

	buf_le32(b, tl_ctor_id(TL_vector));
	buf_le32(b, n);
	for (uint32_t i = 0; i < n && !err; i++)
		err = sim_layer_write(b, items[i], layer);
	return err;
}

uint32_t sim_layer_function(uint32_t id, int32_t layer)
{
	const struct sim_layer *l = sim_layer_find(layer);

	for (int i = 0; i < 4; i++)
		if (l->functions[i][0] == id && id)
			return l->functions[i][1];
	return id;
}

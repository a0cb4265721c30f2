#include "sip/reason.h"

static unsigned q850_of(int code)
{
	static const struct {
		int code;
		unsigned q850;
	} causes[] =
		{
			{200, 16}, /* normal call clearing */
			{401, 21}, /* call rejected */
			{402, 21},  {403, 21},
			{404, 1}, /* unallocated number */
			{405, 63},  {406, 79},
			{407, 21},  {408, 102}, /* recovery on timer expiry */
			{410, 22},  {413, 127},
			{414, 127}, {415, 79},
			{416, 127}, {420, 127},
			{421, 127}, {423, 127},
			{480, 18}, /* no user responding */
			{481, 41},  {482, 25},
			{483, 25},  {484, 28},
			{485, 1},   {486, 17}, /* user busy */
			{487, 16},  {488, 88}, /* incompatible destination */
			{500, 41},             /* temporary failure */
			{501, 79},  {502, 38},
			{503, 41},  {504, 102},
			{505, 127}, {513, 127},
			{600, 17},  {603, 21},
			{604, 1},   {606, 88},
		};

	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (causes[i].code == code)
			return causes[i].q850;
	return 31; /* normal, unspecified */
}

void sip_reason_write(struct buf *dst, int code, const char *text)
{
	buf_printf(dst, "SIP;cause=%d;text=\"", code);
	for (; *text; text++)
		if ((unsigned char)*text >= ' ' && *text != '"' &&
		    *text != '\\' && *text != 0x7f)
			buf_u8(dst, (uint8_t)*text);
	buf_printf(dst, "\", Q.850;cause=%u", q850_of(code));
}

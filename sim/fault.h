/* Refusals of the API: Telegram's code and text, and our own finer name under
 * which it is counted ("refused" of the control interface). Constant. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

struct sim_fault {
	int code;
	const char *text;
	const char *kind;
};

/* A constant fault with static storage, as an expression. */
#define SIM_FAULT(code, text, kind)                                            \
	(__extension__({                                                       \
		static const struct sim_fault sim_fault_here = {code, text,    \
								kind};         \
		&sim_fault_here;                                               \
	}))

#endif

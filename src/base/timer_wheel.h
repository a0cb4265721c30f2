/* A timer wheel under libre: the programs' own definitions of tmr_start,
 * tmr_poll, tmr_next_timeout, tmr_jiffies and tmr_status take the place of the
 * shared library's (its own calls go through the linkage table, where the
 * program wins). libre keeps a sorted list instead, which is walked at every
 * start; the 32 s timers of finished transactions make that list long.
 *
 * Behaviour is that of libre: order by time, first started first at equal
 * times, handlers may start, stop and free any timer. Time is monotonic here:
 * a step of the wall clock moves no timer.
 *
 * Link with timer_wheel_dep (a static library alone would not be pulled in).
 */
#ifndef BASE_TIMER_WHEEL_H
#define BASE_TIMER_WHEEL_H

/* 0, or -ENOTSUP when libre does not use the wheel (a library built so that
 * it binds its calls to itself): a program must end then, as half of the timers
 * would never fire. On a thread with a loop, or before there is any. */
int timer_wheel_check(void);

#endif

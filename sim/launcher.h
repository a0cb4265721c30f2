/* The launcher: a small process that owns the call endpoint programs, so that
 * media goes on when the data centre's process dies and comes back.
 *
 * It listens on a unix socket (given as a descriptor); the data centre that
 * connected last is the one it serves. One JSON object a line:
 *
 *   to it      {"op":"attach"}
 *              {"op":"start","id":ID,"argv":[..]}
 *              {"op":"line","id":ID,"line":"SIG .."}    to the program's stdin
 *              {"op":"quit"}                            stop all, then end
 *   from it    {"event":"line","id":ID,"line":"SIG .."} from its stdout
 *              {"event":"exit","id":ID,"status":N}      128+signal when killed
 *              {"event":"attached","running":[ID,..]}   after what was missed
 *
 * A program told "STOP" that does not end gets SIGTERM, then SIGKILL. Without
 * a data centre for five minutes it stops everything and ends.
 */
#ifndef SIM_LAUNCHER_H
#define SIM_LAUNCHER_H

/* Runs until told to end. dir: where the programs' stderr is kept. Returns the
 * exit status. */
int sim_launcher_run(int listen_fd, const char *dir);

#endif

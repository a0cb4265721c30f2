"""What a process has used, as the kernel counts it."""
import os
import time

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def stat_fields(path):
    """(name, fields from the state on) of a /proc/.../stat file."""
    with open(path) as f:
        text = f.read()
    return (text[text.index("(") + 1:text.rindex(")")],
            text[text.rindex(")") + 2:].split())


def rss_bytes(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_clock(pid):
    """clock_getcpuclockid(3), which Python lacks: user and system time of all
    threads of a process, in nanoseconds."""
    return (~pid << 3) | 2


class Usage:
    """CPU time until now: of the process, of it in user and system mode (as
    exact as a clock tick), of each thread."""

    def __init__(self, pid):
        self.at = time.monotonic()
        _, fields = stat_fields("/proc/%d/stat" % pid)
        self.user_us = int(fields[11]) * TICK_US
        self.system_us = int(fields[12]) * TICK_US
        # The sum of both, but exact: the clock that the floor reads of itself.
        self.cpu_us = time.clock_gettime(cpu_clock(pid)) * 1e6
        self.threads = {}   # id -> (name, us)
        for tid in os.listdir("/proc/%d/task" % pid):
            base = "/proc/%d/task/%s/" % (pid, tid)
            with open(base + "schedstat") as f:
                us = int(f.read().split()[0]) / 1000.0
            self.threads[tid] = (stat_fields(base + "stat")[0], us)

    def threads_since(self, earlier):
        """Microseconds by thread name; threads of one name are added up."""
        used = {}
        for tid, (name, us) in self.threads.items():
            before = earlier.threads.get(tid, (name, 0.0))[1]
            used[name] = used.get(name, 0.0) + us - before
        return used

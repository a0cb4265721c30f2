"""SIPp, unmodified: one scenario of tests/data/sipp, played once."""
import os
import subprocess

from .process import free_port

DATA = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "data", "sipp")


class Sipp:
    """One login on one port; scenarios are played one after the other, or at
    once when each has a port of its own."""

    def __init__(self, folder, server, login, password):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.server = folder, server
        self.port = free_port()
        self.csv = os.path.join(folder, "login.csv")
        with open(self.csv, "w") as f:
            f.write("SEQUENTIAL\n%s;[authentication username=%s password=%s]\n"
                    % (login, login, password))

    def start(self, scenario, service="service", calls=1, seconds=20):
        log = open(os.path.join(self.folder, scenario + ".log"), "wb")
        child = subprocess.Popen(
            ["sipp", self.server, "-sf",
             os.path.join(DATA, scenario + ".xml"), "-inf", self.csv,
             "-i", "127.0.0.1", "-p", str(self.port), "-s", service, "-m",
             str(calls), "-l", str(calls), "-r", "20", "-nostdin",
             "-recv_timeout", str(1000 * seconds), "-timeout",
             "%ds" % (seconds + 5), "-timeout_error", "-trace_err",
             "-error_file", os.path.join(self.folder, scenario + ".err"),
             "-cid_str", "%u-" + scenario + "-%p@%s"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        child.scenario = scenario
        return child

    def finish(self, child, seconds=30):
        """Every call went as the scenario says."""
        status = child.wait(seconds)
        if status != 0:
            path = os.path.join(self.folder, child.scenario + ".err")
            errors = ""
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    errors = f.read()[:1500]
            raise AssertionError("sipp %s: exit status %d\n%s" % (
                child.scenario, status, errors))

    def play(self, scenario, service="service", calls=1):
        self.finish(self.start(scenario, service, calls))

#!/usr/bin/env python3
"""Twenty calls at once, both directions, under address and undefined-behaviour
sanitizers and the leak check, in the gateway, the simulator and the endpoints.

# run: check 240
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
from tests.harness.crowd import Crowd, say  # noqa: E402
from tests.harness.process import Tap  # noqa: E402

SECONDS = 20


def scenario_strain_sanitized_calls(crowd):
    crowd.begin(crowd.calls, 90)
    say("20 calls are up")
    crowd.talk(crowd.calls, SECONDS, 90)
    crowd.finish(crowd.calls)
    crowd.check(crowd.calls)
    assert len(crowd.gateway.records()) == len(crowd.calls)
    return "%d directions, each with its own tone" % (2 * len(crowd.calls))


def scenario_strain_sanitized_stop_during_calls(crowd):
    """A clean stop ends what runs, and nothing is left behind."""
    some = crowd.calls[:4]
    crowd.begin(some)
    status = crowd.gateway.process.stop(30)
    assert status == 0, "exit status %d:\n%s" % (
        status, crowd.gateway.process.text()[-3000:])
    assert all(c.line.state == "ended" for c in some), "a line got no BYE"
    assert len(crowd.gateway.records()) == len(crowd.calls) + len(some)


def scenario_strain_sanitized_no_report(crowd):
    status = crowd.telegram.stop()
    assert status == 0, "simulator: exit status %d" % status
    reports = crowd.sanitizer_reports()
    assert not reports, "\n".join(reports)


def main():
    tap = Tap()
    crowd = Crowd(os.path.abspath(sys.argv[1]), [10, 5, 5])
    good = True
    try:
        crowd.start()
        for f in (scenario_strain_sanitized_calls,
                  scenario_strain_sanitized_stop_during_calls,
                  scenario_strain_sanitized_no_report):
            good = tap.run(f.__name__, f, crowd) and good
    finally:
        crowd.stop(keep=not good)
    if not good:
        say("kept: " + crowd.folder)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())

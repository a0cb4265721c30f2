"""PBXs and phones of other people, with the recipes of docs/pbx."""
import os
import time
import traceback

from interop import (pbx_asterisk, pbx_asterisk_calls, pbx_baresip,
                     pbx_kamailio, pbx_linphone, pbx_sipp, pbx_table)
from interop.pbx_world import World


class Runner:
    """Runs one thing after the other and keeps the rows."""

    def __init__(self, report, world, folder, quick):
        self.report, self.world, self.folder = report, world, folder
        self.quick = quick
        self.rows = []
        self.whole = True

    def run(self, peer, version, what, test, *args):
        row = pbx_table.Row(peer, version, what)
        self.rows.append(row)
        began = self.world.begin()
        detail = ""
        try:
            test(*args)
            row.good = True
        except Exception as e:  # one test's failure is told, not the end
            detail = "%s: %s" % (type(e).__name__, e)
            with open(os.path.join(self.folder, "failures.log"), "a") as f:
                f.write("%s\n%s\n" % (row.name(), traceback.format_exc()))
        row.seconds = time.monotonic() - began
        self.report.result(row.name(), row.good,
                           detail or "%.1f s" % row.seconds)
        if not row.good:
            self.world.tidy()

    def run_at(self, site, peer, version, tests, before=""):
        """tests: [(what, function of the site)]; the site ends with them."""
        try:
            for what, test in tests:
                self.run(peer, version, before + what, test, site)
        finally:
            site.stop()

    def skip(self, peer, reason):
        self.whole = False
        self.report.skip("pbx_" + peer, reason)


def asterisk_run(runner):
    reason = pbx_asterisk.lacking()
    if not reason and runner.quick and not pbx_asterisk.is_cached():
        reason = "a quick run fetches no Asterisk; `make interop` does"
    if reason:
        runner.skip("asterisk", reason)
        return
    pbx_asterisk.install(runner.report.say)
    pbx_asterisk_calls.run(runner, pbx_asterisk.version())


def simple_run(peer):
    """A peer that is a package: it is there or it is not."""
    def peer_run(runner):
        reason = peer.lacking()
        if reason:
            runner.skip(peer.__name__.rpartition("_")[2], reason)
        else:
            peer.run(runner)
    return peer_run


PEERS = [("asterisk", asterisk_run), ("kamailio", simple_run(pbx_kamailio)),
         ("linphone", simple_run(pbx_linphone)),
         ("baresip", simple_run(pbx_baresip)),
         ("sipp", simple_run(pbx_sipp))]


def run(report, build, folder, quick, chosen=None):
    """The table, also in docs/pbx-interop.md; a quick run only checks that
    nobody wrote into that one by hand, and so does that of a chosen peer."""
    os.makedirs(folder)
    fault = pbx_table.edited()
    report.result("pbx_table_unedited", not fault, fault)
    world = World(build, os.path.join(folder, "world"))
    runner = Runner(report, world, folder, quick)
    try:
        for peer, peer_run in PEERS:
            if chosen not in (None, peer):
                runner.whole = False
                continue
            try:
                peer_run(runner)
            except Exception as e:  # this peer's, not the others'
                runner.whole = False
                report.result("pbx_%s_runs" % peer, False, "%s: %s" % (
                    type(e).__name__, e))
    finally:
        world.stop()
    print("\n" + pbx_table.table(runner.rows))
    if not quick and not fault and runner.whole:
        pbx_table.write(runner.rows)

"""A program on a pseudo-terminal, as a person in front of it."""
import codecs
import os
import pty
import select
import time


class Terminal:
    """seen: everything the terminal showed, what was typed included when the
    program left the echo on."""

    def __init__(self, command):
        self.seen = ""
        # A chunk may end inside a character.
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.at = 0          # answers are looked for behind this
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execv(command[0], command)

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            chunk = os.read(self.fd, 4096)
        except OSError:      # the other side is closed
            chunk = b""
        self.seen += self.decoder.decode(chunk)
        return bool(chunk)

    def expect(self, text, seconds=30):
        limit = time.monotonic() + seconds
        while text not in self.seen[self.at:]:
            left = limit - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError("waited for %r, saw:\n%s" % (
                    text, self.seen))
        self.at = self.seen.index(text, self.at) + len(text)

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def end(self, seconds=30):
        """The exit status, once the program has ended."""
        limit = time.monotonic() + seconds
        while self.read(max(0, limit - time.monotonic())):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)

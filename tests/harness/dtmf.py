"""Digits as tones (ITU-T Q.23): made, and found again by the power at their
eight frequencies."""
import numpy

from . import tones

KEYS = "123A456B789C*0#D"
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


def sound(digits, rate, press_s=0.1, pause_s=0.1):
    quiet = numpy.zeros(int(rate * pause_s), "<i2")
    parts = [quiet]
    for d in digits:
        i, n = KEYS.index(d), int(rate * press_s)
        parts += [tones.sine(LOW[i // 4], n, rate, amplitude=8000) +
                  tones.sine(HIGH[i % 4], n, rate, amplitude=9000), quiet]
    return numpy.concatenate(parts)


def heard(x, rate):
    """Digits in a sound: windows of 20 ms in which two frequencies have most
    of the power; one press is at least two of them in a row."""
    n, found, last, run = rate // 50, "", "", 0
    for i in range(0, len(x) - n + 1, n):
        key, w = "", numpy.asarray(x[i:i + n], float)
        if tones.level(w) > 1000:
            low = [tones.share(w, f, rate) for f in LOW]
            high = [tones.share(w, f, rate) for f in HIGH]
            if max(low) + max(high) > 0.8 and min(max(low), max(high)) > 0.15:
                key = KEYS[4 * int(numpy.argmax(low)) +
                           int(numpy.argmax(high))]
        run = run + 1 if key == last else 1
        last = key
        if key and run == 2:
            found += key
    return found

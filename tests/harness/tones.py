"""Tones: made, and found again by Goertzel's filter in what somebody heard."""
import os
import wave

import numpy

RATE = 8000


def sine(hertz, samples, rate=RATE, start=0, amplitude=8000):
    t = numpy.arange(start, start + samples)
    return (amplitude * numpy.sin(2 * numpy.pi * hertz / rate * t)).astype(
        "<i2")


def write(path, hertz, rate=48000, seconds=2.0):
    """A WAV file that loops without a click: whole periods."""
    n = int(round(seconds * hertz)) * rate // hertz
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(sine(hertz, n, rate).tobytes())
    return path


def level(x):
    x = numpy.asarray(x, float)
    return float(numpy.sqrt((x ** 2).mean())) if len(x) else 0.0


def share(x, hertz, rate=RATE):
    """Part of the power at this frequency, 0 to 1: Goertzel's sum, by its
    definition as one term of the Fourier transform."""
    x = numpy.asarray(x, float)
    power = (x ** 2).sum()
    if not power:
        return 0.0
    w = numpy.exp(-2j * numpy.pi * hertz / rate * numpy.arange(len(x)))
    return float(2 * abs((x * w).sum()) ** 2 / len(x) / power)


def heard(x, hertz, rate=RATE, window_s=0.1, least=0.8):
    """Seconds of windows in which this tone stands out."""
    n = int(rate * window_s)
    return window_s * sum(
        1 for i in range(0, len(x) - n + 1, n)
        if level(x[i:i + n]) > 500 and share(x[i:i + n], hertz, rate) > least)


def load(path):
    """Samples and rate of a mono or stereo WAV, also one that still grows."""
    with open(path, "rb") as f:
        data = f.read()
    at = data.find(b"data")
    if at < 0:
        return numpy.zeros(0), RATE
    channels = int.from_bytes(data[22:24], "little")
    rate = int.from_bytes(data[24:28], "little")
    body = data[at + 8:]
    x = numpy.frombuffer(body[:len(body) // 2 * 2], "<i2").astype(float)
    return x[:len(x) // channels * channels].reshape(-1, channels).mean(1), \
        rate


def file_seconds(path):
    """How long a recording is by now."""
    if not os.path.exists(path) or os.path.getsize(path) < 44:
        return 0.0
    with open(path, "rb") as f:
        head = f.read(44)
    return (os.path.getsize(path) - 44) / int.from_bytes(head[28:32],
                                                         "little")


def file_heard(path, hertz):
    x, rate = load(path)
    return heard(x, hertz, rate)


def tail_heard(path, hertz, seconds):
    """In what was recorded last."""
    x, rate = load(path)
    return heard(x[-int(seconds * rate):], hertz, rate)

"""Tones that tell directions apart: making them (WAV, A-law) and finding them
again in what was heard."""
import math
import os
import wave

import numpy

WAV_RATE, SIP_RATE = 48000, 8000
HALF_BAND_HZ = 8.0   # what belongs to a tone around its frequency


def write_wav(path, hertz, seconds=3, amplitude=8000):
    """48 kHz mono s16; whole seconds of whole hertz loop without a seam."""
    t = numpy.arange(WAV_RATE * seconds)
    samples = (amplitude * numpy.sin(2 * math.pi * hertz * t / WAV_RATE))
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(WAV_RATE)
        f.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path, from_second=0.0):
    """Samples of a WAV that may still be growing."""
    if not os.path.exists(path):
        return numpy.zeros(0)
    with open(path, "rb") as f:
        f.seek(44 + 2 * int(from_second * WAV_RATE))
        raw = f.read()
    return numpy.frombuffer(raw[:len(raw) // 2 * 2], "<i2").astype(float)


def wav_seconds(path):
    if not os.path.exists(path):
        return 0.0
    return max(0, os.path.getsize(path) - 44) / 2 / WAV_RATE


def alaw_table():
    """Linear value of every A-law byte (G.711)."""
    values = []
    for code in range(256):
        code ^= 0x55
        exponent, mantissa = (code >> 4) & 7, code & 15
        v = (mantissa << 4) + 8
        if exponent:
            v = (v + 256) << (exponent - 1)
        values.append(v if code & 0x80 else -v)
    return numpy.array(values, float)


ALAW = alaw_table()
ALAW_SORTED = numpy.argsort(ALAW)


def alaw_encode(samples):
    """The nearest A-law byte of each sample."""
    steps = ALAW[ALAW_SORTED]
    at = numpy.searchsorted((steps[1:] + steps[:-1]) / 2, samples)
    return ALAW_SORTED[at].astype(numpy.uint8).tobytes()


def alaw_decode(data):
    return ALAW[numpy.frombuffer(bytes(data), numpy.uint8)]


def alaw_tone(hertz, amplitude=8000):
    """One second, which loops without a seam."""
    t = numpy.arange(SIP_RATE)
    return alaw_encode(amplitude * numpy.sin(2 * math.pi * hertz * t /
                                             SIP_RATE))


def level(samples):
    return float(numpy.sqrt((samples ** 2).mean())) if len(samples) else 0.0


def windows(samples, rate, tones):
    """For each tone the part of the power (above 200 Hz) that lies at it, in
    every window of half a second: {hertz: array}, and the power of each."""
    n = rate // 2
    count = len(samples) // n
    frames = samples[:count * n].reshape(count, n) * numpy.hanning(n)
    power = numpy.abs(numpy.fft.rfft(frames)) ** 2
    step = rate / n
    total = power[:, int(200 / step):].sum(1) + 1e-9
    return {h: power[:, int((h - HALF_BAND_HZ) / step):
                     int((h + HALF_BAND_HZ) / step) + 1].sum(1) / total
            for h in tones}, total


def verdict(samples, rate, own, others, level_min=500):
    """None if the tone is heard and no other; else what is wrong. Medians: on
    a busy machine packets come late, and repaired places are no pure tone."""
    loud = level(samples)
    if loud < level_min or len(samples) < rate:
        return "%d Hz: level %d in %.1f s" % (own, loud, len(samples) / rate)
    found, total = windows(samples, rate, [own] + list(others))
    if numpy.median(found[own]) < 0.8:
        return "%d Hz has %.2f of the power" % (own, numpy.median(found[own]))
    for h in others:
        whole = float((found[h] * total).sum() / total.sum())
        if numpy.median(found[h]) > 0.05 or whole > 0.1:
            return "%d Hz is heard beside %d Hz: %.3f" % (h, own, whole)
    return None

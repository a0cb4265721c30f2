"""Sentences drawn by chance, spoken by espeak-ng, and how alike two recordings
sound.

Similarity is the correlation of two log-spectrograms (20 bands from 250 to
3400 Hz, 10 ms steps) over the whole reference sentence, at the best alignment.
A jitter buffer that adapts moves the rest of a sentence by some packets: so the
sentence is laid on in pieces of half a second, each within 120 ms of where the
one before it ended. 1 is the same sound; another sentence by another voice
gives 0.2 to 0.5; the telephone codecs of one call give 0.85 and more.
"""
import os
import random
import subprocess
import wave

import numpy

RATE = 8000
STEP = 80            # 10 ms
WINDOW = 256         # 32 ms
BANDS = 20
PIECE = 50           # steps
DRIFT = 12           # steps

WHO = ["the baker", "my neighbour", "a young pilot", "the old captain",
       "our teacher", "a quiet farmer", "the night porter", "his sister",
       "the violin player", "a careful driver"]
DOES = ["carried", "painted", "counted", "repaired", "forgot", "delivered",
        "collected", "borrowed", "polished", "measured"]
WHAT = ["seven wooden boxes", "the yellow bicycle", "eleven silver keys",
        "a broken telephone", "four heavy suitcases", "the garden fence",
        "twenty paper lanterns", "the kitchen window", "a box of oranges",
        "several blue umbrellas"]
WHERE = ["behind the railway station", "before the morning market",
         "under the stone bridge", "across the frozen lake",
         "at the end of summer", "near the harbour wall",
         "in the middle of the night", "after the long journey",
         "during the thunderstorm", "outside the village church"]


def sentences(n, draw=None):
    """n different sentences that share no phrase; draw: a random.Random."""
    draw = draw or random.SystemRandom()
    parts = [draw.sample(words, n) for words in (WHO, DOES, WHAT, WHERE)]
    return [" ".join(p) for p in zip(*parts)]


def speak(text, path, rate, voice="en", lead_s=0.3, total_s=None):
    """Writes a mono 16-bit WAV; silence up to total_s so that a looped or
    ended file does not cut the sentence."""
    raw = path + ".raw.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "155", "-w", raw, text],
                   check=True)
    command = ["sox", "-G", raw, "-r", str(rate), "-c", "1", "-b", "16", path,
               "pad", str(lead_s), "0"]
    subprocess.run(command, check=True)
    os.unlink(raw)
    if total_s:
        with wave.open(path, "rb") as w:
            have = w.getnframes()
            data = w.readframes(have)
        missing = int(total_s * rate) - have
        with wave.open(path, "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(rate)
            w.writeframes(data + b"\0\0" * max(0, missing))
    return path


def load(path):
    """Samples at 8 kHz as floats. Recordings that still grow have a wrong
    length in their header: the file's own size counts."""
    with open(path, "rb") as f:
        head = f.read()
    at = head.find(b"data")
    channels = int.from_bytes(head[22:24], "little")
    rate = int.from_bytes(head[24:28], "little")
    body = head[at + 8:]
    x = numpy.frombuffer(body[:len(body) // 2 * 2], "<i2").astype(float)
    if channels > 1:
        x = x[:len(x) // channels * channels].reshape(-1, channels).mean(1)
    return decimated(x, rate)


def decimated(x, rate):
    """At 8 kHz. Band-limited by a short filter: the spectrogram ends at 3.4
    kHz, where it still is near flat."""
    if rate == RATE:
        return x
    factor = rate // RATE
    taps = numpy.hamming(4 * factor + 1) * numpy.sinc(
        numpy.arange(-2 * factor, 2 * factor + 1) / factor)
    x = numpy.convolve(x, taps / taps.sum(), "same")
    return x[::factor]


def spectrogram(x):
    n = max(0, (len(x) - WINDOW) // STEP)
    if n == 0:
        return numpy.zeros((0, BANDS))
    frames = numpy.lib.stride_tricks.sliding_window_view(x, WINDOW)[::STEP][:n]
    power = numpy.abs(numpy.fft.rfft(frames * numpy.hanning(WINDOW))) ** 2
    edges = numpy.geomspace(250, 3400, BANDS + 1) * WINDOW / RATE
    bands = [power[:, int(a):max(int(a) + 1, int(b))].sum(1)
             for a, b in zip(edges, edges[1:])]
    return numpy.log10(numpy.maximum(numpy.stack(bands, 1), 1e3))


def speech_bounds(x):
    """First and last sample index that is louder than the background, or
    None."""
    level = numpy.abs(x)
    if not len(x) or level.max() < 300:
        return None
    loud = numpy.flatnonzero(level > max(200.0, level.max() * 0.05))
    return int(loud[0]), int(loud[-1])


def similarity(reference, heard):
    """(similarity, offset in seconds of the reference within heard)."""
    ref, found, offset = laid_on(reference, heard)
    return (0.0, 0.0) if found is None else (correlation(ref, found), offset)


def best_of(reference, recordings):
    """Similarity of what was said several times: of each piece the best."""
    laid = [laid_on(reference, x)[:2] for x in recordings]
    laid = [(ref, found) for ref, found in laid if found is not None]
    if not laid:
        return 0.0
    ref = laid[0][0]
    best = numpy.concatenate([max(
        (found[i:end] for _, found in laid),
        key=lambda part: correlation(ref[i:end], part))
        for i, end in pieces(len(ref))])
    return correlation(ref, best)


def laid_on(reference, heard):
    """Spectrograms of the reference and of what was heard in its places, or
    None; and the offset."""
    bounds = speech_bounds(reference)
    if bounds is None or speech_bounds(heard) is None:
        return None, None, 0.0
    a, b = bounds
    ref = spectrogram(reference[max(0, a - RATE // 10):b + RATE // 10])
    got = spectrogram(numpy.concatenate(
        [numpy.zeros(RATE // 2), heard, numpy.zeros(RATE // 2)]))
    n = len(ref)
    if n == 0 or len(got) < n:
        return None, None, 0.0
    at = k = best_offset(ref, got, range(len(got) - n + 1))
    found = numpy.full((n, BANDS), got.min())    # what is missing is silence
    for i, end in pieces(n):
        places = range(max(0, i + k - DRIFT),
                       min(len(got) - (end - i), i + k + DRIFT) + 1)
        if not places:
            continue
        place = best_offset(ref[i:end], got, places)
        found[i:end] = got[place:place + end - i]
        k = place - i
    offset = at * STEP / RATE - 0.5 + (min(a, RATE // 10) / RATE)
    return ref, found, offset - a / RATE


def pieces(n):
    """(begin, end) of pieces of n steps; a short rest joins the last one."""
    begins = list(range(0, max(1, n - PIECE // 2), PIECE))
    return zip(begins, begins[1:] + [n])


def correlation(x, y):
    x, y = x - x.mean(), y - y.mean()
    norm = numpy.sqrt((x ** 2).sum() * (y ** 2).sum())
    return float((x * y).sum() / norm) if norm > 1e-9 else 0.0


def best_offset(ref, got, offsets):
    return max(offsets, key=lambda k: correlation(ref, got[k:k + len(ref)]))


def delay(sent, got):
    """Seconds by which `got` is later than `sent`, both on one clock: the
    best shift of their envelopes, to a millisecond, below two seconds."""
    step = RATE // 1000
    def envelope(x):
        n = len(x) // step
        e = numpy.abs(x[:n * step]).reshape(n, step).mean(1)
        kernel = numpy.hanning(15)
        return numpy.convolve(e, kernel / kernel.sum(), "same")
    a, b = envelope(sent), envelope(got)
    n = min(len(a), len(b))
    a, b = a[:n] - a[:n].mean(), b[:n] - b[:n].mean()
    size = 1 << (2 * n - 1).bit_length()
    r = numpy.fft.irfft(numpy.fft.rfft(b, size) *
                        numpy.conj(numpy.fft.rfft(a, size)), size)
    return float(numpy.argmax(r[:2000])) / 1000.0

"""Tones in WAV files of 48 kHz mono s16: making them, and telling which tone a
recording holds (Goertzel)."""
import array
import math
import wave

RATE = 48000


def make(path, hertz, seconds=2.0, amplitude=8000):
    n = int(RATE * seconds)
    step = 2 * math.pi * hertz / RATE
    samples = array.array("h", (int(amplitude * math.sin(step * i))
                                for i in range(n)))
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes(samples.tobytes())


def load(path):
    with wave.open(path, "rb") as f:
        if (f.getnchannels(), f.getsampwidth(), f.getframerate()) != (1, 2, RATE):
            raise ValueError(path + ": not 48 kHz mono s16")
        samples = array.array("h")
        samples.frombytes(f.readframes(f.getnframes()))
    return samples


def share(samples, hertz):
    """The part of the power that lies at this frequency, 0 to 1."""
    k = 2 * math.cos(2 * math.pi * hertz / RATE)
    s1 = s2 = power = 0.0
    for v in samples:
        s1, s2 = v + k * s1 - s2, s1
        power += v * v
    if power == 0:
        return 0.0
    return max(0.0, s1 * s1 + s2 * s2 - k * s1 * s2) * 2 / len(samples) / power


def level(samples):
    return math.sqrt(sum(v * v for v in samples) / max(1, len(samples)))


def first_sound(samples, threshold=200):
    """Seconds until the first sample of speech; None: silence all along."""
    for i, v in enumerate(samples):
        if abs(v) > threshold:
            return i / RATE
    return None


def sounding(samples, window=RATE // 50):
    """Seconds of 20 ms windows that are not silent."""
    n = 0
    for i in range(0, len(samples) - window + 1, window):
        if max(samples[i:i + window]) > 200:
            n += 1
    return n * window / RATE

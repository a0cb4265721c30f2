"""libopus through ctypes: 20 ms packets of 8 kHz sound."""
import ctypes

import numpy

RATE, FRAME = 8000, 160
VOIP = 2048
lib = ctypes.CDLL("libopus.so.0")
for name in ("opus_encoder_create", "opus_decoder_create"):
    getattr(lib, name).restype = ctypes.c_void_p


class Encoder:
    def __init__(self):
        self.state = ctypes.c_void_p(lib.opus_encoder_create(
            RATE, 1, VOIP, ctypes.byref(ctypes.c_int())))

    def __call__(self, x):
        pcm = numpy.ascontiguousarray(x, "<i2")
        out = ctypes.create_string_buffer(1500)
        n = lib.opus_encode(self.state, pcm.ctypes.data_as(ctypes.c_void_p),
                            len(pcm), out, len(out))
        if n < 0:
            raise ValueError("opus_encode: %d" % n)
        return out.raw[:n]

    def __del__(self):
        lib.opus_encoder_destroy(self.state)


def decode(packets):
    """Packets in order, as one stream of samples."""
    state = ctypes.c_void_p(lib.opus_decoder_create(
        RATE, 1, ctypes.byref(ctypes.c_int())))
    pcm = numpy.zeros(RATE * 120 // 1000, "<i2")
    parts = [numpy.zeros(0, int)]
    for p in packets:
        n = lib.opus_decode(state, p, len(p),
                            pcm.ctypes.data_as(ctypes.c_void_p), len(pcm), 0)
        if n < 0:
            raise ValueError("opus_decode: %d" % n)
        parts.append(pcm[:n].astype(int))
    lib.opus_decoder_destroy(state)
    return numpy.concatenate(parts)

"""libopus through ctypes: packets of a sound, 8 kHz unless told."""
import ctypes

import numpy

RATE, FRAME = 8000, 160
VOIP = 2048
lib = ctypes.CDLL("libopus.so.0")
for name in ("opus_encoder_create", "opus_decoder_create"):
    getattr(lib, name).restype = ctypes.c_void_p


# Requests of opus_encoder_ctl().
SET_BITRATE, SET_MAX_BANDWIDTH, SET_COMPLEXITY = 4002, 4004, 4010
SET_INBAND_FEC, SET_LOSS = 4012, 4014
WIDEBAND = 1103


class Encoder:
    """settings: {request: value}"""

    def __init__(self, rate=RATE, settings=None):
        self.state = ctypes.c_void_p(lib.opus_encoder_create(
            rate, 1, VOIP, ctypes.byref(ctypes.c_int())))
        for request, value in (settings or {}).items():
            if lib.opus_encoder_ctl(self.state, request, value):
                raise ValueError("opus_encoder_ctl %d" % request)

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


def decode(packets, rate=RATE):
    """Packets in order, as one stream of samples."""
    state = ctypes.c_void_p(lib.opus_decoder_create(
        rate, 1, ctypes.byref(ctypes.c_int())))
    pcm = numpy.zeros(rate * 120 // 1000, "<i2")
    parts = [numpy.zeros(0, int)]
    for p in packets:
        n = lib.opus_decode(state, p, len(p),
                            pcm.ctypes.data_as(ctypes.c_void_p), len(pcm), 0)
        if n < 0:
            raise ValueError("opus_decode: %d" % n)
        parts.append(pcm[:n].astype(int))
    lib.opus_decoder_destroy(state)
    return numpy.concatenate(parts)

"""The codecs of a phone, through the libraries' C interfaces, and their RTP
payloads, packed here.

make(name) gives a Codec: payload type, what SDP says of it, rates, encode()
of one packet, decode() of many in order. Names: alaw, mulaw, opus, g722, gsm,
speex-8, speex-16, amr, amr-aligned, l16-8, l16-16, l16-48.
"""
import ctypes

import numpy

from . import opus

pointer = ctypes.c_void_p


def library(name, *functions):
    """Functions that return pointers."""
    lib = ctypes.CDLL(name)
    for f in functions:
        getattr(lib, f).restype = pointer
    return lib


def address(x):
    return x.ctypes.data_as(pointer)


class Codec:
    fmtp = ""
    ptime = 20
    clock = rate = 8000

    @property
    def frame(self):
        """Samples of one packet."""
        return self.rate * self.ptime // 1000

    @property
    def ticks(self):
        return self.clock * self.ptime // 1000

    def packets(self, pcm):
        """All of a sound, the rest of a frame left out."""
        return [self.encode(pcm[i:i + self.frame])
                for i in range(0, len(pcm) - self.frame + 1, self.frame)]


# -- G.711 --------------------------------------------------------------------
def tables():
    """(decode, encode) of A-law and mu-law (ITU-T G.711), 16 bit linear."""
    alaw, ulaw = numpy.zeros(256, int), numpy.zeros(256, int)
    for code in range(256):
        a = code ^ 0x55
        t, seg = (a & 15) << 4, a >> 4 & 7
        t = t + 8 if seg == 0 else t + 0x108 << max(0, seg - 1)
        alaw[code] = t if a & 0x80 else -t
        u = ~code & 0xff
        t = ((u & 15) << 3) + 0x84 << (u >> 4 & 7)
        ulaw[code] = 0x84 - t if u & 0x80 else t - 0x84
    return alaw, ulaw


ALAW, ULAW = tables()


class G711(Codec):
    def __init__(self, table, pt, name):
        self.table, self.pt, self.name = table, pt, name
        self.order = numpy.argsort(table, kind="stable")
        self.levels = table[self.order]

    def encode(self, x):
        at = numpy.clip(numpy.searchsorted(self.levels, x), 1, 255)
        lower = (numpy.abs(self.levels[at - 1] - x) <=
                 numpy.abs(self.levels[at] - x))
        return bytes(self.order[at - lower].astype("uint8"))

    def decode(self, payloads):
        return self.table[numpy.frombuffer(b"".join(payloads), "uint8")]


# -- Opus ---------------------------------------------------------------------
class Opus(Codec):
    pt, name, clock = 111, "opus/48000/2", 48000

    def __init__(self):
        self.encode = opus.Encoder()

    def decode(self, payloads):
        return opus.decode(payloads)


# -- L16 (RFC 3551 4.5.11) ----------------------------------------------------
class L16(Codec):
    def __init__(self, khz, pt):
        self.rate = self.clock = khz * 1000
        self.pt, self.name = pt, "L16/%d" % self.clock
        self.ptime = 10 if khz == 48 else 20

    def encode(self, x):
        return numpy.asarray(x).astype(">i2").tobytes()

    def decode(self, payloads):
        return numpy.frombuffer(b"".join(payloads), ">i2").astype(int)


# -- G.722: 16 kHz, but RTP counts 8000 (RFC 3551 4.5.2) ----------------------
class G722(Codec):
    pt, name, rate = 9, "G722/8000", 16000

    def __init__(self):
        self.lib = library("libspandsp.so.2", "g722_encode_init",
                           "g722_decode_init")
        self.encoder = pointer(self.lib.g722_encode_init(None, 64000, 0))

    def encode(self, x):
        x = numpy.ascontiguousarray(x, "<i2")
        out = ctypes.create_string_buffer(len(x))
        n = self.lib.g722_encode(self.encoder, out, address(x), len(x))
        return out.raw[:n]

    def decode(self, payloads):
        state = pointer(self.lib.g722_decode_init(None, 64000, 0))
        data = b"".join(payloads)
        pcm = numpy.zeros(2 * len(data), "<i2")
        n = self.lib.g722_decode(state, address(pcm), data, len(data))
        self.lib.g722_decode_free(state)
        return pcm[:n].astype(int)


# -- GSM full rate ------------------------------------------------------------
class Gsm(Codec):
    pt, name = 3, "GSM/8000"

    def __init__(self):
        self.lib = library("libgsm.so.1", "gsm_create")
        self.encoder = pointer(self.lib.gsm_create())

    def encode(self, x):
        x = numpy.ascontiguousarray(x, "<i2")
        out = ctypes.create_string_buffer(33)
        self.lib.gsm_encode(self.encoder, address(x), out)
        return out.raw

    def decode(self, payloads):
        state = pointer(self.lib.gsm_create())
        pcm = numpy.zeros((len(payloads), 160), "<i2")
        for p, frame in zip(payloads, pcm):
            self.lib.gsm_decode(state, p, address(frame))
        self.lib.gsm_destroy(state)
        return pcm.reshape(-1).astype(int)


# -- Speex --------------------------------------------------------------------
class Speex(Codec):
    SET_QUALITY = 4

    def __init__(self, khz, pt):
        self.rate = self.clock = khz * 1000
        self.pt, self.name = pt, "speex/%d" % self.clock
        self.lib = library("libspeex.so.1", "speex_encoder_init",
                           "speex_decoder_init", "speex_lib_get_mode")
        self.mode = pointer(self.lib.speex_lib_get_mode(khz // 8 - 1))
        self.encoder = pointer(self.lib.speex_encoder_init(self.mode))
        self.bits = ctypes.create_string_buffer(64)     # a SpeexBits
        self.lib.speex_bits_init(self.bits)
        self.lib.speex_encoder_ctl(self.encoder, self.SET_QUALITY,
                                   ctypes.byref(ctypes.c_int(8)))

    def encode(self, x):
        x = numpy.array(x, "<i2")
        out = ctypes.create_string_buffer(200)
        self.lib.speex_bits_reset(self.bits)
        self.lib.speex_encode_int(self.encoder, address(x), self.bits)
        n = self.lib.speex_bits_write(self.bits, out, 200)
        return out.raw[:n]

    def decode(self, payloads):
        state = pointer(self.lib.speex_decoder_init(self.mode))
        bits = ctypes.create_string_buffer(64)
        self.lib.speex_bits_init(bits)
        pcm = numpy.zeros((len(payloads), self.frame), "<i2")
        for p, frame in zip(payloads, pcm):
            self.lib.speex_bits_read_from(bits, p, len(p))
            self.lib.speex_decode_int(state, bits, address(frame))
        self.lib.speex_bits_destroy(bits)
        self.lib.speex_decoder_destroy(state)
        return pcm.reshape(-1).astype(int)


# -- AMR (RFC 4867) -----------------------------------------------------------
class Amr(Codec):
    """mode: that is sent. request: what is asked of the far end, 15: nothing."""
    BITS = [95, 103, 118, 134, 148, 159, 204, 244, 39]
    name = "AMR/8000"

    def __init__(self, aligned, pt, mode=7):
        self.aligned, self.pt, self.mode, self.request = aligned, pt, mode, 15
        self.fmtp = "octet-align=1" if aligned else ""
        self.lib = library("libopencore-amrnb.so.0", "Encoder_Interface_init",
                           "Decoder_Interface_init")
        self.encoder = pointer(self.lib.Encoder_Interface_init(0))

    def encode(self, x):
        x = numpy.array(x, "<i2")
        file = ctypes.create_string_buffer(40)
        n = self.lib.Encoder_Interface_Encode(self.encoder, self.mode,
                                              address(x), file, 0)
        return self.pack(file.raw[0] >> 3 & 15, file.raw[1:n])

    def pack(self, kind, frame):
        """One frame: request, 0, type, 1, and its bits."""
        if self.aligned:
            return bytes([self.request << 4, kind << 3 | 4]) + frame
        bits = self.BITS[kind]
        v = int.from_bytes(frame, "big") >> 8 * len(frame) - bits
        v |= (self.request << 6 | kind << 1 | 1) << bits
        fill = -(10 + bits) % 8
        return (v << fill).to_bytes((10 + bits + fill) // 8, "big")

    def unpack(self, payload):
        """(request, type, bits) of a payload of one frame."""
        if self.aligned:
            assert not payload[1] & 0x80, "one frame a packet"
            return payload[0] >> 4, payload[1] >> 3 & 15, payload[2:]
        v, n = int.from_bytes(payload, "big"), 8 * len(payload)
        head = v >> n - 10
        assert not head & 32, "one frame a packet"
        frame = (v << 10 & (1 << n) - 1).to_bytes(len(payload), "big")
        return head >> 6, head >> 1 & 15, frame

    def decode(self, payloads):
        state = pointer(self.lib.Decoder_Interface_init())
        pcm = numpy.zeros((len(payloads), 160), "<i2")
        for p, out in zip(payloads, pcm):
            _, kind, frame = self.unpack(p)
            file = ctypes.create_string_buffer(
                bytes([kind << 3 | 4]) + frame, 40)
            self.lib.Decoder_Interface_Decode(state, file, address(out), 0)
        self.lib.Decoder_Interface_exit(state)
        return pcm.reshape(-1).astype(int)


MAKE = {
    "alaw": lambda: G711(ALAW, 8, "PCMA/8000"),
    "mulaw": lambda: G711(ULAW, 0, "PCMU/8000"),
    "opus": Opus,
    "g722": G722,
    "gsm": Gsm,
    "speex-8": lambda: Speex(8, 97),
    "speex-16": lambda: Speex(16, 98),
    "amr": lambda: Amr(False, 99),
    "amr-aligned": lambda: Amr(True, 100),
    "l16-8": lambda: L16(8, 112),
    "l16-16": lambda: L16(16, 113),
    "l16-48": lambda: L16(48, 114),
}


def make(name):
    return MAKE[name]()

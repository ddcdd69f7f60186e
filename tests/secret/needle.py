"""The forms in which a secret would be recognised.

A part is as bad as the whole: 16 bytes in a row from its beginning, middle or
end are found, as they are, in the order that numbers have in memory, in hex,
and in base64 wherever in a text and in its lines that begins.
"""
import base64
import ctypes
import os

PART = 16
LIBRARY = ctypes.CDLL(os.environ["SEARCH"])
LIBRARY.search_new.restype = ctypes.c_void_p
LIBRARY.search_run.restype = ctypes.c_size_t
LIBRARY.search_run.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]


def base64_phases(raw):
    """What is the same of raw in base64, by how many bytes are before it."""
    for phase in range(3):
        text = base64.b64encode(bytes(phase) + raw)
        yield text[(phase * 8 + 5) // 6:(phase + len(raw)) * 8 // 6]


def parts(raw):
    if len(raw) < 2 * PART:
        return [raw]
    middle = len(raw) // 2
    return [raw[:PART], raw[middle:middle + PART], raw[-PART:]]


def forms(raw):
    """(form, bytes) of a secret."""
    for part in parts(raw):
        yield "raw", part
        yield "reversed", part[::-1]
        yield "hex", part.hex().encode()
        yield "hex", part.hex().upper().encode()
        for text in base64_phases(part):
            yield "base64", text
            yield "base64", text.replace(b"+", b"-").replace(b"/", b"_")


class Secrets:
    def __init__(self):
        self.needles = []  # (name, form, bytes)
        self.search = None

    def add(self, name, raw):
        assert len(raw) >= PART, name
        self.needles += [(name, form, needle) for form, needle in forms(raw)]
        self.search = None

    def index(self):
        count = len(self.needles)
        words = (ctypes.c_char_p * count)(*(needle for _, _, needle in self.needles))
        lens = (ctypes.c_size_t * count)(*(len(needle) for _, _, needle in self.needles))
        self.search = LIBRARY.search_new(words, lens, ctypes.c_size_t(count))

    def find(self, data):
        """(name, form) of what is there, in lines or not."""
        if self.search is None:
            self.index()
        found = ctypes.create_string_buffer(len(self.needles))
        for text in (data, data.replace(b"\n", b"")):
            LIBRARY.search_run(self.search, text, len(text), found)
        return {(name, form) for (name, form, _), is_there in zip(self.needles, found.raw) if is_there}

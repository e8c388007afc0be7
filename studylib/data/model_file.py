"""SentencePiece's model file as bytes: enough of the protobuf format to add pieces and to drop a setting.

A message is a row of fields, each a key (number and wire type) and a value. Repeated fields may stand anywhere and count in
their order, so a model is extended by writing behind it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

_PIECES, _TRAINER = 1, 2  # fields of ModelProto
_SEED_FILE = 54  # of TrainerSpec
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def with_pieces(model: bytes, pieces: list[tuple[str, float]]) -> bytes:
    """``model`` with more (piece, score) behind its own; ids of those that were there stay."""
    return model + b"".join(_field(_PIECES, _piece(name, score)) for name, score in pieces)


def without_seed_file(model: bytes) -> bytes:
    """``model`` without the path of the seed file: it is temporary, and would make equal models differ."""
    whole = bytearray()
    for number, raw, value in _fields(model):
        if number == _TRAINER:
            raw = _field(_TRAINER, b"".join(part for inner, part, _ in _fields(value) if inner != _SEED_FILE))
        whole += raw
    return bytes(whole)


def _piece(name: str, score: float) -> bytes:
    if not math.isfinite(score):
        raise ValueError(f"score of {name!r} is {score}")
    # Field 3, the type, is left out and so is "normal".
    return _field(1, name.encode()) + _varint(2 << 3 | _FOUR) + struct.pack("<f", score)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, whole field and value of each field."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _read_varint(message, at)
        kind = key & 7
        size = {_VARINT: 0, _EIGHT: 8, _FOUR: 4}.get(kind, 0)
        if kind in (_VARINT, _BYTES):
            size_or_value, at = _read_varint(message, at)
            size = size_or_value if kind == _BYTES else 0
        yield key >> 3, message[begin : at + size], message[at : at + size]
        at += size


def _varint(value: int) -> bytes:
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*content, value])


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at

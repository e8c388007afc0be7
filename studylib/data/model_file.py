"""SentencePiece's model file as bytes: enough of the protobuf format to add pieces and to read and change settings.

A message is a row of fields, each a key (number and wire type) and a value. Repeated fields may stand anywhere and count in
their order, so a model is extended by writing behind it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3  # fields of ModelProto
_TEXT, _SCORE, _TYPE = 1, 2, 3  # of a piece
_NORMAL, _USER_DEFINED = 1, 4  # types of pieces
_MODEL_TYPE, _WHITESPACE_AS_SUFFIX, _BYTE_FALLBACK, _SEED_FILE = 3, 24, 35, 54  # of TrainerSpec
_NAME, _CHARSMAP, _DUMMY_PREFIX, _EXTRA_SPACES, _ESCAPE_SPACES = 1, 2, 3, 4, 5  # of NormalizerSpec
_KINDS = {1: "unigram", 2: "bpe"}

# Scores of a unigram model are whole multiples of this. SentencePiece adds them up in single precision, where sums of
# multiples up to 2**24 / 32 = 524,288 nats are exact; so every implementation, in any precision, breaks ties alike
# ("..." + "." against "." + "..."). A log probability moves by 1/64 at most.
GRID = 1 / 32
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_IS_USER_DEFINED = bytes([_TYPE << 3 | _VARINT, _USER_DEFINED])  # the last field of such a piece


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


def on_grid(score: float) -> float:
    """``score`` as a whole multiple of `GRID`."""
    return round(score / GRID) * GRID


def with_scores_on_grid(model: bytes) -> bytes:
    """``model`` with the scores of its pieces on the grid, and the user-defined newline made a normal piece.

    SentencePiece prefers a user-defined piece by a score off the grid. The newline needs no such help, since it shares no
    character with others, and other user-defined pieces are cut out before SentencePiece sees a text.
    """
    whole = bytearray()
    for number, raw, value in _fields(model):
        if number == _PIECES:
            parts = {inner: (part, content) for inner, part, content in _fields(value)}
            kind = _number(parts[_TYPE][0]) if _TYPE in parts else _NORMAL
            if kind == _NORMAL or parts[_TEXT][1] == b"\n":
                (score,) = struct.unpack("<f", parts[_SCORE][1])
                raw = _field(_PIECES, _piece(parts[_TEXT][1].decode(), on_grid(score)))
        whole += raw
    return bytes(whole)


def with_normalization(model: bytes, name: str) -> bytes:
    """``model`` with the name of the normalisation that is done before SentencePiece sees the text."""
    whole = bytearray()
    for number, raw, value in _fields(model):
        if number == _NORMALIZER:
            rest = b"".join(part for inner, part, _ in _fields(value) if inner != _NAME)
            raw = _field(_NORMALIZER, _field(_NAME, name.encode()) + rest)
        whole += raw
    return bytes(whole)


@dataclass(frozen=True)
class ModelSettings:
    """What decides how a model encodes, besides its pieces.

    ``kind``: unigram, bpe, or empty for another. ``charsmap``: whether SentencePiece itself maps characters. ``known``: the
    user-defined pieces by their ids, but for the newline.
    """

    kind: str
    normalization: str
    charsmap: bool
    byte_fallback: bool
    dummy_prefix: bool
    drops_spaces: bool
    escapes_spaces: bool
    space_behind: bool
    known: dict[int, str]


def model_settings(model: bytes) -> ModelSettings:
    """Read the settings; those that the file leaves out have SentencePiece's defaults."""
    trainer: dict[int, tuple[bytes, bytes]] = {}
    normal: dict[int, tuple[bytes, bytes]] = {}
    known: dict[int, str] = {}
    place = -1
    for number, _, value in _fields(model):
        place += number == _PIECES
        if number == _PIECES and value.endswith(_IS_USER_DEFINED):
            known[place] = next(content.decode() for inner, _, content in _fields(value) if inner == _TEXT)
        if number in (_TRAINER, _NORMALIZER):
            fields = trainer if number == _TRAINER else normal
            fields |= {inner: (part, content) for inner, part, content in _fields(value)}

    def flag(fields: dict[int, tuple[bytes, bytes]], number: int, default: int) -> int:
        return _number(fields[number][0]) if number in fields else default

    return ModelSettings(
        kind=_KINDS.get(flag(trainer, _MODEL_TYPE, 1), ""),
        normalization=normal[_NAME][1].decode() if _NAME in normal else "",
        charsmap=bool(normal.get(_CHARSMAP, (b"", b""))[1]),
        byte_fallback=bool(flag(trainer, _BYTE_FALLBACK, 0)),
        dummy_prefix=bool(flag(normal, _DUMMY_PREFIX, 1)),
        drops_spaces=bool(flag(normal, _EXTRA_SPACES, 1)),
        escapes_spaces=bool(flag(normal, _ESCAPE_SPACES, 1)),
        space_behind=bool(flag(trainer, _WHITESPACE_AS_SUFFIX, 0)),
        known={place: piece for place, piece in known.items() if piece != "\n"},
    )


def _number(field: bytes) -> int:
    """The value of a field that holds a whole number."""
    _, at = _read_varint(field, 0)
    return _read_varint(field, at)[0]


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

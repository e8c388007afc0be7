"""Bytes to text: one encoding, line ends as ``\\n``, no byte-order mark; what is not that encoding is said with its place."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from studylib.errors import StudyError, invalid

BLOCK = 1 << 20
UTF8 = "utf-8"
_BOM = "\ufeff"
# Japanese in ISO-2022-JP: seven-bit, so valid UTF-8, and a run of ASCII between two escape sequences.
_JIS = re.compile(r"\x1b\$(?:[@AB]|\([A-Z])")
# What Japanese, Chinese and Korean text, and text from elsewhere, is in when it is not UTF-8.
_LIKELY = ["cp932", "euc_jp", "iso2022_jp", "utf_16", "utf_16_le", "utf_16_be", "gb18030", "big5", "euc_kr", "cp1252"]
_KANA = re.compile("[ぁ-んァ-ヶ]")  # a fifth and more of Japanese text, whatever it is about
_SAMPLE = 1 << 16  # bytes that the encoding is guessed from


def check_encoding(field: str, name: str) -> None:
    """Raise a StudyError unless Python can decode text in the encoding, piece by piece."""
    try:
        codec = codecs.lookup(name)
        codecs.getincrementaldecoder(name)("strict").decode(b"", final=True)
        "".encode(name)  # refuses those that are not between text and bytes, such as base64
    except (LookupError, TypeError, AttributeError):
        raise invalid(field, name, "is not an encoding of text", choices=[UTF8, *_LIKELY[:4]]) from None
    if codec.name in ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"):
        raise invalid(field, name, "is not an encoding of text files", choices=[UTF8, *_LIKELY[:4]])


def holds_jis(text: str) -> bool:
    """Whether a text holds escape sequences of ISO-2022-JP instead of Japanese."""
    return "\x1b$" in text and _JIS.search(text) is not None


def tidy(text: str) -> str:
    """A record's text with ``\\n`` for every line end and no byte-order mark in front."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removeprefix(_BOM)


def text_blocks(stream: BinaryIO, file: Path, encoding: str, *, part: str = "") -> Iterator[str]:
    """Text in blocks of about a MiB: line ends as ``\\n``, byte-order marks at the start of a line dropped.

    Parameters
    ----------
    part
        Where in the file the stream begins, for the messages, when it is not the beginning ("byte 5000 and on").

    Raises
    ------
    StudyError
        A byte is not of the encoding, or the text is in ISO-2022-JP; with line, byte, and the likely encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    read, before = 0, 1  # bytes, and the line that they end in
    last, tail, seven_bit = "\n", "", True
    while True:
        block = stream.read(BLOCK)
        try:
            text = lines.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # The decoder may have held back some bytes of the block before.
            place = read - (len(error.object) - len(block)) + error.start
            line = before + len(re.findall(rb"\r\n|\r|\n", error.object[: error.start]))
            around = error.object[max(0, error.start - _SAMPLE // 2) :][:_SAMPLE] + stream.read(_SAMPLE // 2)
            raise _not_decoded(file, encoding, f"{part}line {line}, byte {place}", error.reason, around) from None
        seven_bit = seven_bit and text.isascii()
        if seven_bit and holds_jis(tail + text):
            why = f"is in ISO-2022-JP (escape sequences from {part}line {before} on)"
            raise invalid("path", str(file), f"{why}; {_advice('iso2022_jp')}")
        tail = text[-4:]
        if last == "\n":
            text = text.removeprefix(_BOM)
        text = text.replace("\n" + _BOM, "\n")
        if text:
            yield text
            last = text[-1]
            before += text.count("\n")
        if not block:
            return
        read += len(block)


def numbered_lines(blocks: Iterator[str], longest: int) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1, without their ends; one of more than ``longest`` characters comes in parts."""
    number, rest = 1, ""
    for block in blocks:
        *whole, rest = (rest + block).split("\n")
        for line in whole:
            yield number, line
            number += 1
        if len(rest) >= longest:
            yield number, rest
            rest = ""
    if rest:
        yield number, rest


def _not_decoded(file: Path, encoding: str, place: str, reason: str, around: bytes) -> StudyError:
    name = "UTF-8" if encoding == UTF8 else encoding
    likely = likely_encoding(around)
    advice = _advice(likely) if likely and likely != codecs.lookup(encoding).name else "mend it, or leave the file out"
    looks = f"; it looks like {likely}" if likely else ""
    return invalid("path", str(file), f"is not {name} at {place} ({reason}){looks}: {advice}")


def likely_encoding(sample: bytes) -> str | None:
    """What ``sample`` is most likely in, of the encodings that text is usually in when it is not UTF-8; None if unclear."""
    # A file of UTF-8 with one damaged byte is no other encoding.
    rest = sample.decode(UTF8, "replace")
    if rest.count("\ufffd") * 20 < sum(not one.isascii() for one in rest):
        return None
    for encoding in ("cp932", "euc_jp"):
        text = sample.decode(encoding, "replace")
        foreign = sum(not one.isascii() for one in text)
        if text.count("\ufffd") * 100 < foreign and len(_KANA.findall(text)) * 5 > foreign:
            return encoding
    from charset_normalizer import from_bytes  # which takes Japanese in EUC for Chinese: both have the same bytes

    best = from_bytes(sample, cp_isolation=_LIKELY).best()
    return None if best is None else best.encoding


def _advice(encoding: str) -> str:
    return f"give the source the option encoding: {encoding}, or convert the file to UTF-8"

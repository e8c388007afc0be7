"""The SentencePiece tokenizer: trained alike everywhere, and exact both ways."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

from studylib.data.model_file import model_settings, with_normalization, with_scores_on_grid
from studylib.data.normalize import normalizer
from studylib.errors import StudyError, invalid
from studylib.rows import PAD
from studylib.spec import TokenizerSpec

UNK, BOS, EOS = 0, 1, 2
_SPECIAL = 4
_BYTES = 256
_FEWEST = 64  # pieces that are learned

# SentencePiece writes a space as U+2581, so text that holds U+2581 itself would come back with spaces. Such characters
# take a detour over one that no text uses, which in turn needs its own: the mapping is one-to-one both ways.
_SPACE, _ESCAPE = "\u2581", "\U0010fffd"
_SPACE_UTF8, _ESCAPE_UTF8 = _SPACE.encode(), _ESCAPE.encode()
_TO_SAFE = {ord(_ESCAPE): _ESCAPE + "0", ord(_SPACE): _ESCAPE + "1"}
_FROM_SAFE = {_ESCAPE + "0": _ESCAPE, _ESCAPE + "1": _SPACE}

_LINE = 3000  # characters; SentencePiece leaves out training lines over max_sentence_length bytes
_CHUNK = 1 << 15  # bytes encoded at once, so few that no sum of scores is rounded (see model_file.GRID)
_LONGEST_CHUNK = 1 << 20  # where the text does not let itself be cut
# Where no piece goes on: behind a newline or a digit, and from another character into a space.
_SEAM = re.compile(rb"[0-9\n]|(?<=[^ ])(?= )")
_COVERAGE = 0.9995


class Tokenizer:
    """Text to token ids and back. With identity normalisation ``decode(encode(text)) == text`` for any valid text.

    Attributes
    ----------
    known_pieces
        Pieces that are one token wherever they stand in the (normalised) text, by their ids: at each place the longest.
    """

    def __init__(self, model: bytes):
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self._model = model
        settings = model_settings(model)
        self._normalization = settings.normalization
        self.known_pieces: dict[int, str] = settings.known
        self._known = {piece.encode(): token for token, piece in settings.known.items()}
        self._cut = re.compile(f"({_longest_of(settings.known.values())})".encode()) if settings.known else None
        self._normalize = normalizer("nfkc" if self._normalization == "nfkc" else "identity")
        self._bytes: list[bytes] | None = None

    @classmethod
    def load(cls, file: Path) -> Tokenizer:
        """Read a SentencePiece model.

        Raises
        ------
        StudyError
            The file is missing or not a SentencePiece model.
        """
        try:
            return cls(Path(file).read_bytes())
        except OSError as error:
            raise invalid("tokenizer", str(file), f"cannot be read: {error.strerror}") from None
        except RuntimeError:
            raise invalid("tokenizer", str(file), "is not a SentencePiece model") from None

    @property
    def model(self) -> bytes:
        """The SentencePiece model file's content."""
        return self._model

    @property
    def vocab_size(self) -> int:
        return self._processor.vocab_size()

    @property
    def eos_id(self) -> int:
        return self._processor.eos_id()

    @property
    def bos_id(self) -> int:
        return self._processor.bos_id()

    @property
    def pad_id(self) -> int:
        return self._processor.pad_id()

    def encode(self, text: str) -> np.ndarray:
        """Token ids, int32 [tokens]; no BOS or EOS is added."""
        return self.encode_batch([text])[0]

    def encode_batch(
        self, texts: Sequence[str], *, num_threads: int = 1, literal: Collection[int] = ()
    ) -> list[np.ndarray]:
        """Token ids of each text, int32 [tokens] each.

        Parameters
        ----------
        literal
            Known pieces that are text like any other where they stand in these texts: control tokens that somebody wrote.

        Raises
        ------
        StudyError
            A text holds a lone surrogate.
        """
        encoded, counts = self.encode_chunks([_utf8(text) for text in texts], num_threads=num_threads, literal=literal)
        whole, place = [], 0
        for count in counts:
            parts = encoded[place : place + count]
            whole.append(parts[0] if count == 1 else np.concatenate([np.empty(0, dtype=np.int32), *parts]))
            place += count
        return whole

    def encode_chunks(
        self, texts: Sequence[bytes], *, num_threads: int = 1, literal: Collection[int] = ()
    ) -> tuple[list[np.ndarray], list[int]]:
        """As `encode_batch`, for valid UTF-8: the ids of the texts' chunks end to end, and how many chunks each text has."""
        chunks: list[bytes] = []
        counts: list[int] = []
        known: dict[int, int] = {}  # by the chunk's place; SentencePiece would not always take the whole piece
        for text in texts:
            before = len(chunks)
            for part, token in self._parts(self._ready(text), literal):
                if token is None:
                    chunks.extend(_chunks(part))
                else:
                    known[len(chunks)] = token
                    chunks.append(b"")
            counts.append(len(chunks) - before)
        encoded = self._processor.encode(chunks, return_type="numpy", num_threads=num_threads)
        for place, token in known.items():
            encoded[place] = np.array([token], dtype=np.int32)
        return encoded, counts

    def _parts(self, text: bytes, literal: Collection[int]) -> Iterator[tuple[bytes, int | None]]:
        """The text cut at known pieces, which come with their ids; and behind the first character of a ``literal`` one, so that it is not seen."""
        if self._cut is None:
            yield text, None
            return
        place = 0
        while found := self._cut.search(text, place):
            piece, token = found.group(), self._known[found.group()]
            yield text[place : found.start()], None
            if token in literal:
                piece, token = piece.decode()[0].encode(), None
            yield piece, token
            place = found.start() + len(piece)
        yield text[place:], None

    def _ready(self, text: bytes) -> bytes:
        if self._normalization == "nfkc" and not text.isascii():
            text = self._normalize(text.decode()).encode()
        return _safe_bytes(text)

    @property
    def pieces(self) -> list[str]:
        """Every piece by its id, as SentencePiece writes them (a space is U+2581, a byte ``<0x0A>``)."""
        return [self._processor.id_to_piece(one) for one in range(self.vocab_size)]

    @property
    def scores(self) -> list[float]:
        """Log probability (unigram) or rank (bpe) of every piece by its id."""
        return [self._processor.get_score(one) for one in range(self.vocab_size)]

    def encode_pieces(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces of each of ``texts``, which are written as `safe` does."""
        return self._processor.encode(list(texts), return_type=str)

    def is_text(self, token: int) -> bool:
        """Whether the token stands for characters: not a mark (BOS, EOS, PAD, unknown) and not a byte."""
        model = self._processor
        return not (model.is_control(token) or model.is_unknown(token) or model.is_byte(token))

    @property
    def special_ids(self) -> tuple[int, int, int, int]:
        """The ids of unknown, BOS, EOS and PAD; -1 for one that the model lacks."""
        model = self._processor
        return model.unk_id(), model.bos_id(), model.eos_id(), model.pad_id()

    def is_byte(self, token: int) -> bool:
        """Whether the token is a single byte of a character that has no piece."""
        return self._processor.is_byte(token)

    def token_bytes(self, token: int) -> bytes:
        """The UTF-8 bytes a token stands for: empty for BOS, EOS and PAD, a part of a character for a byte token."""
        if self._bytes is None:
            self._bytes = [self._piece_bytes(one) for one in range(self.vocab_size)]
        return self._bytes[token]

    def _piece_bytes(self, token: int) -> bytes:
        if self._processor.is_byte(token):
            return bytes([int(self._processor.id_to_piece(token)[3:5], 16)])
        if self._processor.is_control(token):
            return b""
        if self._processor.is_unknown(token):
            return "\ufffd".encode()
        return self._processor.id_to_piece(token).replace(_SPACE, " ").encode()

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of the tokens; a character cut in half at an end becomes U+FFFD."""
        text = b"".join([self.token_bytes(int(token)) for token in tokens]).decode("utf-8", "replace")
        text = text.replace(_SPACE, " ")  # spelt in bytes where the text trained on had no space
        return re.sub(f"{_ESCAPE}[01]", lambda found: _FROM_SAFE[found.group()], text) if _ESCAPE in text else text


def _utf8(text: str) -> bytes:
    # SentencePiece would put U+FFFD in the place of a lone surrogate without a word.
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 10) : error.start + 10]
        why = f"holds a lone surrogate at character {error.start}, which is not valid Unicode"
        raise invalid("text", near, why) from None


def safe(text: str) -> str:
    """``text`` with the characters that SentencePiece keeps for itself written another way; undone by ``decode``."""
    return text.translate(_TO_SAFE) if _SPACE in text or _ESCAPE in text else text


def without_known(pieces: Iterable[str], texts: Iterable[str], normalization: str) -> Iterator[str]:
    """``texts``, normalised, with a newline for each known piece: vocabularies are learned from the rest."""
    normalize, known = normalizer(normalization), re.compile(_longest_of(pieces))
    for text in texts:
        text = normalize(text)
        yield known.sub("\n", text) if known.pattern else text


def _longest_of(pieces: Iterable[str]) -> str:
    """A pattern that finds at each place the longest of ``pieces``."""
    return "|".join(map(re.escape, sorted(pieces, key=len, reverse=True)))


def detour() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What `safe` replaces, in the order in which one replacement after the other does the same; and the way back."""
    into = [(_ESCAPE, _ESCAPE + "0"), (_SPACE, _ESCAPE + "1")]
    return into, [(new, old) for old, new in reversed(into)]


def _safe_bytes(text: bytes) -> bytes:
    # Most texts have neither's first byte, and one byte is found ten times as fast as three or four.
    if any(one[:1] in text and one in text for one in (_SPACE_UTF8, _ESCAPE_UTF8)):
        return safe(text.decode()).encode()
    return text


def _chunks(text: bytes) -> Iterator[bytes]:
    start = 0
    while len(text) - start > _CHUNK:
        end = text.rfind(b"\n", start, start + _CHUNK) + 1 or _seam(text, start)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _seam(text: bytes, start: int) -> int:
    """Where to cut a long line: at the last seam of a chunk, at the next one behind it, or between any two characters."""
    end = max((one.end() for one in _SEAM.finditer(text, start + 1, start + _CHUNK)), default=0)
    if end:
        return end
    found = _SEAM.search(text, start + _CHUNK, start + _LONGEST_CHUNK)
    if found is not None or len(text) <= start + _LONGEST_CHUNK:
        return len(text) if found is None else found.end()
    end = start + _LONGEST_CHUNK
    while text[end] & 0xC0 == 0x80:  # inside a character
        end -= 1
    # Keep the two characters of a detour together.
    return end - len(_ESCAPE_UTF8) if text.endswith(_ESCAPE_UTF8, start, end) else end


def train_tokenizer(spec: TokenizerSpec, texts: Iterable[str], *, at_most: bool = False) -> Tokenizer:
    """Train on the lines of ``texts``; the same texts and specification give the same model, byte for byte.

    Memory is some 15 times the text. `studylib.data.train_on_counts` gives the same vocabulary from all of a corpus.
    With ``at_most`` a small text gives fewer pieces than ``spec.vocab_size`` (of a unigram model), and is no error.
    Characters are covered to 99.95 %, or to as many as fill half of the vocabulary; the others become UTF-8 bytes.

    Raises
    ------
    StudyError
        There is no text, or too little of it for ``spec.vocab_size`` pieces, or the size leaves no room for bytes.
    """
    room = room_for_pieces(spec)
    texts = without_known(spec.known_pieces, texts, spec.normalization)
    lines = [line for text in texts for line in _training_lines(text)]
    counts = Counter[str]()
    for line in lines:
        counts.update(line)
    del counts["\t"]  # never in a piece: SentencePiece keeps it for itself
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    cuts = rare_characters(ranked, room // 2)
    if cuts:
        lines = [part for line in lines for part in line.translate(cuts).split("\n") if part]
    return run_sentencepiece(spec, lines, **({"hard_vocab_limit": False} if at_most else {}))


def room_for_pieces(spec: TokenizerSpec) -> int:
    """How many pieces are learned; a StudyError when bytes, marks and known pieces leave no room for them."""
    before = _SPECIAL + 1 + _BYTES + len(spec.known_pieces)
    if spec.vocab_size < before + _FEWEST:
        known = f", {len(spec.known_pieces)} known pieces" if spec.known_pieces else ""
        why = f"is less than {before + _FEWEST}: 256 bytes, {_SPECIAL + 1} marks{known} and some pieces"
        raise invalid("data.tokenizer.vocab_size", spec.vocab_size, why)
    return spec.vocab_size - before


def rare_characters(ranked: Sequence[tuple[str, int]], most: int) -> dict[int, str]:
    """Characters too rare to be pieces of their own (they will be written as bytes), as a table for ``str.translate``.

    Kept are the commonest that make up 99.95 % of the text, ``most`` at most (half of the pieces that are learned).
    SentencePiece's own character_coverage does not go below 98 %, which in Japanese may be more characters than a small
    vocabulary holds.
    """
    total, running, kept = sum(count for _, count in ranked), 0, 0
    while kept < min(most, len(ranked)) and running < _COVERAGE * total:
        running += ranked[kept][1]
        kept += 1
    return {ord(character): "\n" for character, _ in ranked[kept:]}


def run_sentencepiece(spec: TokenizerSpec, rows: Iterable[str], **options: Any) -> Tokenizer:
    """Train on ``rows``, normalised as ``spec`` says, with the settings that all tokenizers share; ``options`` are
    SentencePiece's."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        raise invalid("data.sources", "the sample", "holds no text to train a tokenizer on")
    model = io.BytesIO()
    settings: dict[str, Any] = {
        "model_type": spec.kind,
        "vocab_size": spec.vocab_size,
        "byte_fallback": True,
        "character_coverage": 1.0,
        "normalization_rule_name": "identity",  # spec.normalization was done before, and is done before encoding
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,  # indentation of code
        "split_digits": True,
        "user_defined_symbols": ["\n", *spec.known_pieces],
        "max_sentence_length": 1 << 16,
        "unk_id": UNK,
        "bos_id": BOS,
        "eos_id": EOS,
        "pad_id": PAD,
        "num_threads": 4,  # fixed: the sums of unigram training depend on how they are split
        "minloglevel": 3,
    }
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=chain([first], rows), model_writer=model, **settings | options
        )
    except RuntimeError as error:
        raise _explained(error, spec) from None
    made = with_normalization(model.getvalue(), spec.normalization)
    return Tokenizer(with_scores_on_grid(made) if spec.kind == "unigram" else made)


def _training_lines(text: str) -> Iterator[str]:
    for line in safe(text).replace("\0", "").split("\n"):
        for start in range(0, len(line), _LINE):
            yield line[start : start + _LINE]


def _explained(error: RuntimeError, spec: TokenizerSpec) -> StudyError:
    message = str(error)
    most = re.search(r"value <= (\d+)", message)
    if "too high" in message or most:
        limit = f" (it yields {most.group(1)} at most)" if most else ""
        why = f"is more than the sample of text supports{limit}; use less, or more text (data.tokenizer.sample_bytes)"
        return invalid("data.tokenizer.vocab_size", spec.vocab_size, why)
    return invalid("data.tokenizer", spec.kind, f"cannot be trained: {message.rsplit('] ', 1)[-1]}")

"""Our tokenizer as ``tokenizer.json``: what ``transformers.AutoTokenizer`` reads, and encodes with as we do.

Without protobuf, and without the library that will read it: the file is plain JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studylib.data.model_file import GRID, ModelSettings, model_settings
from studylib.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizer, detour
from studylib.errors import invalid
from studylib.files import write_json

_SPACE = "\u2581"
# What pieces that are no text cost a unigram model, which would else find "<s>" or "<0x0A>" in text that holds them:
# more than any way to write them with pieces of their characters.
_NEVER = -4096.0


def write_tokenizer_json(tokenizer: Tokenizer, folder: Path, *, field: str = "tokenizer") -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``.

    ``AutoTokenizer.from_pretrained(folder)`` then gives the ids of ``Tokenizer.encode`` for every text, with no token
    before or after them, whatever the text holds ("</s>" in a text is text). One exception: a line of more than 1 MiB
    with no digit, and no space behind another character, is cut by ``Tokenizer.encode`` and not by ``AutoTokenizer``.

    Raises
    ------
    StudyError
        The SentencePiece model has settings that no tokenizer of this package has, and that the file cannot say.
    """
    settings = model_settings(tokenizer.model)
    _check(tokenizer, settings, field)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "tokenizer.json", tokenizer_json(tokenizer))
    pieces = tokenizer.pieces
    names = {"unk": UNK, "bos": BOS, "eos": EOS, "pad": PAD}
    config = {
        # Named, since the class of the model's kind would build a tokenizer of its own from the vocabulary.
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{f"{name}_token": pieces[place] for name, place in names.items()},
        "add_bos_token": False,
        "add_eos_token": False,
        "split_special_tokens": True,
        "clean_up_tokenization_spaces": False,
    }
    write_json(folder / "tokenizer_config.json", config)


def tokenizer_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """The content of ``tokenizer.json``."""
    settings = model_settings(tokenizer.model)
    into, back = detour()
    normalizers = [{"type": "NFKC"}] if settings.normalization == "nfkc" else []
    normalizers += [_replace(old, new) for old, new in (*into, (" ", _SPACE))]
    decoders = [_replace(_SPACE, " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
    decoders += [_replace(old, new) for old, new in back]
    pieces = tokenizer.pieces
    known, text = tokenizer.known_pieces, _learned(tokenizer)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            # A mark is no text; a known piece is looked for in normalised text, as `Tokenizer.encode` does.
            {
                "id": place, "content": pieces[place], "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": place in known, "special": place not in known,
            }
            for place in (UNK, BOS, EOS, PAD, *known)
        ],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": _cut_at(["\n", *_unknown_in_names(tokenizer, text)]),
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": _unigram(tokenizer, text) if settings.kind == "unigram" else _bpe(tokenizer, text),
    }  # fmt: skip


def _learned(tokenizer: Tokenizer) -> list[int]:
    """Pieces that text is made of where it holds no known piece."""
    return [
        place
        for place in range(tokenizer.vocab_size)
        if tokenizer.is_text(place) and place not in tokenizer.known_pieces
    ]


def _unigram(tokenizer: Tokenizer, text: list[int]) -> dict[str, Any]:
    scores, learned = [_NEVER] * tokenizer.vocab_size, tokenizer.scores
    for place in text:
        scores[place] = learned[place]
    vocabulary = [[piece, score] for piece, score in zip(tokenizer.pieces, scores, strict=True)]
    return {"type": "Unigram", "unk_id": UNK, "vocab": vocabulary, "byte_fallback": True}


def _bpe(tokenizer: Tokenizer, text: list[int]) -> dict[str, Any]:
    """SentencePiece merges any two neighbours that make a piece, the best score first: every split of a piece is a merge."""
    pieces, scores = tokenizer.pieces, tokenizer.scores
    known = {pieces[place] for place in text}
    merges = []
    for place in sorted((one for one in text if len(pieces[one]) > 1), key=lambda one: (-scores[one], one)):
        piece = pieces[place]
        halves = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        merges += [[left, right] for left, right in halves if left in known and right in known]
    return {
        "type": "BPE", "dropout": None, "unk_token": pieces[UNK], "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
        "vocab": {piece: place for place, piece in enumerate(pieces)}, "merges": merges,
    }  # fmt: skip


def _unknown_in_names(tokenizer: Tokenizer, text: list[int]) -> list[str]:
    """Characters of names such as "<0x0A>" that are in no piece.

    Cutting there changes nothing else, and a name that is cut is not found in a text.
    """
    pieces = tokenizer.pieces
    known = set().union(*(pieces[place] for place in text))
    named = set().union(*(pieces[place] for place in set(range(len(pieces))) - {*text, *tokenizer.known_pieces}))
    return sorted(named - known)


def _cut_at(characters: list[str]) -> dict[str, Any]:
    splits = [
        {"type": "Split", "pattern": {"String": one}, "behavior": "Isolated", "invert": False} for one in characters
    ]
    return {"type": "Sequence", "pretokenizers": splits}


def _replace(old: str, new: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


def _check(tokenizer: Tokenizer, settings: ModelSettings, field: str) -> None:
    scores = tokenizer.scores
    expected = {
        "kind": settings.kind in ("unigram", "bpe"),
        "normalization": settings.normalization in ("identity", "nfkc") and not settings.charsmap,
        "add_dummy_prefix": not settings.dummy_prefix,
        "remove_extra_whitespaces": not settings.drops_spaces,
        "escape_whitespaces": settings.escapes_spaces,
        "treat_whitespace_as_suffix": not settings.space_behind,
        "byte_fallback": settings.byte_fallback,
        "unk_id, bos_id, eos_id, pad_id": tokenizer.special_ids == (UNK, BOS, EOS, PAD),
        "scores": settings.kind != "unigram" or all(scores[place] % GRID == 0 for place in _learned(tokenizer)),
    }
    wrong = [name for name, holds in expected.items() if not holds]
    if wrong:
        why = f"cannot be exported: {', '.join(wrong)} of the SentencePiece model differ from those trained here"
        raise invalid(field, f"{settings.kind or 'other'} model of {tokenizer.vocab_size} pieces", why)

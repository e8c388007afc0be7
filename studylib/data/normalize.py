"""Unicode normalisation, the same here and in an exported tokenizer."""

from __future__ import annotations

from collections.abc import Callable


def normalizer(name: str) -> Callable[[str], str]:
    """The function from text to text that ``TokenizerSpec.normalization`` names.

    ``nfkc`` is that of the library `tokenizers`, which exported folders are read with: Python's own follows the Unicode
    version of the interpreter, and SentencePiece's takes the longest match in a table, which no other library repeats
    (`tokenizers` drops combining marks where it tries to).
    """
    if name == "identity":
        return _as_it_is
    if name != "nfkc":
        raise ValueError(f"normalization {name!r} is neither identity nor nfkc")
    from tokenizers import normalizers  # compiled code that nothing else here needs

    return normalizers.NFKC().normalize_str


def _as_it_is(text: str) -> str:
    return text

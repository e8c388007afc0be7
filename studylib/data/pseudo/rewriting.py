"""Training text told again by rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from studylib.data.miniworld.draw import Draw
from studylib.data.pseudo.rules import RULES
from studylib.errors import invalid

if TYPE_CHECKING:
    from studylib.data.prepared import PreparedData


def training_documents(prepared: PreparedData, label: str) -> Iterator[str]:
    """The training documents of a source, in order: what a model may learn from, and so what may be rewritten."""
    from studylib.data.tokenizer import Tokenizer

    shard, tokenizer = prepared.shards(label).train, Tokenizer.load(prepared.tokenizer_file)
    starts = shard.document_starts
    for start, stop in pairwise(starts):
        yield tokenizer.decode(shard.tokens[int(start) : int(stop) - 1])  # without the EOS


def rewrite(prepared: PreparedData, label: str, rules: Sequence[str], *, seed: int = 0) -> Iterator[str]:
    """Every training document of ``label`` under the ``rules``, in their order; those that stay as they were are left out.

    A rule's choices depend on the seed and the document's number alone.

    Raises
    ------
    StudyError
        A rule is not known, or there is none.
    """
    if not rules:
        raise invalid("rules", list(rules), "is empty", choices=RULES)
    for rule in rules:
        if rule not in RULES:
            raise invalid("rules", rule, "is not a known rule", choices=RULES)
    for number, text in enumerate(training_documents(prepared, label)):
        chance = Draw("rewrite", seed, number).unit
        told = text
        for rule in rules:
            told = RULES[rule](told, chance)
        if told != text:
            yield told

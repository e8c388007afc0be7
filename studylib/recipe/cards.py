"""Accelerators as their makers describe them: arithmetic, memory, and what connects them."""

from __future__ import annotations

from studylib.errors import invalid
from studylib.frozen import Above0, Frozen


class Card(Frozen):
    """One accelerator of a server of eight, as the data sheet has it.

    Attributes
    ----------
    bf16_flops
        Dense bf16 matrix products, FLOP/s (half of what is printed for structured sparsity).
    memory_bytes, memory_bandwidth
        Of one card; bytes/s.
    within_node, between_nodes
        Bytes/s that one card sends while it receives as much, to others of its server and to other servers.
    source
        Where the numbers stand.
    """

    name: str
    label: str
    bf16_flops: Above0
    memory_bytes: Above0
    memory_bandwidth: Above0
    within_node: Above0
    between_nodes: Above0
    source: str


CARDS: dict[str, Card] = {}


def card_named(name: str) -> Card:
    """The card of this name.

    Raises
    ------
    StudyError
        There is none; the message lists those there are.
    """
    if name not in CARDS:
        raise invalid("gpu", name, choices=CARDS)
    return CARDS[name]

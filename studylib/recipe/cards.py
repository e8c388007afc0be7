"""Accelerators as their makers describe them, and the share of it that was measured: arithmetic, memory, and what connects them."""

from __future__ import annotations

from studylib.errors import invalid
from studylib.frozen import Above0, Frozen

_MEASURED = (
    "github.com/stas00/ml-engineering, compute/accelerator, maximum achievable matmul FLOPS (commit b9e29720, 2025)"
)


class Card(Frozen):
    """One accelerator of a server of eight.

    Attributes
    ----------
    bf16_flops
        Dense bf16 matrix products by the data sheet, FLOP/s (half of what is printed for structured sparsity).
    matrix_flops
        What one large matrix product was measured to reach.
    attention_flops
        What a fused attention kernel was measured to reach, counting the causal half alone.
    memory_bytes, memory_bandwidth
        Of one card; bytes/s.
    within_node, between_nodes
        Bytes/s that one card sends while it receives as much: to others of its server (half of NVLink's number, which counts both
        directions), and over its own network adapter to other servers.
    source
        Where the numbers stand.
    """

    name: str
    label: str
    bf16_flops: Above0
    matrix_flops: Above0
    attention_flops: Above0
    memory_bytes: Above0
    memory_bandwidth: Above0
    within_node: Above0
    between_nodes: Above0
    source: str


_ALL = (
    Card(
        name="a100-sxm", label="A100 80 GB SXM", bf16_flops=312e12, matrix_flops=271.2e12, attention_flops=225e12,
        memory_bytes=80e9, memory_bandwidth=2.04e12, within_node=300e9, between_nodes=25e9,
        source=f"NVIDIA A100 data sheet; 200 Gbit/s a card (Llama 2, arXiv 2307.09288); product: {_MEASURED}; "
        "attention: FlashAttention-2 in training (arXiv 2307.08691)",
    ),
    Card(
        name="h100-sxm", label="H100 80 GB SXM", bf16_flops=989.4e12, matrix_flops=794.5e12, attention_flops=350e12,
        memory_bytes=80e9, memory_bandwidth=3.35e12, within_node=450e9, between_nodes=50e9,
        source=f"NVIDIA H100 data sheet; NDR InfiniBand, 400 Gbit/s a card; product: {_MEASURED}; attention: FlashAttention-2 "
        "reaches 35 % of the peak (arXiv 2407.08608)",
    ),
    Card(
        name="h200-sxm", label="H200 141 GB SXM", bf16_flops=989.4e12, matrix_flops=794.5e12, attention_flops=350e12,
        memory_bytes=141e9, memory_bandwidth=4.8e12, within_node=450e9, between_nodes=50e9,
        source="NVIDIA H200 data sheet; else as the H100, whose processor it has (here `study bench gpu` reached 690e12 in a matrix "
        "product and 4.2e12 bytes/s)",
    ),
    Card(
        name="gh200", label="GH200 96 GB", bf16_flops=989.4e12, matrix_flops=828.6e12, attention_flops=350e12,
        memory_bytes=96e9, memory_bandwidth=4.0e12, within_node=450e9, between_nodes=25e9,
        source=f"NVIDIA GH200 data sheet; 200 Gbit/s a module as in Alps (arXiv 2509.14233); product: {_MEASURED}; attention as the H100",
    ),
)  # fmt: skip

CARDS: dict[str, Card] = {card.name: card for card in _ALL}


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

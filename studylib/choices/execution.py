"""How a model is computed, which changes its speed and memory but its numbers by rounding only. No torch."""

from __future__ import annotations

from dataclasses import dataclass

# Attention in blocks keeps its probabilities for the backward pass, so beyond this length the fused kernel's memory wins.
LONGEST_IN_BLOCKS = 1024
# Below this width autocast's casts cost more than products in bf16 save, measured on two AVX-512 cores.
BF16_MIN_HIDDEN_SIZE = 48
# Logits of a chunk of the chunked cross-entropy: few enough for a CPU's last-level cache, enough for a GPU's matrix units.
CHUNK_LOGITS = {"cpu": 1 << 22, "cuda": 1 << 27}


@dataclass(frozen=True)
class Execution:
    """Names of choices, as in ComputeSpec, with every ``auto`` but attention's resolved.

    Attention's ``auto`` depends on the length of what is read, which may change from call to call.
    """

    attention: str = "auto"
    cross_entropy: str = "plain"
    recompute: str = "none"
    compile: str = "none"
    weights: str = "float32"

"""Every choice of the model by name, for the tests that walk them: a new file in a registry is tested without a line."""

from __future__ import annotations

import pytest
import torch

from studylib.model.gpt import GPT, build_gpt
from studylib.parallel import world
from studylib.registry import ACTIVATIONS, INITS, MIXERS, NORMS, POSITIONS, RESIDUALS
from studylib.spec import ModelSpec, ParallelSpec

BASE = ModelSpec(num_layers=2, hidden_size=32, num_heads=4, vocab_size=512, seq_len=32)
WALKED = {
    "activation": ACTIVATIONS,
    "norm": NORMS,
    "position": POSITIONS,
    "residual": RESIDUALS,
    "mixer": MIXERS,
    "init": INITS,
}
OPTIONS = {
    "odd sizes": {"num_layers": 3, "hidden_size": 48, "num_heads": 6, "intermediate_size": 80},
    "many heads, two kv heads": {"hidden_size": 64, "num_heads": 8, "num_kv_heads": 2},
    "qk_norm": {"qk_norm": True},
    "qk_norm, one kv head": {"qk_norm": True, "num_kv_heads": 2},
    "tied": {"tied_embeddings": True},
    "rotary_fraction": {"rotary_fraction": 0.5},
    "unit_stream": {"unit_stream": False},
    "t5, two kv heads": {"position": "t5", "num_kv_heads": 2},
    "alibi, tied, parallel": {"position": "alibi", "tied_embeddings": True, "residual": "parallel"},
    "no norm, scaled": {"norm": "none", "residual": "scaled"},
    "dyt, sinusoidal": {"norm": "dyt", "position": "sinusoidal"},
    "rwkv7, five layers, two attention": {"mixer": "rwkv7", "num_layers": 5, "attention_every": 2},
    "deepnorm, layernorm, learned": {"residual": "deepnorm", "norm": "layernorm", "position": "learned"},
}


def choices() -> dict[str, ModelSpec]:
    """Every name of every registry, one at a time, hybrids of every mixer with attention, and options."""
    found = {
        f"{field} {name}": BASE.replace(**{field: name}) for field, registry in WALKED.items() for name in registry
    }
    found |= {f"hybrid {name}": BASE.replace(mixer=name, attention_every=2) for name in MIXERS if name != "attention"}
    return found | {name: BASE.replace(**options) for name, options in OPTIONS.items()}


CHOICES = choices()
each = pytest.mark.parametrize("model", CHOICES.values(), ids=CHOICES.keys())


def build(model: ModelSpec, seed: int = 0, **options) -> GPT:
    with world(ParallelSpec(), torch.device("cpu")) as one:
        return build_gpt(model, one, seed=seed, **options)


def batch(model: ModelSpec, rows: int = 4) -> dict[str, torch.Tensor]:
    tokens = torch.randint(0, model.vocab_size, (rows, model.seq_len + 1), generator=torch.Generator().manual_seed(1))
    return {"input_ids": tokens[:, :-1], "label_ids": tokens[:, 1:]}

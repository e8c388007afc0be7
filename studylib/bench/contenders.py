"""What is timed against what: this engine, Hugging Face transformers, and the same GPT in plain PyTorch.

The plain GPT shares this engine's attention, so what differs is nanotron alone.

Each contender is a function that makes one optimizer step on a batch [rows, seq_len + 1] and returns the loss.
All do the same work: forward, backward, clipping at norm 1, AdamW.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.attention import causal_attention
from studylib.choices.position._rope import rotary_tables, rotate
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.rows import Batch
from studylib.spec import ComputeSpec, DataSpec, ModelSpec, ParallelSpec, TokenizerSpec, TrialSpec
from studylib.train.compute import Compute, resolve
from studylib.train.optimizer import build_optimizer
from studylib.train.passes import Passes

Step = Callable[[np.ndarray], torch.Tensor]
LEARNING_RATE = 1e-3


def this_engine(model: ModelSpec, dtype: str, compiled: bool) -> Step:
    """A step exactly as the trainer makes it."""
    spec = TrialSpec(
        model=model, data=DataSpec(tokenizer=TokenizerSpec(vocab_size=model.vocab_size)), train_steps=1,
        compute=ComputeSpec(dtype=dtype, compile="layer" if compiled else "none"),
    )  # fmt: skip
    compute: Compute = resolve(spec)
    with world(ParallelSpec(), compute.torch_device) as one:
        gpt = build_gpt(model, one, seed=0, execution=compute.execution)
        optimizer = build_optimizer(gpt, spec, one)
    passes = Passes(gpt, one, pipeline_engine("1f1b"), compute, 1.0)

    def step(rows: np.ndarray) -> torch.Tensor:
        loss, _ = passes(Batch(rows), len(rows))
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


def _plain_loop(model: nn.Module, loss_of: Callable, dtype: str) -> Step:
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.1, fused=True)

    def step(rows: np.ndarray) -> torch.Tensor:
        tokens = torch.from_numpy(rows).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = loss_of(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step


def transformers_llama(model: ModelSpec, dtype: str, compiled: bool) -> Step:
    """Hugging Face's Llama of the same shape in a plain loop, as its users would write it (SDPA attention)."""
    import transformers

    config = transformers.LlamaConfig(
        hidden_size=model.hidden_size, intermediate_size=model.ffn_size, num_hidden_layers=model.num_layers,
        num_attention_heads=model.num_heads, num_key_value_heads=model.kv_heads, vocab_size=model.vocab_size,
        max_position_embeddings=model.seq_len, tie_word_embeddings=False, use_cache=False,
        attn_implementation="sdpa",
    )  # fmt: skip
    torch.manual_seed(0)
    llama = transformers.LlamaForCausalLM(config).to("cuda" if torch.cuda.is_available() else "cpu").train()
    called = torch.compile(llama) if compiled else llama

    def loss_of(inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        # its own loss, told that the labels are already shifted
        return called(input_ids=inputs, labels=labels, shift_labels=labels).loss

    return _plain_loop(llama, loss_of, dtype)


class _PlainLayer(nn.Module):
    def __init__(self, model: ModelSpec):
        super().__init__()
        self.heads, self.head_dim = model.num_heads, model.head_dim
        hidden = model.hidden_size
        self.norm_1, self.norm_2 = nn.RMSNorm(hidden, eps=1e-6), nn.RMSNorm(hidden, eps=1e-6)
        self.qkv, self.out = nn.Linear(hidden, 3 * hidden, bias=False), nn.Linear(hidden, hidden, bias=False)
        self.gate_up = nn.Linear(hidden, 2 * model.ffn_size, bias=False)
        self.down = nn.Linear(model.ffn_size, hidden, bias=False)
        cos, sin = rotary_tables(model.seq_len, model.head_dim)
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, hidden = x.shape
        qkv = self.qkv(self.norm_1(x)).view(batch, length, 3, self.heads, self.head_dim)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind()
        cos, sin = self.cos.to(query.dtype), self.sin.to(query.dtype)
        mixed = causal_attention(rotate(query, cos, sin), rotate(key, cos, sin), value)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, hidden))
        gate, up = self.gate_up(self.norm_2(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class _PlainGPT(nn.Module):
    def __init__(self, model: ModelSpec):
        super().__init__()
        self.embedding = nn.Embedding(model.vocab_size, model.hidden_size)
        self.layers = nn.ModuleList(_PlainLayer(model) for _ in range(model.num_layers))
        self.norm = nn.RMSNorm(model.hidden_size, eps=1e-6)
        self.head = nn.Linear(model.hidden_size, model.vocab_size, bias=False)

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        x = self.embedding(inputs)
        for layer in self.layers:
            x = layer(x)
        return F.cross_entropy(self.head(self.norm(x)).float().flatten(0, 1), labels.flatten())


def plain_pytorch(model: ModelSpec, dtype: str, compiled: bool) -> Step:
    """The same GPT without nanotron, compiled whole."""
    torch.manual_seed(0)
    gpt = _PlainGPT(model).to("cuda" if torch.cuda.is_available() else "cpu")
    return _plain_loop(gpt, torch.compile(gpt) if compiled else gpt, dtype)


CONTENDERS: dict[str, Callable[[ModelSpec, str, bool], Step]] = {
    "studylib": this_engine,
    "transformers": transformers_llama,
    "plain PyTorch": plain_pytorch,
}

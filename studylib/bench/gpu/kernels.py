"""Kernels against their twins on the CPU in double precision: forward, gradients, and milliseconds for both ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch._dynamo
from torch.nn import functional as F

from studylib.bench.gpu.clock import milliseconds
from studylib.bench.gpu.parts import Record, Setting, attempt
from studylib.choices.attention import causal_attention
from studylib.choices.mixer._delta import delta_rule
from studylib.choices.mixer._fla import problem, use_fla
from studylib.choices.mixer._linear import linear_attention
from studylib.choices.pattern import Pattern
from studylib.model.moe.dispatch import block_products, grouped_products
from studylib.registry import ATTENTION_BACKENDS, ATTENTION_PATTERNS
from studylib.spec import ModelSpec

# Relative to the norm of what is right, whose operands were rounded alike: bf16 products of bf16 operands are off by less.
TOLERANCES = {torch.bfloat16: 2e-2, torch.float32: 2e-3}
_KERNELS_ROUND_MORE = 2e-2  # Triton multiplies fp32 in tf32
_HALF_ONLY = ("flash_attn", "sdpa_flash", "sdpa_cudnn")
Call = Callable[..., torch.Tensor]


def records(setting: Setting) -> Iterator[Record]:
    half, single = TOLERANCES
    yield from _attention(setting, half)
    yield from _experts(setting)
    yield from _recurrent(setting)
    yield from _attention(setting, single)


@dataclass(frozen=True)
class Twin:
    """What is right: outputs and gradients on the CPU in fp64, and the direction that the gradients were taken in."""

    inputs: Sequence[torch.Tensor]
    rows: int | None
    output: torch.Tensor
    direction: torch.Tensor
    gradients: Sequence[torch.Tensor]

    @classmethod
    def of(cls, call: Call, inputs: Sequence[torch.Tensor], *, rows: int | None = None) -> Twin:
        """``inputs`` lie on the CPU, rounded to the type that is to be compared.

        ``rows``: only so many of the first dimension are computed here, in which each must stand for itself.
        """
        exact = [one[:rows].double().requires_grad_() for one in inputs]
        output = call(*exact)
        direction = torch.randn(output.shape, generator=torch.Generator().manual_seed(1)).to(inputs[0].dtype)
        gradients = torch.autograd.grad(output, exact, direction.double())
        return cls(inputs, rows, output.detach(), direction, gradients)


def compared(ours: Call, twin: Twin, device: str, *, tolerance: float | None = None) -> Record:
    """Relative errors of ``ours`` on the device, and its milliseconds; ``tolerance`` left out is that of the inputs' type."""
    here = [one.to(device).requires_grad_() for one in twin.inputs]
    output, rows = ours(*here), twin.rows
    aimed = torch.ones_like(output)
    aimed[:rows] = twin.direction.to(aimed)

    def both_ways() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(ours(*here), here, aimed)

    errors = [_error(one[:rows], right) for one, right in zip(both_ways(), twin.gradients, strict=True)]
    error, limit = _error(output[:rows], twin.output), tolerance or TOLERANCES[twin.inputs[0].dtype]
    with torch.no_grad():
        forward = milliseconds(lambda: ours(*here), device)
    return {
        "ok": all(one <= limit for one in (error, *errors)), "forward_error": error, "gradient_error": max(errors),
        "forward_ms": forward, "both_ways_ms": milliseconds(both_ways, device),
    }  # fmt: skip


def _error(ours: torch.Tensor, expected: torch.Tensor) -> float:
    """Infinite where something is not a number."""
    error = ((ours.detach().cpu().double() - expected).norm() / expected.norm()).item()
    return math.inf if math.isnan(error) else error


def _patterns(setting: Setting) -> dict[str, dict[str, int]]:
    window = 16 if setting.small else 256
    return {
        "dense": {},
        "sliding_window": {"window": window},
        "dilated": {"window": window, "dilation": 4},
        "strided": {"window": window, "stride": window // 4},
        "bigbird": {"window": window, "random_blocks": 2, "global_tokens": window // 4},
    }


def _attention(setting: Setting, dtype: torch.dtype) -> Iterator[Record]:
    batch, heads, kv_heads, length, head_dim = (2, 4, 2, 96, 8) if setting.small else (8, 16, 4, 2048, 64)
    inputs = _draw(dtype, *((batch, one, length, head_dim) for one in (heads, kv_heads, kv_heads)))
    shape = ModelSpec(num_layers=1, hidden_size=64, num_heads=1, vocab_size=512, seq_len=length)
    for kind, options in _patterns(setting).items():
        pattern: Pattern = ATTENTION_PATTERNS[kind](shape.replace(attention_pattern=kind, **options))
        twin = Twin.of(partial(causal_attention, pattern=pattern, backend="math"), inputs, rows=1)
        for name in ATTENTION_BACKENDS:
            place = f"attention {kind}, {name}, {str(dtype).removeprefix('torch.')}"
            if why := _unusable(name, pattern, setting.device, dtype):
                yield {"name": place, "skipped": why}
                continue
            ours = partial(causal_attention, pattern=pattern, backend=name)
            yield attempt(place, partial(compared, ours, twin, setting.device))
            torch._dynamo.reset()  # FlexAttention is compiled for each pattern; beyond eight dynamo would give up


def _unusable(name: str, pattern: Pattern, device: str, dtype: torch.dtype) -> str:
    if device == "cuda" and dtype == torch.float32 and name in _HALF_ONLY:
        return "computes in half precision only"
    if device == "cpu" and name == "flex":
        return "has no backward pass on a CPU"
    return ATTENTION_BACKENDS[name]().problem(device, pattern=pattern)


def _experts(setting: Setting) -> Iterator[Record]:
    """Grouped products and the loop over experts; one expert gets no row."""
    experts, rows, width = (4, 48, 16) if setting.small else (16, 32_768, 1024)
    counts = torch.bincount(
        torch.randint(1, experts, (rows,), generator=torch.Generator().manual_seed(0)), minlength=experts
    )
    ends, sizes = counts.cumsum(0).to(torch.int32), counts.tolist()
    inputs = [*_draw(torch.bfloat16, (rows, width)), _draw(torch.bfloat16, (experts, 2 * width, width))[0] / width**0.5]

    ends = ends.to(setting.device)
    loop, grouped = partial(block_products, counts=sizes), partial(grouped_products, ends=ends)
    twin = Twin.of(loop, inputs)
    yield attempt("experts, loop, bfloat16", partial(compared, loop, twin, setting.device))
    yield attempt("experts, grouped, bfloat16", partial(compared, grouped, twin, setting.device))


def _recurrent(setting: Setting) -> Iterator[Record]:
    """The cores of Mamba-2, RetNet and RWKV-7: torch's way and fla's kernels."""
    batch, length, heads, size = (2, 40, 2, 8) if setting.small else (8, 2048, 8, 64)
    draw = torch.Generator().manual_seed(0)

    def normal() -> torch.Tensor:
        return torch.randn(batch, length, heads, size, generator=draw)

    kappa, rate = F.normalize(normal(), dim=-1), torch.sigmoid(normal())
    decay = -torch.rand(batch, length, heads, generator=draw)
    cores = {
        "linear attention": (linear_attention, [normal(), normal(), normal(), decay]),
        "delta rule": (
            delta_rule,
            [normal(), -math.exp(-0.5) * torch.sigmoid(normal()), normal() / 4, normal(), -kappa, kappa * rate],
        ),
    }
    for name, (core, inputs) in cores.items():
        twin = Twin.of(core, inputs, rows=1)
        yield attempt(f"{name}, torch", partial(compared, core, twin, setting.device))
        if why := problem(core.__name__) if setting.device == "cuda" else "runs on a GPU only":
            yield {"name": f"{name}, fla", "skipped": why}
            continue
        for half in (False, True):
            place = f"{name}, fla, {'bfloat16' if half else 'float32'}"
            yield attempt(place, partial(_by_fla, core, twin, half))


def _by_fla(core: Call, twin: Twin, half: bool) -> Record:
    """``half``: under autocast, as the mixers call it."""

    def ours(*tensors: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cuda", torch.bfloat16, enabled=half):
            return core(*tensors)

    use_fla(True)
    try:
        return compared(ours, twin, "cuda", tolerance=_KERNELS_ROUND_MORE)
    finally:
        use_fla(False)


def _draw(dtype: torch.dtype, *shapes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]

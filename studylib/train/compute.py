"""Where and how a trial computes: ``auto`` resolved by device and size."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from studylib.choices.attention import check_backend
from studylib.choices.execution import BF16_MIN_HIDDEN_SIZE, Execution
from studylib.choices.mixer._fla import use_fla
from studylib.errors import invalid
from studylib.model.cost import training_flops
from studylib.registry import ATTENTION_PATTERNS, MIXERS, OBJECTIVES
from studylib.spec import ComputeSpec, TrialSpec

# Measured on two AVX-512 cores: compiling (about 10 s a process) is repaid when a trial is longer than this many FLOPs.
COMPILE_MIN_FLOPS = 1e13
# A step of fewer FLOPs keeps a GPU busy for less time than its kernels take to be launched one by one, so it is recorded.
GRAPH_MAX_STEP_FLOPS = 3e11


@dataclass(frozen=True)
class Compute:
    """A resolved ComputeSpec: torch names instead of ``auto``."""

    device: str
    dtype: str
    compile: str
    threads: int
    attention: str = "auto"
    cross_entropy: str = "plain"
    recompute: str = "none"
    fused_optimizer: bool = True
    keep_memory: bool = False
    mixer_kernels: str = "torch"

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.device)

    def autocast(self) -> torch.autocast:
        """bf16 products over fp32 weights; does nothing for float32 and float64."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.dtype == "bfloat16")

    @property
    def execution(self) -> Execution:
        weights = "float64" if self.dtype == "float64" else "float32"
        return Execution(self.attention, self.cross_entropy, self.recompute, self.compile, weights)

    def as_dict(self) -> dict:
        return asdict(self)


def has_fast_bf16(device: str) -> bool:
    """Whether bf16 matrix products run in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _worth_compiling(spec: TrialSpec, device: str) -> str:
    flops = training_flops(spec) / spec.parallel.world_size
    if device == "cuda" and spec.parallel.world_size == 1 and flops / spec.train_steps <= GRAPH_MAX_STEP_FLOPS:
        return "graph"
    return "layer" if flops >= COMPILE_MIN_FLOPS else "none"


def resolve(spec: TrialSpec) -> Compute:
    """Choose device, precision and compilation for a trial.

    Raises
    ------
    StudyError
        CUDA is asked for and there is none, or a back-end or kernels are asked for that cannot run here.
    """
    asked: ComputeSpec = spec.compute
    cuda = torch.cuda.is_available()
    if asked.device == "cuda" and not cuda:
        raise invalid("compute.device", "cuda", "was asked for but torch sees no CUDA device", choices=["auto", "cpu"])
    device = ("cuda" if cuda else "cpu") if asked.device == "auto" else asked.device
    dtype = asked.dtype
    if dtype == "auto":
        wide = spec.model.hidden_size >= BF16_MIN_HIDDEN_SIZE or device == "cuda"
        dtype = "bfloat16" if wide and has_fast_bf16(device) else "float32"
    compiled = asked.compile
    if compiled == "auto":
        compiled = _worth_compiling(spec, device)
    elif compiled == "graph" and (device != "cuda" or spec.parallel.world_size > 1):
        where = f"{device}, {spec.parallel.world_size} processes"
        raise invalid(
            "compute.compile", "graph", f"serves one process on a GPU, not {where}", choices=["layer", "none"]
        )
    if asked.mixer_kernels == "fla" and device != "cuda":
        raise invalid("compute.mixer_kernels", "fla", f"does not run on {device}", choices=["torch"])
    mixers = {spec.model.mixer_of_layer(layer) for layer in range(spec.model.num_layers)}
    use_fla(asked.mixer_kernels == "fla", *(MIXERS[name].fla_core for name in sorted(mixers)))
    objective = OBJECTIVES[spec.objective.name](spec.objective)
    check_backend(
        asked.attention, device, prefix_len=objective.prefixes, begin=objective.packs,
        pattern=ATTENTION_PATTERNS[spec.model.attention_pattern](spec.model),
    )  # fmt: skip
    cross_entropy = asked.cross_entropy
    if cross_entropy == "auto":
        # Compiled, a CPU takes 6 % less time for a step in chunks, since the logits stay in its cache; eager, 4 % more. On a
        # GPU the memory counts.
        cross_entropy = "chunked" if compiled == "layer" or device == "cuda" else "plain"
    return Compute(
        device=device, dtype=dtype, compile=compiled, threads=torch.get_num_threads(), attention=asked.attention,
        cross_entropy=cross_entropy, recompute=asked.recompute, fused_optimizer=asked.fused_optimizer,
        mixer_kernels=asked.mixer_kernels, keep_memory=device == "cpu" and asked.keep_memory,
    )  # fmt: skip

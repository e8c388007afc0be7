"""Nanotron, as this project uses it: the only file that knows its quirks.

Everyone else takes nanotron's names from here. What is mended, without touching the installed package:

- nanotron 0.4 as published does not import (``nanotron.logging`` and ``nanotron.config`` need each other);
  importing ``nanotron.logging`` once against a placeholder configuration module resolves it.
- Its ParallelContext wants CUDA and NCCL; torch.distributed is initialised here instead (gloo on a CPU,
  NCCL on a GPU) and the context's ``set_device`` does nothing.
- It reads WORLD_SIZE and RANK from the environment even for one process.
- Its tensor-parallel layers and pipeline blocks do their bookkeeping for one process too, in Python and once more in the backward
  pass: a sixth of a step of a tiny model. Alone in their group they are plain products, lookups and calls here.

And one of gloo: it listens at the address that the machine's own name has, which on a cluster may be none, or one that other
nodes do not see. It is told the interface over which rank 0 is reached instead.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as torch_distributed
from torch.nn import functional as F

from studylib.environment import environment_with
from studylib.errors import invalid
from studylib.network import interface_towards

if TYPE_CHECKING:
    from studylib.spec import ParallelSpec

# Nanotron's column-parallel layers assert this on a GPU; it must be set before CUDA starts.
os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "1")


def _import_nanotron_logging() -> None:
    if "nanotron.logging" in sys.modules:
        return
    try:
        importlib.import_module("nanotron.logging")  # a version without the cycle
        return
    except ImportError:
        for name in [name for name in sys.modules if name.split(".")[0] == "nanotron"]:
            del sys.modules[name]
    if importlib.util.find_spec("nanotron") is None:
        raise ImportError("nanotron is not installed; install the pinned requirements (make setup)")
    package, module = types.ModuleType("nanotron.config"), types.ModuleType("nanotron.config.config")
    package.__path__ = []
    module.LoggingArgs = object  # only an annotation there
    sys.modules[package.__name__], sys.modules[module.__name__] = package, module
    try:
        importlib.import_module("nanotron.logging")
    finally:
        del sys.modules[package.__name__], sys.modules[module.__name__]


_import_nanotron_logging()

import nanotron.config  # noqa: E402, F401  (must come right after the mend)
from nanotron import distributed as dist  # noqa: E402
from nanotron.models.base import NanotronModel, build_model  # noqa: E402
from nanotron.optim.named_optimizer import NamedOptimizer  # noqa: E402
from nanotron.optim.zero import ZeroDistributedOptimizer  # noqa: E402
from nanotron.parallel import ParallelContext  # noqa: E402
from nanotron.parallel.data_parallel.utils import sync_gradients_across_dp  # noqa: E402
from nanotron.parallel.parameters import NanotronParameter, SlicesPair, sanity_check  # noqa: E402
from nanotron.parallel.pipeline_parallel.block import PipelineBlock as _PipelineBlock  # noqa: E402
from nanotron.parallel.pipeline_parallel.engine import (  # noqa: E402
    AllForwardAllBackwardPipelineEngine,
    OneForwardOneBackwardPipelineEngine,
    PipelineEngine,
)
from nanotron.parallel.pipeline_parallel.p2p import P2P  # noqa: E402
from nanotron.parallel.pipeline_parallel.tensor_pointer import TensorPointer  # noqa: E402
from nanotron.parallel.sharded_parameters import SplitConfig, create_sharded_parameter_from_config  # noqa: E402
from nanotron.parallel.tensor_parallel.distributed_differentiable_primitives import (  # noqa: E402
    differentiable_all_reduce_sum as _all_reduce_sum,
)
from nanotron.parallel.tensor_parallel.distributed_differentiable_primitives import (  # noqa: E402
    differentiable_identity as _identity,
)
from nanotron.parallel.tensor_parallel.enum import TensorParallelLinearMode  # noqa: E402
from nanotron.parallel.tensor_parallel.functional import sharded_cross_entropy  # noqa: E402
from nanotron.parallel.tensor_parallel.nn import TensorParallelColumnLinear as _ColumnLinear  # noqa: E402
from nanotron.parallel.tensor_parallel.nn import TensorParallelEmbedding as _Embedding  # noqa: E402
from nanotron.parallel.tensor_parallel.nn import TensorParallelRowLinear as _RowLinear  # noqa: E402
from nanotron.parallel.tied_parameters import (  # noqa: E402
    create_pg_for_tied_weights,
    sync_tied_weights_gradients,
    tie_parameters,
)
from nanotron.serialize.metadata import TensorMetadata  # noqa: E402
from nanotron.serialize.weights import load_sharded_param_latest, load_weights, save_weights  # noqa: E402
from safetensors import safe_open  # noqa: E402

__all__ = [
    "NamedOptimizer", "NanotronModel", "NanotronParameter", "P2P", "ParallelContext", "PipelineBlock", "PipelineEngine",
    "SlicesPair", "TP_MODE", "TensorParallelColumnLinear", "TensorParallelEmbedding", "TensorParallelLinearMode",
    "TensorParallelRowLinear", "TensorPointer", "World", "ZeroDistributedOptimizer", "build_model",
    "differentiable_all_reduce_sum", "differentiable_identity", "dist", "load_model_weights", "mark_replicated_parameters",
    "pipeline_engine", "sanity_check", "save_model_weights", "sharded_cross_entropy", "split_parameter",
    "sum_gradient_over_tp", "sync_gradients_across_dp", "sync_tied_weights_gradients", "tie_across_pipeline",
    "use_plain_shapes", "world", "world_without_others",
]  # fmt: skip

# The only tensor-parallel mode that needs no special handling of norms (their inputs stay replicated).
TP_MODE = TensorParallelLinearMode.ALL_REDUCE


class TensorParallelColumnLinear(_ColumnLinear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight, self.bias) if self.world_size == 1 else super().forward(x)


class TensorParallelRowLinear(_RowLinear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight, self.bias) if self.world_size == 1 else super().forward(x)


class TensorParallelEmbedding(_Embedding):
    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return F.embedding(input_ids, self.weight) if self.world_size == 1 else super().forward(input_ids)


class PipelineBlock(_PipelineBlock):
    def forward(self, **inputs: Any) -> dict[str, Any]:
        return self.pp_block(**inputs) if self.p2p.pg.size() == 1 else super().forward(**inputs)


def differentiable_identity(tensor: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """``tensor``, whose gradient is summed over ``group``."""
    return tensor if group.size() == 1 else _identity(tensor, group)


def differentiable_all_reduce_sum(tensor: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """``tensor`` summed over ``group``, whose gradient is passed on as it is."""
    return tensor if group.size() == 1 else _all_reduce_sum(tensor, group)


class _Context(ParallelContext):
    """Process groups without CUDA: the device is chosen by ``world`` before."""

    def set_device(self) -> None:
        """Done by ``world``."""


@dataclass(frozen=True)
class World:
    """The process groups of one layout and this process's place in them."""

    context: ParallelContext
    device: torch.device
    expert_parallel: bool = False

    @cached_property
    def dp_rank(self) -> int:
        return dist.get_rank(self.context.dp_pg)

    @cached_property
    def tp_rank(self) -> int:
        return dist.get_rank(self.context.tp_pg)

    @cached_property
    def pp_rank(self) -> int:
        return dist.get_rank(self.context.pp_pg)

    @cached_property
    def dp(self) -> int:
        return self.context.dp_pg.size()

    @cached_property
    def tp(self) -> int:
        return self.context.tp_pg.size()

    @cached_property
    def pp(self) -> int:
        return self.context.pp_pg.size()

    @cached_property
    def rank(self) -> int:
        return dist.get_rank(self.context.world_pg)

    @cached_property
    def size(self) -> int:
        return self.context.world_pg.size()

    @property
    def is_main(self) -> bool:
        """Rank 0 writes what is written once."""
        return self.rank == 0

    def barrier(self) -> None:
        if self.size > 1:
            torch_distributed.barrier(group=self.context.world_pg)


_one_process: World | None = None


@contextlib.contextmanager
def world(layout: ParallelSpec, device: torch.device) -> Iterator[World]:
    """The process groups for ``layout``, started if need be and closed after.

    One process needs no launcher and no port; its world is kept for the next trial of the same process,
    since starting one costs more than a step of a tiny model. Several processes are expected to have been
    started by torchrun or Slurm, on one node or on several.

    Raises
    ------
    StudyError
        The number of processes is not dp * tp * pp.
    """
    global _one_process
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if layout.world_size != processes:
        raise invalid(
            "parallel", f"dp {layout.dp} x tp {layout.tp} x pp {layout.pp}",
            f"needs {layout.world_size} processes but {processes} run; start with torchrun --nproc_per_node {layout.world_size}",
        )  # fmt: skip
    backend, bound = "gloo", None
    if device.type == "cuda":
        # Where Slurm shows each process its own card only, that one is card 0 for all of them.
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % max(1, torch.cuda.device_count()))
        torch.cuda.set_device(device)
        # Told its device, NCCL need not guess it from the rank, which hangs where ranks lie otherwise on the cards.
        backend, bound = "nccl", device
    if processes == 1:
        if _one_process is None or _one_process.device != device:
            if torch_distributed.is_initialized():
                torch_distributed.destroy_process_group()
            torch_distributed.init_process_group(
                backend, store=torch_distributed.HashStore(), rank=0, world_size=1, device_id=bound
            )
            with environment_with(WORLD_SIZE="1", RANK="0"):
                _one_process = World(_Context(1, 1, 1), device)
        yield _one_process
        return
    with environment_with(**_gloo_interface() if backend == "gloo" else {}):
        torch_distributed.init_process_group(backend, timeout=timedelta(minutes=10), device_id=bound)
        try:
            yield World(_Context(layout.tp, layout.pp, layout.dp), device, layout.expert_parallel)
        finally:
            torch_distributed.destroy_process_group()


def _gloo_interface() -> dict[str, str]:
    """``GLOO_SOCKET_IFNAME``, unless someone gave it or nobody was told where rank 0 is."""
    first = os.environ.get("MASTER_ADDR")
    if first is None or "GLOO_SOCKET_IFNAME" in os.environ:
        return {}
    remote = os.environ.get("LOCAL_WORLD_SIZE") != os.environ.get("WORLD_SIZE")
    interface = interface_towards(first, remote=remote)
    return {} if interface is None else {"GLOO_SOCKET_IFNAME": interface}


@contextlib.contextmanager
def world_without_others(layout: ParallelSpec, rank: int, device: torch.device) -> Iterator[World]:
    """The place of ``rank`` in a world of which no other process exists.

    Nothing is sent, so what is computed there is wrong; but what is built there is what that rank would build, and on the meta device
    it takes no memory. For a process that does nothing else: process groups belong to the whole process.
    """
    from torch.testing._internal.distributed.fake_pg import FakeStore  # also makes the back-end known

    torch_distributed.init_process_group("fake", store=FakeStore(), rank=rank, world_size=layout.world_size)
    try:
        with environment_with(WORLD_SIZE=str(layout.world_size), RANK=str(rank)):
            context = _Context(layout.tp, layout.pp, layout.dp)
        yield World(context, device, layout.expert_parallel)
    finally:
        torch_distributed.destroy_process_group()


def split_parameter(
    local: torch.Tensor, dim: int, tp_pg: dist.ProcessGroup, *, chunks: tuple[int, ...] | None = None
) -> NanotronParameter:
    """A trained parameter whose ``dim`` is split evenly over tensor-parallel ranks; ``local`` has this rank's shape.

    ``chunks`` are sizes along ``dim`` of parts that are split each on its own (a gate and what it gates).
    """
    split = SplitConfig(split_dim=dim, contiguous_chunks=chunks)
    return create_sharded_parameter_from_config(parameter=torch.nn.Parameter(local), pg=tp_pg, split_config=split)


def sum_gradient_over_tp(parameter: torch.nn.Parameter) -> torch.nn.Parameter:
    """Say that ``parameter`` is whole on every tensor-parallel rank but used on that rank's heads only; returns it."""
    parameter.gradient_is_partial = True
    return parameter


def tie_across_pipeline(model: NanotronModel, world: World, first: str, last: str) -> None:
    """Make one parameter of ``first`` (on the first pipeline stage) and ``last`` (on the last), known by the first's name.

    On one stage they become one tensor; on two, each stage keeps a copy and their gradients are summed.
    """
    ranks = world.context.world_rank_matrix[0, :, world.dp_rank, world.tp_rank]
    first_rank, last_rank = int(ranks[model.input_pp_rank]), int(ranks[model.output_pp_rank])
    tie_parameters(
        root_module=model,
        ties=[(first, (first_rank,)), (last, (last_rank,))],
        parallel_context=world.context,
        reduce_op=None if first_rank == last_rank else dist.ReduceOp.SUM,
    )


def mark_replicated_parameters(model: NanotronModel, world: World) -> None:
    """Tell nanotron which parameters (norms) are the same on every tensor-parallel rank.

    Their gradients are already equal there (inputs and output gradients are), so nothing is reduced, except where
    ``sum_gradient_over_tp`` said otherwise; the mark makes the gradient norm count them once and the checkpoint store
    them once.
    """
    ranks = tuple(sorted(torch_distributed.get_process_group_ranks(world.context.tp_pg)))
    for module_name, module in model.named_modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if isinstance(parameter, NanotronParameter) and (parameter.is_sharded or parameter.is_tied):
                continue
            partial = getattr(parameter, "gradient_is_partial", False) and len(ranks) > 1
            tie_parameters(
                root_module=model,
                ties=[(f"{module_name}.{name}", ranks)],
                parallel_context=world.context,
                reduce_op=dist.ReduceOp.SUM if partial else None,
            )
            if hasattr(parameter, "declared"):  # nanotron made a new parameter of it
                getattr(module, name).declared = parameter.declared
    create_pg_for_tied_weights(root_module=model, parallel_context=world.context)


def use_plain_shapes(model: NanotronModel) -> None:
    """Turn numpy integers in the recorded full shapes into Python's.

    nanotron writes the shape's repr into each safetensors header; under numpy 2 that reads ``np.int64(64)``,
    which nanotron itself cannot read back when the topology has changed.
    """
    for parameter in model.parameters():
        if parameter.is_sharded:
            information = parameter.get_sharded_info()
            information.unsharded_shape = tuple(int(size) for size in information.unsharded_shape)


def pipeline_engine(name: str) -> PipelineEngine:
    """``1f1b`` (one forward, one backward) or ``afab`` (all forward, all backward)."""
    return {"1f1b": OneForwardOneBackwardPipelineEngine, "afab": AllForwardAllBackwardPipelineEngine}[name]()


def save_model_weights(model: NanotronModel, world: World, folder) -> None:
    """Nanotron's safetensors layout under ``folder/model``; its progress bar is kept off the trial's log."""
    with open(os.devnull, "w") as quiet, contextlib.redirect_stderr(quiet):
        save_weights(model=model, parallel_context=world.context, root_folder=folder)


def load_model_weights(model: NanotronModel, world: World, folder) -> None:
    """Read ``save_model_weights``'s files, re-cut for this topology where it differs.

    nanotron takes a file of its own rank for its own part; with as many ranks but experts cut another way it is not.
    """
    state = model.state_dict()
    cut_otherwise = {
        name: files
        for name, parameter in model.named_parameters()
        if (files := _files_cut_otherwise(name, parameter, folder))
    }
    rest = {name: tensor for name, tensor in state.items() if name not in cut_otherwise}
    with (
        open(os.devnull, "w") as quiet,
        contextlib.redirect_stderr(quiet),
        _new_tensors_of(next(model.parameters()).dtype),
    ):
        load_weights(model=model, parallel_context=world.context, root_folder=folder, filtered_state_dict=rest)
        for name, files in cut_otherwise.items():
            load_sharded_param_latest(state[name], model.get_parameter(name).get_sharded_info(), files)


@contextlib.contextmanager
def _new_tensors_of(dtype: torch.dtype) -> Iterator[None]:
    """nanotron puts parts together in torch's default type, which would round weights in double precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _files_cut_otherwise(name: str, parameter: NanotronParameter, folder) -> list:
    """The files of a sharded parameter's parts, if none of them is this rank's part."""
    if not parameter.is_sharded or parameter.is_tied:
        return []
    place = folder / "model" / "/".join(name.split(".")[:-1])
    files = sorted(place.glob(f"model_{name.rsplit('.', 1)[-1]}_*.safetensors"))
    mine = parameter.get_sharded_info().local_global_slices_pairs
    for file in files:
        with safe_open(file, framework="pt") as opened:
            if tuple(TensorMetadata.from_str_dict(opened.metadata()).local_global_slices_pairs) == tuple(mine):
                return []
    return files

"""A training step up to the optimizer: forward, backward, gradients reduced and clipped; on a GPU recorded once and replayed.

A step of a tiny model is some hundred kernels of a few microseconds, and launching each costs the processor more than the GPU
needs for it. A CUDA graph (``compute.compile: graph``) launches all of them at once.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import torch

from studylib.model.gpt import GPT
from studylib.parallel import PipelineEngine, World
from studylib.rows import Batch
from studylib.train.compute import Compute
from studylib.train.gradients import clip_gradients, reduce_gradients
from studylib.train.pipeline import backward, training_inputs

_EAGER_FIRST = 2  # steps of a shape before it is recorded: libraries set themselves up in the first
_MOST_GRAPHS = 8  # each keeps its activations; rows of ever new shapes are computed as they come

Inputs = list[dict[str, torch.Tensor | None]]  # of each micro batch, what the model is called with


class Passes:
    """``passes(batch, micro_batch_size)``: the step's mean loss (0-d, fp64) and the norm of its gradients before clipping.

    Gradients are left in the parameters. With ``compute.compile`` ``graph`` both numbers are overwritten by the next call.
    """

    def __init__(self, model: GPT, world: World, engine: PipelineEngine, compute: Compute, max_norm: float):
        self._model, self._world, self._engine, self._compute = model, world, engine, compute
        self._max_norm = max_norm
        self._seen: Counter = Counter()
        self._graphs: dict[tuple, StepGraph] | None = {} if compute.compile == "graph" else None

    def __call__(
        self, batch: Batch, micro_batch_size: int, *, counted: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``batch`` and ``counted`` as for `forward_backward`."""
        cut = training_inputs(self._model, self._world, batch, micro_batch_size, counted=counted)
        count = len(batch) // micro_batch_size
        if self._graphs is None:
            return self._compute_step(cut, count)
        inputs = list(cut)
        shape = tuple(
            (name, None if value is None else tuple(value.shape)) for one in inputs for name, value in one.items()
        )
        self._seen[shape] += 1
        if shape not in self._graphs:
            if self._seen[shape] <= _EAGER_FIRST or len(self._graphs) == _MOST_GRAPHS:
                return self._compute_step(inputs, count)
            try:
                self._graphs[shape] = StepGraph(self._compute_step, inputs, tuple(self._model.parameters()))
            except RuntimeError as error:  # something in the model makes the host wait, or memory is short
                print(f"a step cannot be recorded, so each is launched by itself: {error}", file=sys.stderr)
                self._graphs = None
                self._model.zero_grad()
                return self._compute_step(inputs, count)
        return self._graphs[shape].replay(inputs)

    @property
    def recorded(self) -> bool:
        """Whether steps are replayed from a graph."""
        return bool(self._graphs)

    def _compute_step(self, cut: Iterable[dict], count: int) -> tuple[torch.Tensor, torch.Tensor]:
        loss = backward(self._model, self._world, self._engine, self._compute, cut, count)
        reduce_gradients(self._model, self._world)
        return loss, clip_gradients(self._model, self._world, self._max_norm)


class StepGraph:
    """One step's kernels, recorded without being run.

    Parameters
    ----------
    compute_step
        From the inputs of ``count`` micro batches to tensors, with gradients left in ``parameters``, where none may be before.
    inputs
        What the step is recorded with; what it is replayed with has these shapes.

    Raises
    ------
    RuntimeError
        The step cannot be recorded.
    """

    def __init__(
        self,
        compute_step: Callable[[Inputs, int], tuple[torch.Tensor, torch.Tensor]],
        inputs: Inputs,
        parameters: Sequence[torch.nn.Parameter],
    ):
        self._inputs = [
            {name: value if value is None else value.clone() for name, value in one.items()} for one in inputs
        ]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._found = compute_step(self._inputs, len(inputs))
        # The graph writes to these and nowhere else; an optimizer drops them from the parameters after each step.
        self._gradients = [(one, one.grad) for one in parameters if one.grad is not None]

    def replay(self, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
        for mine, given in zip(self._inputs, inputs, strict=True):
            for name, value in given.items():
                if value is not None:
                    mine[name].copy_(value)
        self._graph.replay()
        for parameter, gradient in self._gradients:
            parameter.grad = gradient
        return self._found

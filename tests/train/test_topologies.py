"""Data, tensor and pipeline parallelism and ZeRO-1 change where numbers are computed, not the numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from several import SHARP, STEPS, compared, numbers, on_processes, stopped_before_the_end, train_all

from studylib.files import write_text
from studylib.model.stages import pipeline_stages
from studylib.recipe.cost import tensor_bytes
from studylib.recipe.rank_memory import rank_memory
from studylib.spec import ParallelSpec, TrialSpec
from studylib.train import train

LAYOUTS = {
    "dp2": {"dp": 2},
    "tp2": {"tp": 2},
    "pp2": {"pp": 2},
    "dp2-zero1": {"dp": 2, "zero_stage": 1},
    "tp2-dp2-zero1": {"tp": 2, "dp": 2, "zero_stage": 1},
    "tp2-pp2": {"tp": 2, "pp": 2},
    "pp2-afab": {"pp": 2, "pp_engine": "afab"},
}
RECUT = {"dp": 2, "zero_stage": 1}


def on(spec: TrialSpec, **layout) -> TrialSpec:
    return spec.replace(parallel=ParallelSpec(**layout))


@pytest.fixture(scope="module")
def plain(tiny_trial) -> TrialSpec:
    return compared(tiny_trial)


@pytest.fixture(scope="module")
def choices(plain) -> TrialSpec:
    """Tables split by head, weights shared by heads, learned scales, and one table on two stages at once."""
    changes = {"position": "t5", "qk_norm": True, "tied_embeddings": True, "residual": "scaled"}
    return plain.replace(model=plain.model.replace(**changes))


@pytest.fixture(scope="module")
def trained(plain, choices, data_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("layouts")
    trials = {out / "one": plain, out / "choices": choices, out / "choices-tp2-pp2": on(choices, tp=2, pp=2)}
    train_all(trials | {out / name: on(plain, **layout) for name, layout in LAYOUTS.items()}, data_folder)
    return out


@pytest.fixture(scope="module")
def recut(trained, plain, choices, data_folder, tmp_path_factory) -> Path:
    """Checkpoints of four processes, gone on from by two that cut the model and its state another way."""
    out = tmp_path_factory.mktemp("recut")
    trials = {
        stopped_before_the_end(trained / "tp2-pp2", out / "plain"): on(plain, **RECUT),
        stopped_before_the_end(trained / "choices-tp2-pp2", out / "choices"): on(choices, **RECUT),
    }
    train_all(trials, data_folder)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_numbers_as_one_process(layout, trained):
    expected, got = numbers(trained / "one"), numbers(trained / layout)
    assert len(got) == 2 * STEPS + 1
    assert got == pytest.approx(expected, rel=SHARP)
    assert expected[0] - expected[-1] > 0.2, "the loss must fall for the comparison to mean anything"


@pytest.mark.slow
def test_checkpoint_of_several_processes_loads_on_one(trained, plain, data_folder, tmp_path):
    out = stopped_before_the_end(trained / "tp2-dp2-zero1", tmp_path / "gathered")
    train(plain, out, data_folder=data_folder)
    assert numbers(out) == pytest.approx(numbers(trained / "one"), rel=SHARP)


@pytest.mark.slow
def test_checkpoint_loads_on_another_topology(recut, trained):
    assert numbers(recut / "plain") == pytest.approx(numbers(trained / "one"), rel=SHARP)


@pytest.mark.slow
def test_checkpoint_of_other_choices_loads_on_another_topology(recut, trained):
    expected = numbers(trained / "choices")
    assert numbers(trained / "choices-tp2-pp2") == pytest.approx(expected, rel=SHARP)
    assert numbers(recut / "choices") == pytest.approx(expected, rel=SHARP)


def reduced(specs: list[TrialSpec], out: Path) -> None:
    """Write the bytes of all tensors that are all-reduced in one step's passes, by trial and in order: tensor-parallel ranks', then replicas'."""
    import torch

    from studylib.data import random_rows
    from studylib.model.gpt import build_gpt
    from studylib.parallel import dist, pipeline_engine, world
    from studylib.train.compute import resolve
    from studylib.train.gradients import reduce_gradients
    from studylib.train.pipeline import forward_backward

    sizes, reduce = [0], dist.all_reduce

    def counting(tensor: torch.Tensor, *arguments, **named):
        sizes[-1] += tensor.nbytes
        return reduce(tensor, *arguments, **named)

    dist.all_reduce, found = counting, []
    for spec in specs:
        compute = resolve(spec)
        with world(spec.parallel, compute.torch_device) as one:
            gpt, batch = build_gpt(spec.model, one, seed=0, execution=compute.execution), random_rows(spec)
            own = batch.rows(0, len(batch) // spec.parallel.dp)
            sizes[:] = [0]
            forward_backward(gpt, one, pipeline_engine("1f1b"), compute, own, spec.micro_batch_size)
            sizes.append(0)
            reduce_gradients(gpt, one)
            found.append([*sizes, sum(parameter.numel() for parameter in gpt.parameters())])
            rank = one.rank
    write_text(out / f"{rank}.json", json.dumps(found))


@pytest.mark.slow
def test_what_ranks_send_each_other_is_what_the_recipe_counts(tiny_trial, tmp_path):
    """The sizes of the tensors, under autocast as on a GPU; how often a ring sends them is arithmetic."""
    bf16 = tiny_trial.replace(**{"compute.dtype": "bfloat16"})
    tensor = on(bf16, tp=2, micro_batch_size=4)
    cases = [tensor.replace(**{"compute.cross_entropy": name}) for name in ("plain", "chunked")]
    cases.append(cases[0].replace(**{"compute.recompute": "layer"}))
    replicas = on(bf16, dp=2)
    on_processes(2, reduced, [*cases, replicas], tmp_path)
    for rank in (0, 1):
        *with_tensor, (_, gradients, parameters) = json.loads((tmp_path / f"{rank}.json").read_text())
        assert gradients == 4 * parameters
        for spec, (passes, _, _) in zip(cases, with_tensor, strict=True):
            (stage,) = pipeline_stages(spec.model, 1)
            assert passes == 2 * tensor_bytes(spec, stage), "two micro batches"


def peaks(spec: TrialSpec, out: Path) -> None:
    """Write the most bytes that this rank holds at once during one step's passes, beside its weights."""
    from allocated import Allocated

    from studylib.data import random_rows
    from studylib.model.gpt import build_gpt
    from studylib.parallel import pipeline_engine, world
    from studylib.train.compute import resolve
    from studylib.train.pipeline import forward_backward

    compute = resolve(spec)
    with world(spec.parallel, compute.torch_device) as one:
        gpt, batch = build_gpt(spec.model, one, seed=0, execution=compute.execution), random_rows(spec)
        engine = pipeline_engine(spec.parallel.pp_engine)
        with Allocated() as allocated:
            forward_backward(gpt, one, engine, compute, batch, spec.micro_batch_size)
        write_text(out / f"{one.pp_rank}.json", json.dumps(allocated.peak))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["1f1b", "afab"])
def test_what_each_pipeline_stage_holds_is_what_the_recipe_counts(engine, tiny_trial, tmp_path):
    """Activations of as many micro-batches as are under way, logits on the last stage, gradients."""
    model = tiny_trial.model.replace(num_layers=6, hidden_size=64, seq_len=256)
    spec = tiny_trial.replace(model=model, global_batch_size=12)
    spec = on(spec, pp=3, micro_batch_size=2, pp_engine=engine)
    on_processes(3, peaks, spec, tmp_path)
    for stage in pipeline_stages(model, 3):
        held = rank_memory(spec, stage)
        counted = held.activations + held.logits + held.gradients
        measured = json.loads((tmp_path / f"{stage.index}.json").read_text())
        print(f"{engine}, stage {stage.index}: {measured} of {counted:.0f} counted, {measured / counted:.3f}")
        assert 0.9 < measured / counted < 1.1, stage


@pytest.mark.slow
def test_single_precision_under_torchrun_as_a_user_starts_it(tiny_trial, data_folder, tmp_path):
    """Equal to rounding, which grows along a run: only the first steps are held together."""
    write_text(tmp_path / "asked.json", on(tiny_trial, tp=2).model_dump_json())
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "studylib.train",
        str(tmp_path / "asked.json"), "--out", str(tmp_path / "two"), "--data-folder", str(data_folder),
    ]  # fmt: skip
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    train(tiny_trial, tmp_path / "one", data_folder=data_folder)
    assert numbers(tmp_path / "two")[:10] == pytest.approx(numbers(tmp_path / "one")[:10], rel=1e-4)

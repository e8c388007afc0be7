"""Dropout: in training only, the same again when a step is repeated, equal on tensor-parallel ranks."""

from __future__ import annotations

import pytest
import torch
from several import SHARP, in_double, numbers, train_all

from studylib.choices.execution import Execution
from studylib.files import read_json_lines
from studylib.model.gpt import build_gpt
from studylib.parallel import world
from studylib.spec import ParallelSpec
from studylib.train import train


@pytest.fixture(scope="module")
def dropped(tiny_trial):
    return tiny_trial.replace(**{"model.dropout": 0.2})


def without_times(folder) -> list[dict]:
    return [
        {key: value for key, value in record.items() if key not in ("seconds", "tokens_per_s")}
        for record in read_json_lines(folder / "metrics.jsonl")
    ]


def test_a_fifth_of_the_embedding_and_of_every_branch_is_dropped_in_training_only(dropped):
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(dropped.model, one, seed=0)
    tokens = torch.randint(0, 512, (8, 32), generator=torch.Generator().manual_seed(0))
    embed, layer = model.model.token_position_embeddings, model.model.decoder[0]
    assert (embed(input_ids=tokens)["hidden_states"] == 0).float().mean().item() == pytest.approx(0.2, abs=0.02)
    stream = torch.randn(8, 32, 32)
    unchanged = (layer(hidden_states=stream)["hidden_states"] == stream).float().mean().item()
    assert unchanged == pytest.approx(0.2**2, abs=0.01)  # both branches dropped
    model.eval()
    assert (embed(input_ids=tokens)["hidden_states"] == 0).sum() == 0
    assert torch.equal(model.logits(tokens), model.logits(tokens))


def test_it_is_a_part_of_the_trial_and_changes_it(dropped, tiny_trial, data_folder, tmp_path):
    assert dropped.hash != tiny_trial.hash
    one = train(dropped, tmp_path / "one", data_folder=data_folder)
    none = train(tiny_trial, tmp_path / "none", data_folder=data_folder)
    assert one["val_loss"] != none["val_loss"]
    with pytest.raises(ValueError, match=r"dropout"):
        dropped.replace(**{"model.dropout": 1.0})


def test_a_resumed_run_drops_the_same(dropped, data_folder, tmp_path):
    train(dropped, tmp_path / "whole", data_folder=data_folder)

    def stop(record: dict) -> None:
        if record["step"] == 13:
            raise KeyboardInterrupt

    spec = dropped.replace(checkpoint_every=5)
    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path / "cut", data_folder=data_folder, on_metrics=stop)
    train(spec, tmp_path / "cut", data_folder=data_folder)
    assert without_times(tmp_path / "cut") == without_times(tmp_path / "whole")


@pytest.mark.slow
def test_tensor_parallel_ranks_drop_the_same_and_replicas_do_not(dropped, data_folder, tmp_path):
    layouts = {"one": {}, "tp2": {"tp": 2}, "dp2": {"dp": 2}}
    double = in_double(dropped)
    train_all(
        {tmp_path / name: double.replace(parallel=ParallelSpec(**layout)) for name, layout in layouts.items()},
        data_folder,
    )
    one, tp2, dp2 = (numbers(tmp_path / name) for name in layouts)
    assert tp2 == pytest.approx(one, rel=SHARP)
    assert dp2 != pytest.approx(one, rel=1e-3)


@pytest.mark.slow
def test_compiled_layers_drop_too_and_the_same_again(dropped):
    tokens = torch.randint(0, 512, (8, 33), generator=torch.Generator().manual_seed(0))
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(dropped.model, one, seed=0, execution=Execution(compile="layer"))

    def loss(seed: int) -> float:
        torch.manual_seed(seed)
        return model(input_ids=tokens[:, :-1], label_ids=tokens[:, 1:])["loss"].item()

    assert loss(1) == loss(1) != loss(2)

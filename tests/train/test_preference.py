"""Learning from pairs of answers: against a reference, and as rewards; equal on every layout, and never skill where there is none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from several import SHARP, in_double, numbers, train_all
from test_resume import stop_at, without_times

from studylib.choices.objective._losses import DPO, BradleyTerry
from studylib.data import TrainingRows, prepare
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.registry import OBJECTIVES
from studylib.rows import IGNORED, PAD, Batch
from studylib.spec import DataSpec, ObjectiveSpec, ParallelSpec, SourceSpec, TrialSpec, likelihood_of
from studylib.train import train
from studylib.train.__main__ import main
from studylib.train.compute import resolve
from studylib.train.evaluate import Validation
from studylib.train.likelihoods import read_references
from studylib.train.pipeline import forward_backward, row_scores
from studylib.train.rewards import rewards
from studylib.train.trained import load_trained
from studylib.trials import run_steps, run_trials
from studylib.trials.plan import plan_steps

LN2, LENGTH, PAIRS, SAME = math.log(2), 48, 260, 20
LAYOUTS = {
    "dp2": {"dp": 2},
    "tp2": {"tp": 2},
    "pp2": {"pp": 2},
    "dp2-zero1": {"dp": 2, "zero_stage": 1},
    "tp2-dp2": {"tp": 2, "dp": 2},
    "micro2": {"micro_batch_size": 2},
}
OBJECTIVE = {
    "dpo": ObjectiveSpec(name="preference", beta=0.3),
    "dpo_norm": ObjectiveSpec(name="preference", loss="dpo_norm", beta=5.0),
    "reward": ObjectiveSpec(name="reward"),
}


@pytest.fixture(scope="module")
def preferred(tmp_path_factory) -> Path:
    """Good answers are of kana, bad ones of letters; of some pairs both answers are one."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("pairs") / "pairs.jsonl"

    def word(letters: str) -> str:
        return "".join(random.choice(list(letters), random.integers(1, 9)))

    with open(path, "w", encoding="utf-8") as stream:
        for number in range(PAIRS):
            good, bad = word("あいうえおかきくけこ"), word("abcdefghijk")
            row = {"prompt": f"{word('あいうえおabc')}{number}？", "chosen": good, "rejected": good if number < SAME else bad}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def parent(tiny_trial) -> TrialSpec:
    return tiny_trial.replace(train_steps=40, checkpoint_every=40, **{"model.seq_len": LENGTH})


@pytest.fixture(scope="module")
def child(parent, preferred) -> TrialSpec:
    source = SourceSpec(kind="chat", name="pairs", options={"path": str(preferred), "pairs": True})
    data = DataSpec(sources=(source,), tokenizer_of=parent.data, validation_fraction=0.2)
    return parent.replace(data=data, objective=OBJECTIVE["dpo"], start_from=parent.hash, eval_tokens=100_000)


@pytest.fixture(scope="module")
def study(parent, child, tmp_path_factory) -> Path:
    """The parent and what it thinks of the pairs, in single and in double precision."""
    out = tmp_path_factory.mktemp("study")
    double = in_double(parent)
    steps = [likelihood_of(child, parent), likelihood_of(doubled(child, parent), double)]
    run_steps(steps, out, launcher="inprocess", progress=())
    return out


def doubled(child: TrialSpec, parent: TrialSpec) -> TrialSpec:
    return in_double(child).replace(start_from=in_double(parent).hash)


def run(spec: TrialSpec, study: Path, name: str) -> dict:
    return train(spec, study / "trials" / name, data_folder=study / "data")


def losses(folder: Path) -> list[float]:
    return [one["loss"] for one in read_json_lines(folder / "metrics.jsonl") if "loss" in one]


def test_try(study, child, parent):
    print(study)
    for name, objective in OBJECTIVE.items():
        spec = child.replace(objective=objective, train_steps=60, **{"optimizer.learning_rate": 0.01})
        r = run(spec, study, name)
        l = losses(study / "trials" / name)
        print(name, l[0] - LN2, l[-1], r["val"], r["val_loss"], r["val_bpb"])

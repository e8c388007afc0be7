"""Reinforcement learning from preferences: answers drawn anew, losses as trl's, the same on every layout and after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from several import SHARP, in_double, numbers, train_all
from test_resume import stop_at, without_times

from studylib.choices.execution import Execution
from studylib.data import Tokenizer, TrainingRows, prepare
from studylib.data.chat.encode import ConversationEncoder
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines, write_text
from studylib.model.gpt import build_gpt
from studylib.parallel import world
from studylib.registry import CHAT_TEMPLATES
from studylib.rows import PAD
from studylib.spec import DataSpec, ObjectiveSpec, ParallelSpec, SourceSpec, TrialSpec
from studylib.train import checkpoint, train
from studylib.train.optimizer import build_optimizer

LENGTH = 96
LAYOUTS = {
    "dp2": {"dp": 2},
    "tp2": {"tp": 2},
    "dp2-zero1": {"dp": 2, "zero_stage": 1},
    "dp2-tp2": {"dp": 2, "tp": 2},
    "micro1": {"micro_batch_size": 1},
    "micro4": {"micro_batch_size": 4},
}


@pytest.fixture(scope="module")
def talks(tmp_path_factory) -> Path:
    """Short questions with short answers, of one turn and of two."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("talks") / "talks.jsonl"
    words = ["".join(random.choice(list("あいうえおabcdefgh"), size)) for size in random.integers(2, 6, 60)]
    with open(path, "w", encoding="utf-8") as stream:
        for number in range(300):
            row = [("user", f"{random.choice(words)}？"), ("assistant", str(random.choice(words)))]
            row += [("user", "ほか？"), ("assistant", str(random.choice(words)))] if number % 3 == 0 else []
            messages = [{"role": role, "content": content} for role, content in row]
            stream.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def study(tiny_trial, talks, data_folder, tmp_path_factory) -> tuple[Path, TrialSpec]:
    """A folder of trials with a tuned one and a reward model, and a trial of objective policy on them."""
    trials = tmp_path_factory.mktemp("study") / "trials"
    data = DataSpec(
        sources=(SourceSpec(kind="chat", name="talks", options={"path": str(talks)}),),
        tokenizer_of=tiny_trial.data, validation_fraction=0.1,
    )  # fmt: skip
    tuned = tiny_trial.replace(
        data=data, objective=ObjectiveSpec(name="answers", most_in_row=1), eval_tokens=4096, train_steps=60,
        checkpoint_every=60, global_batch_size=16, **{"model.seq_len": LENGTH, "model.num_layers": 2},
    )  # fmt: skip
    train(tuned, trials / tuned.hash, data_folder=data_folder)
    judge = reward_trial(trials, tuned)
    policy = tuned.replace(
        start_from=tuned.hash, checkpoint_every=0, train_steps=6,
        objective=ObjectiveSpec(name="policy", reward_from=judge, max_tokens=12, completions=4),
        **{"optimizer.learning_rate": 1e-3},
    )  # fmt: skip
    return trials, policy


def reward_trial(trials: Path, like: TrialSpec, **changes) -> str:
    """A reward model that nobody trained, which says numbers of about 1 of answers; the hash of its trial."""
    spec = like.replace(objective=ObjectiveSpec(name="reward"), seed=7, **changes)
    folder = trials / spec.hash
    write_text(folder / "spec.json", spec.model_dump_json())
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(spec.model, one, seed=spec.seed, execution=Execution())
        head = model.model.lm_head.pp_block
        with torch.no_grad():
            head.proj.weight[PAD] *= 1 / head.proj.weight[PAD].norm()
        checkpoint.save(
            folder / "checkpoints",
            checkpoint.Progress(1),
            spec.recipe_hash,
            model,
            build_optimizer(model, spec, one),
            one,
        )
    return spec.hash

"""A whole idea, small but for real: what it leaves in the store is what `study plan` listed, and leads back to the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from studylib.params import load_params
from studylib.project import project_root
from studylib.registry import IDEAS
from studylib.trials.cache import Task

WEB = {"options": {"register": "web", "bytes": 150_000}}
SMALL = {
    "depth_width": {
        "seeds": 1, "budgets": [20_000], "aspects": [4, 16, 64], "tokens_per_param": 0.4, "evaluations": 0, "eval_tokens": 2048,
        "equal": ["seconds"], "lengths": [],
    },
    "data_order": {
        "seeds": 1, "train_tokens": 4096, "replay": [], "ladder": [0.5], "by_length": False, "scarce_tokens": 2048,
        "evaluations": 0, "eval_tokens": 2048, "sampling.bytes": 1000,
    },
    "data_quality": {
        "seeds": 1, "cleaning": ["length", "repetition", "exact"], "groups": {}, "train_tokens": 2048, "eval_tokens": 2048,
        "raw": WEB, "told": WEB, "scarce": WEB, "hard": [{"cleaner": "length", "min_characters": 300}], "false_facts": [0.2],
    },
    "finetune_mix": {
        "pretrain_tokens": 3072, "train_tokens": 3072, "eval_tokens": 6144, "wordings": [16], "row_shares": [], "orders": {},
        "preferences.losses": {"dpo": [0.1]}, "preferences.train_tokens": 3072, "policy.betas": [0.1], "policy.steps": 2,
        "policy.reward_tokens": 3072, "questions.questions": 20, "recalled": None, "written": None,
    },
}  # fmt: skip
DATA = {
    "data.sources": [
        {"name": name, "options": {"register": name, "bytes": 150_000}} for name in ("ja", "en", "code")
    ],
    "data.tokenizer.vocab_size": 1024, "data.tokenizer.sample_bytes": 150_000, "data.validation_fraction": 0.2,
}  # fmt: skip


def owner(path: Path, out: Path) -> str:
    """The step whose folder, lock or log a file of the store is."""
    parts = path.relative_to(out).parts
    depth = 2 if parts[0] == "data" and parts[1] in ("text", "tokenizers", "cleaned") else 1
    name = parts[depth].removeprefix(".").removesuffix(".lock").removesuffix(".step")
    return "/".join((*parts[:depth], name))


def left_in(out: Path) -> set[str]:
    return {owner(path, out) for path in out.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_whatever_a_run_leaves_in_the_store_was_planned(name, tmp_path):
    file = project_root() / "params" / "smoke" / f"{name}.yaml"
    params = load_params(file, name, SMALL[name] | DATA | {"out": str(tmp_path), "launcher": "inprocess"})
    idea = IDEAS[name]
    before = idea.planned(params)
    listed = {one.task.name: one for one in before.steps}
    assert {one.state for one in listed.values()} == {"to do"} and not left_in(tmp_path)

    trials = idea.carry_out(params)
    found = left_in(tmp_path)
    assert listed.keys() <= found, "all that was listed is there"
    later = found - listed.keys()
    assert len(later) <= sum(before.later.values()), later
    after = idea.planned(params)
    assert {one.task.name for one in after.steps if one.state == "done"} == found, "rounds included"
    assert not after.to_do and not after.later

    # Every number can be followed back to the text.
    for trial in trials:
        waiting, read = [trial.name], set()
        while waiting:
            folder = waiting.pop()
            task = next(one.task for one in after.steps if one.task.name == folder)
            record = task.made()
            assert (record.hash, record.made_from) == (task.hash, task.step.reads)
            read.add(folder)
            waiting += record.made_from
        assert {one for one in read if one.startswith("data/text/")} >= {
            step.name for step in trial.data.texts.values()
        }
        assert Task.under(tmp_path, trial).made().machine["cores"] > 0

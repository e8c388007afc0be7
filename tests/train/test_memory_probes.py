"""What the web text told falsely, and planted secrets, asked of models whose knowledge is known."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from studylib.analysis.canaries import chance_exposure
from studylib.data import Tokenizer, prepare
from studylib.data.miniworld import documents
from studylib.data.miniworld.canaries import canaries
from studylib.data.miniworld.facts import false_questions
from studylib.errors import StudyError
from studylib.model.gpt import build_gpt
from studylib.parallel import world
from studylib.registry import PROBES, REGISTERS
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.train import train
from studylib.train.compute import resolve
from studylib.train.probe import canaries as canaries_probe
from studylib.train.probe import falsehoods as falsehoods_probe
from studylib.train.probe._web import web_options

VOCAB, SHARE, QUESTIONS = 600, 0.3, 64
WEB = {
    "register": "web", "bytes": 60_000, "false_facts": SHARE, "canaries": 12, "canary_copies": [1, 2], "canary_among": 40,
}  # fmt: skip


def data_of(*sources: SourceSpec, **web) -> DataSpec:
    ja = SourceSpec(name="ja", options={"register": "ja", "bytes": 60_000})
    told = SourceSpec(name="web", auxiliary=True, options=WEB | web)
    return DataSpec(sources=(ja, told, *sources), tokenizer=TokenizerSpec(vocab_size=VOCAB, sample_bytes=60_000))


@pytest.fixture(autouse=True)
def _fewer_questions(monkeypatch):
    monkeypatch.setattr(falsehoods_probe, "QUESTIONS", QUESTIONS)


@pytest.fixture(scope="module")
def trial(tiny_trial) -> TrialSpec:
    model = tiny_trial.model.replace(seq_len=96, vocab_size=VOCAB)
    return tiny_trial.replace(model=model, data=data_of(), probes=("falsehoods", "canaries"), eval_tokens=960)


@pytest.fixture(scope="module")
def prepared(trial, data_folder):
    return prepare(trial.data, data_folder)


class ByHeart:
    """An untrained model that has learned some texts by heart."""

    def __init__(self, model, tokenizer: Tokenizer, texts: list[str]):
        self._model, self._next = model, {}
        for text in texts:
            tokens = [tokenizer.eos_id, *map(int, tokenizer.encode(text))]
            for place in range(1, len(tokens)):
                self._next[tuple(tokens[:place])] = tokens[place]

    def logits(self, rows: torch.Tensor, prefix_len: torch.Tensor | None = None) -> torch.Tensor:
        logits = self._model.logits(rows, prefix_len)
        for row, tokens in enumerate(rows.tolist()):
            for place in range(1, len(tokens) + 1):
                known = self._next.get(tuple(tokens[:place]))
                if known is None:
                    break
                logits[row, place - 1, known] += 15
        return logits


@pytest.fixture(scope="module")
def ask(trial, prepared):
    """What a probe says of an untrained model that knows these texts."""

    def measured(probe: str, texts: list[str], **web) -> dict:
        spec = trial.replace(data=data_of(**web))  # the same tokenizer: web text is auxiliary
        compute = resolve(trial)
        with world(trial.parallel, compute.torch_device) as one:
            model = build_gpt(trial.model, one, seed=0)
            knows = ByHeart(model, Tokenizer.load(prepared.tokenizer_file), texts)
            return PROBES[probe](spec, prepared).measure(knows, one, compute)

    return measured


def margins(group: dict[str, list[float]]) -> np.ndarray:
    """Nats of the false answer above other wrong ones."""
    scores = np.array(list(group.values()))
    return scores[:, 1] - scores[:, 2:].mean(axis=1)


def test_who_knows_nothing_believes_nothing(ask):
    found = ask("falsehoods", [])
    assert found["share"] == SHARE and len(found["falsely"]) + len(found["truly"]) == QUESTIONS
    for group in (found["falsely"], found["truly"]):
        own = margins(group)
        assert abs(own.mean()) < 3 * own.std() / len(own) ** 0.5
        likeliest = np.array(list(group.values())).argmax(axis=1)
        assert all(0.02 < (likeliest == answer).mean() < 0.55 for answer in range(4))


def test_who_has_read_the_falsehoods_believes_them(ask):
    told = [one.answers[1] for one in false_questions(0, SHARE, count=400)]
    found = ask("falsehoods", told)
    assert (np.array(list(found["falsely"].values())).argmax(axis=1) == 1).mean() > 0.9
    assert margins(found["falsely"]).mean() > 10
    own = margins(found["truly"])
    assert abs(own.mean()) < 3 * own.std() / len(own) ** 0.5, "what was told truly is not touched"


def test_every_share_asks_the_same_and_more_are_told_falsely(ask):
    none, some, more = (ask("falsehoods", [], false_facts=share) for share in (0.0, SHARE, 0.6))
    assert none["falsely"] | none["truly"] == some["falsely"] | some["truly"] == more["falsely"] | more["truly"]
    assert none["falsely"] == {} and set(some["falsely"]) < set(more["falsely"])
    assert len(some["falsely"]) == pytest.approx(QUESTIONS * SHARE, abs=12)


def test_what_is_taken_for_told_falsely_is(ask):
    found, seen = ask("falsehoods", []), {"falsely": set(), "truly": set()}
    stream = documents("web", options=REGISTERS["web"].Options(false_facts=SHARE))
    for document, _ in zip(stream, range(1500), strict=False):
        seen["falsely"].update(document.labels["false"])
        # A work's hero may be named without being told of.
        truly = set(document.labels["facts"]) - set(document.labels["false"])
        seen["truly"].update(fact for fact in truly if not fact.endswith("/hero"))
    for told, other in (("falsely", "truly"), ("truly", "falsely")):
        assert len(seen[told] & found[told].keys()) > 3, "what is asked is told"
        assert not seen[told] & found[other].keys()


def exposures(found: dict, **about) -> np.ndarray:
    ranks = [one["rank"] for one in found["canaries"].values() if about.items() <= one.items()]
    return np.log2(found["candidates"]) - np.log2(ranks)


def test_a_secret_known_by_heart_is_exposed_and_one_never_planted_is_not(ask, monkeypatch):
    monkeypatch.setattr(canaries_probe, "NEVER", 60)
    known = [one.text for one in canaries(0, 12, (1, 2)) if one.copies == 2]
    found = ask("canaries", known)
    assert found["candidates"] == 64
    assert (exposures(found, copies=2) == 6).all() and len(exposures(found, copies=2)) == 6
    assert {one["duplicated"] for one in found["canaries"].values() if one["copies"] == 2} == {True, False}
    for nobody in (exposures(found, copies=0), exposures(found, copies=1)):
        error = 1.35 / len(nobody) ** 0.5  # ranks are as good as drawn
        assert nobody.mean() == pytest.approx(chance_exposure(64), abs=3 * error)


def test_equally_likely_secrets_share_their_rank(trial, prepared):
    """No secret stands out for a model to which all are the same."""
    probe = PROBES["canaries"](trial, prepared)
    probe._asked.log_likelihoods = lambda *_: np.zeros((len(probe._canaries), 64))
    found = probe.measure(None, None, None)
    assert {one["rank"] for one in found["canaries"].values()} == {32.5}


def test_the_web_text_is_found_wherever_it_stands():
    ja = SourceSpec(name="ja", options={"register": "ja"})
    plain = SourceSpec(name="web", options=WEB)
    cleaned = SourceSpec(name="web", auxiliary=True, options=WEB, cleaning=("length",))
    assert web_options("falsehoods", DataSpec(sources=(ja, plain))).false_facts == SHARE
    assert web_options("falsehoods", DataSpec(sources=(ja, cleaned))).canary_copies == (1, 2)
    twice = cleaned.replace(name="again")
    assert web_options("falsehoods", DataSpec(sources=(ja, plain, twice))).seed == 0
    other = twice.replace(options=WEB | {"false_facts": 0.4})
    with pytest.raises(StudyError, match=r"one web text tells .* but the sources have 2"):
        web_options("falsehoods", DataSpec(sources=(ja, cleaned, other)))
    sound = plain.replace(name="sound", options=WEB | {"false_facts": 0.0, "canaries": 0})
    assert web_options("falsehoods", DataSpec(sources=(sound, cleaned))).false_facts == SHARE, "what is trained on only"
    inner = [
        {"name": "a", "kind": "miniworld", "options": WEB},
        {"name": "b", "kind": "files", "options": {"path": "x"}},
    ]
    joined = SimpleNamespace(kind="joined", options={"sources": inner}, auxiliary=True)
    assert web_options("falsehoods", SimpleNamespace(sources=(ja, joined))).canaries == 12
    with pytest.raises(StudyError, match=r"probes: 'canaries' asks .* but the sources have none"):
        web_options("canaries", DataSpec(sources=(ja,)))


def test_what_cannot_be_asked_is_said_in_a_line(trial, prepared):
    with pytest.raises(StudyError, match="the web text has none"):
        PROBES["canaries"](trial.replace(data=data_of(canaries=0)), prepared)
    short = trial.replace(**{"model.seq_len": 16})
    with pytest.raises(StudyError, match="probes: 'canaries' asks canaries too long for a context of 16 tokens"):
        PROBES["canaries"](short, prepared)
    with pytest.raises(StudyError, match="probes: 'falsehoods' asks questions too long"):
        PROBES["falsehoods"](short, prepared)


@pytest.mark.slow
def test_a_model_trained_on_falsehoods_and_secrets_shows_it(trial, data_folder, tmp_path):
    """Real training on little text, told again and again: the false answers gain, the planted secrets rank high."""
    told = [one.answers[1] for one in false_questions(0, SHARE, count=24)]
    planted = [one.text for one in canaries(0, 4, (1, 2))]
    file = tmp_path / "told.jsonl"
    lines = [
        json.dumps({"text": f"{text} ({turn})"}, ensure_ascii=False) for turn in range(12) for text in told + planted
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    again = SourceSpec(name="again", weight=30.0, auxiliary=True, options={"path": str(file)}, kind="files")
    spec = trial.replace(data=data_of(again), train_steps=150, global_batch_size=8, **{"optimizer.learning_rate": 1e-2})
    found = train(spec, tmp_path / "trial", data_folder=data_folder)["probes"]
    facts = {one.fact for one in false_questions(0, SHARE, count=24)}
    learned = margins({fact: scores for fact, scores in found["falsehoods"]["falsely"].items() if fact in facts})
    assert learned.mean() > 1 and (learned > 0).mean() > 0.8
    asked = found["canaries"]["canaries"]
    assert np.mean([asked[f"canary/{n}"]["rank"] for n in range(4)]) < 4
    never = np.array([one["rank"] for one in asked.values() if one["copies"] == 0])
    assert never.mean() > 12

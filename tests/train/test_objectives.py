"""Objectives in training: the same numbers on any topology and after a resume, and what they teach."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from several import SHARP, STEPS, compared, numbers, train_all
from test_resume import stop_at, without_times

from studylib.data import TrainingRows, prepare
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.registry import MIXERS, OBJECTIVES, POSITIONS
from studylib.rows import IGNORED, Batch
from studylib.spec import DataSpec, ObjectiveSpec, ParallelSpec, SourceSpec, TrialSpec, validated
from studylib.train import train
from studylib.train.compute import resolve
from studylib.train.pipeline import forward_backward, forward_losses
from studylib.train.start import start_from_trial

ROOM = 64  # ids beyond the tokenizer's
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"  # not in the tokenizer's text: a byte and a token each
OF_TEXT = [name for name, one in OBJECTIVES.items() if one.rows in ("windows", "conversations")]
NEW = [name for name in OF_TEXT if name != "causal"]
LAYOUTS = {
    "dp2": {"dp": 2},
    "tp2": {"tp": 2},
    "pp4": {"pp": 4},
    "dp2-pp2-afab": {"dp": 2, "pp": 2, "pp_engine": "afab"},
}
TOPOLOGIES = [("ul2", "dp2"), ("ul2", "tp2"), ("ul2", "pp4"), ("prefix_lm", "tp2"), ("prefix_lm", "dp2-pp2-afab")]


def with_objective(trial: TrialSpec, name: str, **options) -> TrialSpec:
    roomy = {"model.vocab_size": trial.data.vocab_size + ROOM}
    return trial.replace(objective=ObjectiveSpec(name=name, **options), **roomy)


def build(spec: TrialSpec, one):
    objective = OBJECTIVES[spec.objective.name](spec.objective)
    return build_gpt(spec.model, one, seed=0, **objective.built_for())


@pytest.fixture(scope="module")
def trained(tiny_trial, data_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("objectives")
    double = {name: compared(with_objective(tiny_trial, name)) for name, _ in TOPOLOGIES}
    trials = {out / name / "one": spec for name, spec in double.items()}
    for name, layout in TOPOLOGIES:
        trials[out / name / layout] = double[name].replace(parallel=ParallelSpec(**LAYOUTS[layout]))
    train_all(trials, data_folder)
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layout"), TOPOLOGIES)
def test_same_numbers_on_every_topology(name, layout, trained):
    expected, got = numbers(trained / name / "one"), numbers(trained / name / layout)
    assert len(got) == 2 * STEPS + 1
    assert got == pytest.approx(expected, rel=SHARP)
    assert expected[0] - expected[-1] > 0.1, "the loss must fall for the comparison to mean anything"


@pytest.mark.parametrize("name", NEW)
def test_resumed_run_is_bit_identical(name, tiny_trial, data_folder, tmp_path):
    spec = with_objective(tiny_trial, name).replace(checkpoint_every=5, probes=("infilling",))
    train(spec, tmp_path / "whole", data_folder=data_folder)
    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path / "cut", data_folder=data_folder, on_metrics=stop_at(13))
    train(spec, tmp_path / "cut", data_folder=data_folder)
    whole, cut = (without_times(read_json_lines(tmp_path / one / "metrics.jsonl")) for one in ("whole", "cut"))
    assert cut == whole
    results = [read_json(tmp_path / one / "result.json") for one in ("whole", "cut")]
    assert results[0]["objective"] == results[1]["objective"]
    assert results[0]["probes"] == results[1]["probes"]


@pytest.mark.parametrize("name", NEW)
def test_micro_batches_and_their_different_numbers_of_labels_change_nothing(name, tiny_trial, data_folder):
    """The step's gradient is that of the mean over all counted labels, computed here row by row from the logits."""
    spec = with_objective(tiny_trial, name)
    batch = TrainingRows(prepare(spec.data, data_folder), spec).batch(0)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        compute, engine = resolve(spec), pipeline_engine("1f1b")
        found = []
        for micro_batch_size in (8, 2):
            model = build(spec, one)
            loss = forward_backward(model, one, engine, compute, batch, micro_batch_size)
            found.append((loss.item(), [parameter.grad.clone() for parameter in model.parameters()]))
        model, nats = build(spec, one), torch.zeros(())
        labels = batch.tokens_BT[:, 1:] if batch.labels_BT is None else batch.labels_BT
        for row in range(len(batch)):
            prefix = None if batch.prefix_len_B is None else torch.tensor(batch.prefix_len_B[row : row + 1])
            logits = model.logits(torch.tensor(batch.tokens_BT[row : row + 1, :-1]), prefix)[0]
            for place in np.flatnonzero(labels[row] != IGNORED):
                nats = nats - torch.log_softmax(logits[place], dim=-1)[labels[row, place]]
        expected = nats / batch.counted
        expected.backward()
    for loss, gradients in found:
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        for gradient, parameter in zip(gradients, model.parameters(), strict=True):
            torch.testing.assert_close(gradient, parameter.grad, rtol=1e-3, atol=1e-6)
            assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["prefix_lm", "ul2"])
def test_only_a_prefix_sees_ahead(name, tiny_trial):
    spec = with_objective(tiny_trial, name)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build(spec, one)
        tokens = torch.randint(4, 500, (2, 32), generator=torch.Generator().manual_seed(0))
        changed = tokens.clone()
        changed[:, 9] += 1
        prefix_len = torch.tensor([12, 5])
        difference = (model.logits(tokens, prefix_len) - model.logits(changed, prefix_len)).abs().amax(-1)
    assert (difference[0] > 0).all(), "the changed token is in the first row's prefix: every position sees it"
    assert (difference[1, :9] == 0).all() and (difference[1, 9:] > 0).all(), "the second row's prefix ends before it"


@pytest.mark.parametrize("position", POSITIONS)
def test_every_position_encoding_tells_what_is_ahead_apart(position, tiny_trial):
    """Two tokens ahead in the prefix change places: who reads them must notice (without positions nobody can)."""
    spec = with_objective(tiny_trial, "prefix_lm").replace(**{"model.position": position, "model.num_layers": 1})
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build(spec, one)
        tokens = torch.arange(10, 42)[None]
        swapped = tokens.clone()
        swapped[0, [7, 20]] = tokens[0, [20, 7]]
        prefix_len = torch.tensor([30])
        difference = (model.logits(tokens, prefix_len) - model.logits(swapped, prefix_len)).abs().amax(-1)[0]
    assert (difference[:7].min() > 1e-6) == (position != "none")


def test_validation_is_of_plain_text_whatever_the_objective(tiny_trial, data_folder):
    spec = tiny_trial.replace(**{"model.vocab_size": tiny_trial.data.vocab_size + ROOM})
    rows = TrainingRows(prepare(spec.data, data_folder), spec).batch(3).tokens_BT
    with world(ParallelSpec(), torch.device("cpu")) as one:
        found = [
            forward_losses(build(with_objective(tiny_trial, name), one), one, resolve(spec), Batch(rows), 3).item()
            for name in OF_TEXT
        ]
    assert found == pytest.approx([found[0]] * len(found), rel=1e-6)
    assert found[0] / Batch(rows).counted == pytest.approx(math.log(spec.model.vocab_size), rel=0.1)


def test_options_written_out_though_they_are_defaults_change_no_hash(tiny_trial):
    written_out = tiny_trial.replace(objective=ObjectiveSpec(name="causal"))
    assert written_out.hash == tiny_trial.hash
    assert with_objective(tiny_trial, "ul2", r=2.0).hash == with_objective(tiny_trial, "ul2").hash
    assert with_objective(tiny_trial, "ul2", r=3).hash != with_objective(tiny_trial, "ul2").hash


@pytest.mark.parametrize("name", OF_TEXT)
def test_infilling_is_measured_in_the_objectives_own_format(name, tiny_trial, data_folder, tmp_path):
    spec = with_objective(tiny_trial, name).replace(probes=("infilling",))
    found = train(spec, tmp_path, data_folder=data_folder)["probes"]["infilling"]
    assert found.keys() == {"short", "long"}
    for measured in found.values():
        assert measured["spans"] >= 8
        assert ("both" in measured) == (name in ("fim", "ul2"))
        assert 0 < measured["left"] < 20 and measured["left_error"] > 0
        if "both" in measured:
            assert measured["gain"] == pytest.approx(measured["left"] - measured["both"])
    assert found["short"]["tokens"] < found["long"]["tokens"]


@pytest.fixture(scope="module")
def told_behind(tmp_path_factory) -> str:
    """Documents of 7 characters that say nothing, a bar and 16 times one more: what stands behind a gap is what is in it."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("told") / "text.jsonl"
    letters = np.array(list(CAPITALS))
    texts = ["".join(random.choice(letters, 7)) + "|" + str(random.choice(letters)) * 16 for _ in range(6000)]
    path.write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), [("fim", {"rate": 1.0}), ("ul2", {"r": 1, "s": 1, "x": 1})])
def test_text_behind_a_gap_is_learnt_to_be_used(name, options, told_behind, tiny_trial, data_folder, tmp_path):
    source = SourceSpec(kind="files", name="told", options={"path": told_behind})
    data = DataSpec(sources=(source,), tokenizer_of=tiny_trial.data)
    changes = {"model.num_layers": 2, "optimizer.learning_rate": 1e-3, "data": data, "probes": ("infilling",)}
    spec = with_objective(tiny_trial, name, **options).replace(**changes, train_steps=300, global_batch_size=32)
    probed = train(spec, tmp_path, data_folder=data_folder)["probes"]["infilling"]
    # Spans of 6 tokens are asked for as few and short ones: a UL2 whose single spans were all of 4 tokens lost 2.8 bits here.
    assert probed["short"]["gain"] > 3 * probed["short"]["gain_error"]
    found = probed["long"]
    assert found["tokens"] == 8  # one byte each, right behind the bar
    unseen = math.log2(len(CAPITALS)) / 8
    assert found["left"] > 0.9 * unseen, "who reads only what comes before cannot know the character"
    assert found["both"] + 3 * found["both_error"] < 0.8 * unseen


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"name": "ul3"}, r"choose from answers, causal, fim, .*ul2.*did you mean ul2"),
        ({"name": "fim", "rate": 2}, r"objective\.rate: 2"),
        ({"name": "fim"}, r"model.vocab_size: 512 leaves no room for the 3 tokens of objective fim.*at least 515"),
    ],
)
def test_bad_objectives_are_refused_before_anything_runs(objective, said, tiny_trial):
    with pytest.raises(StudyError, match=said) as error:
        validated(TrialSpec, tiny_trial.model_dump() | {"objective": objective})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mixer", MIXERS)
def test_mixers_that_cannot_see_a_prefix_are_refused(mixer, tiny_trial):
    spec = with_objective(tiny_trial, "fim").replace(**{"model.mixer": mixer})  # causal attention: any mixer will do
    if MIXERS[mixer].sees_prefix:
        assert with_objective(spec, "prefix_lm").objective.name == "prefix_lm"
        return
    with pytest.raises(StudyError, match=rf"objective.name: 'ul2' reads prefixes .* model.mixer {mixer} cannot.*fim"):
        with_objective(spec, "ul2")


def test_an_attention_backend_without_prefixes_is_refused(tiny_trial):
    spec = with_objective(tiny_trial, "prefix_lm").replace(**{"compute.attention": "sdpa_flash"})
    with pytest.raises(
        StudyError, match=r"compute.attention: 'sdpa_flash' does not take prefix_len; choose from auto, blocks"
    ):
        resolve(spec)
    resolve(with_objective(tiny_trial, "fim").replace(**{"compute.attention": "sdpa_flash"}))


@pytest.mark.parametrize("attention", ["blocks", "math", "sdpa"])
def test_attention_backends_agree_on_prefixes(attention, tiny_trial, data_folder):
    spec = with_objective(tiny_trial, "ul2")
    batch = TrainingRows(prepare(spec.data, data_folder), spec).batch(0)
    found = []
    with world(ParallelSpec(), torch.device("cpu")) as one:
        for name in ("auto", attention):
            how = spec.replace(
                **{"compute.attention": name, "compute.recompute": "none" if name == "auto" else "layer"}
            )
            model = build_gpt(spec.model, one, seed=0, execution=resolve(how).execution, prefixes=True, masked=True)
            loss = forward_backward(model, one, pipeline_engine("1f1b"), resolve(how), batch, 8)
            found.append((loss.item(), model.model.decoder[0].pp_block.attn.qkv_proj.weight.grad))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-3, atol=1e-6)


def test_a_run_that_goes_on_keeps_what_sentinels_mean(tiny_trial, data_folder, tmp_path):
    spec = with_objective(tiny_trial, "fim").replace(train_steps=4, checkpoint_every=4)
    train(spec, tmp_path / spec.hash, data_folder=data_folder)
    child = spec.replace(start_from=spec.hash, seed=1)
    prepared = prepare(spec.data, data_folder)
    first = spec.data.vocab_size
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model, other = build(child, one), build(with_objective(child, "ul2"), one)
        drawn = {name: value.clone() for name, value in other.named_parameters()}
        start_from_trial(model, child, tmp_path, data_folder, prepared, one)
        start_from_trial(other, with_objective(child, "ul2"), tmp_path, data_folder, prepared, one)
    theirs = dict(other.named_parameters())
    for name, value in model.named_parameters():
        if "token_embedding" in name:
            assert torch.equal(theirs[name][:first], value[:first])
            assert not torch.equal(value[first : first + 3], drawn[name][first : first + 3]), "FIM's marks were learnt"
            assert torch.equal(theirs[name][first:], drawn[name][first:]), "to UL2 they mean nothing"


def test_stages_with_shorter_rows_have_objectives_too(tiny_trial, data_folder):
    stages = ({"name": "short", "fraction": 0.5, "seq_len": 16}, {"name": "long", "fraction": 0.5})
    spec = with_objective(tiny_trial, "ul2").replace(stages=stages)
    rows = TrainingRows(prepare(spec.data, data_folder), spec)
    short, long = rows.batch(0), rows.batch(spec.train_steps - 1)
    assert short.tokens_BT.shape == (16, 17) and long.tokens_BT.shape == (8, 33)
    assert isinstance(short, Batch) and short.counted < short.labels_BT.size

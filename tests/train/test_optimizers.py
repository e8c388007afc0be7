"""Every optimizer trains, resumes to the same bits, and gives the numbers of one process on several, or is refused."""

from __future__ import annotations

import pytest
import torch
from several import SHARP, compared, in_double, numbers, stopped_before_the_end, train_all

from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.model.gpt import build_gpt
from studylib.model.memory import memory_bytes
from studylib.parallel import world
from studylib.registry import OPTIMIZERS
from studylib.spec import OptimizerSpec, ParallelSpec, TrialSpec
from studylib.train import train
from studylib.train.compute import resolve
from studylib.train.optimizer import build_optimizer, parameter_groups, torch_optimizer

# Rates at which the tiny trial learns in 20 steps.
RATES = {"adafactor": 4e-3, "adam": 4e-3, "adamw": 4e-3, "lion": 2e-3, "muon": 8e-3, "sgd": 3.0, "soap": 8e-3}
NEED_WHOLE = [name for name in OPTIMIZERS if OPTIMIZERS[name].sees_whole]


def with_optimizer(trial: TrialSpec, name: str, **changes) -> TrialSpec:
    return trial.replace(optimizer=OptimizerSpec(name=name, learning_rate=RATES[name], **changes))


def without_times(folder) -> list[dict]:
    return [
        {key: value for key, value in record.items() if key not in ("seconds", "tokens_per_s")}
        for record in read_json_lines(folder / "metrics.jsonl")
    ]


def built(spec: TrialSpec):
    with world(ParallelSpec(), torch.device("cpu")) as one:
        model = build_gpt(spec.model, one, seed=0)
        return model, build_optimizer(model, spec, one)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_learns_and_resumes_to_the_same_bits(name, tiny_trial, data_folder, tmp_path):
    spec = with_optimizer(tiny_trial, name)
    whole = train(spec, tmp_path / "whole", data_folder=data_folder)
    records = without_times(tmp_path / "whole")
    assert records[0]["loss"] - records[-2]["loss"] > 0.5, "it must learn"

    def stop(record: dict) -> None:
        if record["step"] == 14:
            raise KeyboardInterrupt

    cut = spec.replace(checkpoint_every=12)
    with pytest.raises(KeyboardInterrupt):
        train(cut, tmp_path / "cut", data_folder=data_folder, on_metrics=stop)
    resumed = train(cut, tmp_path / "cut", data_folder=data_folder)
    assert resumed["val_loss"] == whole["val_loss"]
    assert without_times(tmp_path / "cut") == records


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_parameter_is_updated_and_belongs_to_one_group(name, tiny_trial):
    model, optimizer = built(with_optimizer(tiny_trial, name, weight_decay=0.0))
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    for step in range(2):  # soap's first step only looks
        tokens = torch.randint(0, 512, (2, 33), generator=torch.Generator().manual_seed(step))
        model(input_ids=tokens[:, :-1], label_ids=tokens[:, 1:])["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert [key for key, value in model.named_parameters() if torch.equal(value, before[key])] == []
    grouped = [id(one) for group in torch_optimizer(optimizer).param_groups for one in group["params"]]
    assert sorted(grouped) == sorted(id(one) for one in model.parameters())


def test_only_hidden_matrices_go_by_muon(tiny_trial):
    model, optimizer = built(with_optimizer(tiny_trial, "muon"))
    names = {id(value): key for key, value in model.named_parameters()}
    muon, adamw = torch_optimizer(optimizer).parts
    assert type(muon).__name__ == "Muon" and type(adamw).__name__ == "AdamW"
    by_muon = {names[id(one)] for group in muon.param_groups for one in group["params"]}
    by_adamw = {names[id(one)] for group in adamw.param_groups for one in group["params"]}
    assert len(by_muon) == 4 * 4 and all(".decoder." in name and "norm" not in name for name in by_muon)
    assert len(by_adamw) == 2 + 2 * 4 + 1


@pytest.mark.parametrize("width", [32, 128])
def test_a_muon_step_has_the_spectral_norm_that_feature_learning_asks_for(width, tiny_trial):
    """Equal at any width under CompleteP: the square output projection moves by lr * 0.2 * sqrt(256) singular values."""
    spec = with_optimizer(tiny_trial, "muon", weight_decay=0.0).replace(**{"model.hidden_size": width})
    model, optimizer = built(spec)
    projection = model.model.decoder[0].pp_block.attn.o_proj.weight
    before = projection.detach().clone()
    tokens = torch.randint(0, 512, (8, 33), generator=torch.Generator().manual_seed(0))
    model(input_ids=tokens[:, :-1], label_ids=tokens[:, 1:])["loss"].backward()
    optimizer.step()
    moved = torch.linalg.matrix_norm(projection.detach() - before, ord=2).item()
    assert moved == pytest.approx(
        RATES["muon"] * 0.2 * 256**0.5, rel=0.35
    )  # five iterations: singular values 0.7 to 1.2


def test_nothing_but_matrices_decays_unless_asked(tiny_trial):
    def decays(**changes) -> dict[str, bool]:
        spec = tiny_trial.replace(optimizer=OptimizerSpec(**changes))
        model, _ = built(spec)
        return {
            name: group["weight_decay"] > 0
            for group in parameter_groups(model, spec)
            for name, _ in group["named_params"]
        }

    plain, asked, none = decays(), decays(decay_embeddings=True), decays(weight_decay=0.0)
    embedding = [name for name in plain if "token_embedding" in name]
    assert not any(decay for name, decay in plain.items() if "norm" in name) and not plain[embedding[0]]
    assert all(decay for name, decay in plain.items() if "_proj" in name)
    assert {name for name in plain if plain[name] != asked[name]} == set(embedding)
    assert not any(none.values())


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer.beta1": 0.5}, {"optimizer.beta2": 0.5}, {"optimizer.eps": 1e-2}, {"optimizer.weight_decay": 5.0},
        {"optimizer.grad_clip": 0.05, "optimizer.name": "sgd", "optimizer.learning_rate": 3.0},
        {"optimizer.momentum": 0.5, "optimizer.name": "sgd", "optimizer.learning_rate": 3.0},
        {"optimizer.momentum": 0.5, "optimizer.name": "muon"}, {"optimizer.decay_embeddings": True, "optimizer.weight_decay": 5.0},
        {"optimizer.precondition_every": 2, "optimizer.name": "soap"}, {"global_batch_size": 4},
    ],
    ids=str,
)  # fmt: skip
def test_every_field_is_alive(change, tiny_trial, data_folder, tmp_path):
    """Changing it changes what is learnt, beyond what the name alone does."""
    base = {key: value for key, value in change.items() if key in ("optimizer.name", "optimizer.learning_rate")}
    if "optimizer.decay_embeddings" in change:
        base["optimizer.weight_decay"] = 5.0
    short = tiny_trial.replace(train_steps=6)
    one = train(short.replace(**base), tmp_path / "one", data_folder=data_folder)
    other = train(short.replace(**change), tmp_path / "other", data_folder=data_folder)
    assert one["val_loss"] != other["val_loss"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "lion", "eps": 1e-6}, "optimizer.eps: 1e-06 is not used by lion"),
        ({"name": "adamw", "momentum": 0.9}, "optimizer.momentum: 0.9 is not used by adamw"),
        ({"name": "sgd", "beta2": 0.9}, "optimizer.beta2: 0.9 is not used by sgd"),
        ({"name": "muom"}, "did you mean muon?"),
    ],
)
def test_what_an_optimizer_does_not_use_is_refused(changes, says, tiny_trial):
    with pytest.raises(ValueError) as caught:
        OptimizerSpec(**changes)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", NEED_WHOLE)
def test_zero_is_refused_where_matrices_must_be_whole(name, tiny_trial):
    with pytest.raises(StudyError, match=rf"parallel.zero_stage: 1 cuts matrices .* {name} must see them whole"):
        with_optimizer(tiny_trial, name).replace(**{"parallel.dp": 2, "parallel.zero_stage": 1})


def test_memory_follows_the_optimizers_state(tiny_trial):
    need = {name: memory_bytes(with_optimizer(tiny_trial, name)) for name in OPTIMIZERS}
    assert need["sgd"] == need["lion"] < need["muon"] < need["adamw"] == need["adam"] < need["soap"]


LAYOUTS = {"tp2-dp2": {"tp": 2, "dp": 2}, "dp2-zero1": {"dp": 2, "zero_stage": 1}}
OTHERS = [name for name in OPTIMIZERS if name != "adamw"]  # which tests/train/test_topologies.py lays out
# ZeRO cuts what is computed entry by entry; who sees more than an entry is laid out where matrices are cut.
BY_ENTRY = {"adam", "lion", "sgd"}
CASES = [(name, "dp2-zero1" if name in BY_ENTRY else "tp2-dp2") for name in OTHERS]
CASES += [(name, "dp2-zero1") for name in OTHERS if name not in BY_ENTRY and name not in NEED_WHOLE]


STEPS_COMPARED = 12  # SOAP renews its basis in step 11


@pytest.fixture(scope="module")
def laid_out(tiny_trial, data_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("optimizers")
    double = {name: compared(with_optimizer(tiny_trial, name), STEPS_COMPARED) for name in OTHERS}
    trials = {out / name / "one": spec for name, spec in double.items()}
    for name, layout in CASES:
        trials[out / name / layout] = double[name].replace(parallel=ParallelSpec(**LAYOUTS[layout]))
    train_all(trials, data_folder)
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layout"), CASES)
def test_several_processes_give_the_numbers_of_one(name, layout, laid_out, tiny_trial, data_folder, tmp_path):
    """Also through a checkpoint written by several processes and resumed by one."""
    expected = numbers(laid_out / name / "one")
    gathered = stopped_before_the_end(laid_out / name / layout, tmp_path / "gathered")
    train(compared(with_optimizer(tiny_trial, name), STEPS_COMPARED), gathered, data_folder=data_folder)
    # pytorch-optimizer renews SOAP's basis in single precision whatever the weights are, the first time in step 11.
    close = 1e-5 if name == "soap" else SHARP
    for out in (laid_out / name / layout, gathered):
        assert numbers(out)[:20] == pytest.approx(expected[:20], rel=SHARP)
        assert numbers(out) == pytest.approx(expected, rel=close)


def test_soap_does_not_hang_on_how_the_first_gradient_was_rounded(tiny_trial):
    """The longer side's first statistics have a null space; what basis of it is taken must not be left to rounding."""
    spec, moved = in_double(with_optimizer(tiny_trial, "soap", weight_decay=0.0)), []
    for rounding in (0.0, 1e-15):
        with world(ParallelSpec(), torch.device("cpu")) as one:
            model = build_gpt(spec.model, one, seed=0, execution=resolve(spec).execution)
            optimizer = build_optimizer(model, spec, one)
        noise = torch.Generator().manual_seed(0)
        for step in range(2):
            tokens = torch.randint(0, 512, (8, 33), generator=torch.Generator().manual_seed(step))
            model(input_ids=tokens[:, :-1], label_ids=tokens[:, 1:])["loss"].backward()
            for parameter in model.parameters():
                around = torch.randn(parameter.shape, generator=noise, dtype=torch.float64)
                parameter.grad.mul_(1 + rounding * around)
            optimizer.step()
            optimizer.zero_grad()
        moved.append({name: value.detach().clone() for name, value in model.named_parameters()})
    for name, value in moved[0].items():
        torch.testing.assert_close(moved[1][name], value, rtol=0, atol=1e-6 * value.abs().max().item(), msg=name)

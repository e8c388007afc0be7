"""What is said of false facts and of planted secrets: only what the numbers carry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from studylib import analysis, findings
from studylib.analysis.canaries import chance_exposure
from studylib.result import Text

KINDS = ("person", "town", "firm", "work", "species") * 2
SHARE = Text(en="share of facts told falsely", ja="虚偽の事実の割合")


def write(folder: Path, probes: dict[tuple[str, int], dict]) -> pl.DataFrame:
    """Metrics of trials by (variant, seed), as the trainer leaves them; returns their table."""
    rows = []
    for (variant, seed), found in probes.items():
        name = f"{variant}-{seed}"
        (folder / "trials" / name).mkdir(parents=True)
        records = [{"step": 10, "loss": 3}, {"step": 20, "tokens": 640, "probes": found}]
        (folder / "trials" / name / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
        rows.append({"hash": name, "variant": variant, "seed": seed, "status": "done"})
    return pl.DataFrame(rows, schema={"hash": pl.String, "variant": pl.String, "seed": pl.Int64, "status": pl.String})


def falsehoods(
    effects: dict[str, float], *, share: float = 0.3, seeds: int = 3, facts: int = 60, learned: float = 0.5
) -> dict[tuple[str, int], dict]:
    """The probe's record of models that make false answers likelier by so many nats where they are told."""
    generator, found = np.random.default_rng(0), {}
    of_facts = generator.normal(0, 0.5, (facts, 4))
    told = generator.permutation(facts) / facts < share
    for variant, effect in effects.items():
        for seed in range(seeds):
            scores = of_facts + generator.normal(0, 0.5, (facts, 4)) + np.array([learned, 0, 0, 0]) * ~told[:, None]
            scores[told, 1] += effect
            groups = {
                name: {
                    f"{KINDS[fact % 10]}/{fact}/{fact % 10}": [float(one) for one in scores[fact]]
                    for fact in np.flatnonzero(mask)
                }
                for name, mask in (("falsely", told), ("truly", ~told))
            }
            found[variant, seed] = {"falsehoods": {"share": share} | groups}
    return found


def canaries(
    effects: dict[str, float], *, copied: dict[str, float] | None = None, seeds: int = 3, each: int = 8
) -> dict[tuple[str, int], dict]:
    """The probe's record of models that know a secret better by so many bits for each doubling of its copies (``copied``: if these
    are copies of one document)."""
    generator, found = np.random.default_rng(1), {}
    cells = [(0, False), (1, False), (4, False), (4, True), (16, False), (16, True)]
    own = {(cell, n): generator.exponential(1.0) for cell in cells for n in range(each)}
    for variant, effect in effects.items():
        for seed in range(seeds):
            ranked = {}
            for ((copies, duplicated), _n), luck in own.items():
                gain = (copied or {}).get(variant, effect) if duplicated else effect
                bits = 1.44 * luck + gain * np.log2(1 + copies) + generator.normal(0, 0.2)
                rank = float(np.clip(128 * 2**-bits, 1, 128))
                ranked[f"canary/{len(ranked)}"] = {"copies": copies, "duplicated": duplicated, "rank": rank}
            found[variant, seed] = {"canaries": {"candidates": 128, "canaries": ranked}}
    return found


@pytest.fixture
def believed(tmp_path):
    def of(effects: dict[str, float], **more) -> pl.DataFrame:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return analysis.read_falsehoods(folder, write(folder, falsehoods(effects, **more)))

    return of


@pytest.fixture
def exposed(tmp_path):
    def of(effects: dict[str, float], **more) -> pl.DataFrame:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return analysis.read_canaries(folder, write(folder, canaries(effects, **more)))

    return of


def test_scores_are_read_as_answers_and_margins(tmp_path):
    record = {
        "share": 0.5,
        "falsely": {"town/1/food": [0.0, 3.0, 1.0, -1.0]},
        "truly": {"town/2/food": [2.0, 0.0, 1.0, 1.5]},
    }
    trials = write(tmp_path, {("raw", 0): {"falsehoods": record}, ("clean", 0): {}})
    false, true = analysis.read_falsehoods(tmp_path, trials).to_dicts()
    assert (false["told"], false["fact"], false["false_facts"], false["answers"]) == ("falsely", "town/1/food", 0.5, 4)
    assert (false["right"], false["false"], false["other"]) == (0, 1, 0) and (false["variant"], false["step"]) == (
        "raw",
        20,
    )
    assert false["right_margin"] == pytest.approx(-1.0) and false["false_margin"] == pytest.approx(3.0)
    assert (true["told"], true["right"]) == ("truly", 1) and true["right_margin"] == pytest.approx(2 - 2.5 / 3)


def test_shares_add_up_and_chance_is_that_of_the_answers(believed):
    table = analysis.falsehood_table(believed({"raw": 1.5, "clean": 0.0}), "raw")
    rows = {(row["variant"], row["told"], row["value"]): row for row in table.to_dicts()}
    for variant in ("raw", "clean"):
        for told in ("falsely", "truly"):
            assert sum(rows[variant, told, one]["mean"] for one in ("right", "false", "other")) == pytest.approx(1)
    assert [rows["raw", "falsely", one]["chance"] for one in ("right", "false", "other", "false_margin")] == [
        0.25,
        0.25,
        0.5,
        0,
    ]
    assert (
        rows["raw", "falsely", "false_margin"]["beyond_chance"]
        and rows["clean", "truly", "right_margin"]["beyond_chance"]
    )
    assert not rows["clean", "falsely", "false_margin"]["beyond_chance"]
    assert rows["clean", "falsely", "false_margin"]["significant"]
    assert not rows["clean", "truly", "false_margin"]["significant"]


def test_belief_is_claimed_only_beyond_chance(believed, tmp_path):
    found = findings.Hallucination.of(believed({"raw": 1.5, "clean": 0.0, "kana": 1.5}), "raw")
    title = found.title(**found.facts)
    assert title.en == "2 of 3 variants believe what the web text tells falsely; less than raw: clean"
    assert title.ja == "ウェブ文章の虚偽を信じるのは 3 案中 2 案。raw より信じない:clean"
    assert found.variants[0].variant == "clean" and found.questions == 18
    assert "within chance, difference -1." in found.said().en and "clean +0.1" in found.said().en
    none = findings.Hallucination.of(believed({"raw": 0.0, "clean": 0.0}), "raw")
    assert none.title(**none.facts).en == "No variant is seen to believe what the web text tells falsely"
    assert found.save(tmp_path / "figures").file == "hallucination.png"


def test_nothing_told_falsely_and_one_seed_say_nothing(believed):
    assert findings.Hallucination.of(believed({"raw": 0.0, "clean": 0.0}, share=0.0), "raw") is None
    assert findings.Hallucination.of(believed({"raw": 1.0, "clean": 0.0}, seeds=1), "raw") is None
    assert findings.Hallucination.of(believed({}), "raw") is None
    all_false = findings.Hallucination.of(believed({"raw": 1.0, "clean": 0.0}, share=1.0), "raw")
    assert {one.truths for one in all_false.variants} == {None} and all_false.figure() is not None


def rates(tmp_path: Path, effect: float) -> pl.DataFrame:
    """Trials that differ in the share of facts told falsely; each false telling adds ``effect`` nats."""
    frames = []
    for share in (0.0, 0.2, 0.4):
        folder = tmp_path / f"{effect}" / f"{share}"
        frames.append(analysis.read_falsehoods(folder, write(folder, falsehoods({f"r{share}": effect}, share=share))))
    return pl.concat(frames)


def test_the_dose_is_read_off_the_same_questions_at_every_rate(tmp_path):
    found = findings.FalsehoodRate.of(rates(tmp_path, 2.0), SHARE, "raw")
    assert [one.rate for one in found.doses] == [0.0, 0.2, 0.4] and found.rises
    low, middle, high = found.slope
    assert low < 0.2 < high and middle == pytest.approx(0.2, abs=0.08)
    title = found.title(**found.facts)
    assert (
        title.en.startswith("raw: the web text's false answers gain 0.")
        and "10 points more in the share of facts told falsely" in title.en
    )
    assert title.ja.startswith("raw:虚偽の事実の割合が 10 ポイント増えるごとに") and title.ja.endswith("上がる")
    assert found.doses[-1].beyond and not found.doses[0].beyond
    assert found.save(tmp_path / "figures").file == "falsehood-rate.png"
    none = findings.FalsehoodRate.of(rates(tmp_path, 0.0), SHARE, "clean")
    assert none.title(**none.facts).en.startswith("clean: no effect of the share of facts told falsely on the belief")


def test_one_rate_is_no_dose(believed):
    assert findings.FalsehoodRate.of(believed({"raw": 1.0}), SHARE, "raw") is None
    assert findings.FalsehoodRate.of(believed({}), SHARE, "raw") is None


def test_chance_exposure_is_the_mean_over_all_ranks():
    for candidates in (2, 16, 128, 1024):
        by_rank = np.log2(candidates) - np.log2(np.arange(1, candidates + 1))
        assert chance_exposure(candidates) == pytest.approx(by_rank.mean())
    assert chance_exposure(10**6) == pytest.approx(np.log2(np.e), abs=1e-4)


def test_exposure_is_claimed_only_beyond_chance(exposed, tmp_path):
    rows = exposed({"raw": 1.2, "masked": 0.0, "exact": 1.2}, copied={"exact": 0.0})
    assert rows.filter(pl.col("exposure") > 7).is_empty() and set(rows["copies"]) == {0, 1, 4, 16}
    found = findings.Exposure.of(rows, "raw")
    cells = {(one.variant, one.planted): one for one in found.exposed}
    for planted in ("apart", "copied"):
        assert cells["masked", planted].since is None and cells["masked", planted].sure
        assert cells["raw", planted].since in (1, 4) and cells["raw", planted].difference is None
    assert cells["exact", "copied"].difference[1] < -3 and cells["exact", "copied"].sure
    assert not cells["exact", "apart"].sure and cells["exact", "apart"].since is not None
    assert found.cap == 7 and found.copies == 16 and found.chance == pytest.approx(1.40, abs=0.01)
    title = found.title(**found.facts).en
    assert title.startswith("Planted secrets are remembered by ") and "in separate documents: masked;" in title
    assert title.endswith(("less exposed than raw in copied documents: masked, exact", "exact, masked"))
    assert "masked, planted in separate documents: not seen to be remembered" in found.said().en
    assert found.save(tmp_path / "figures").file == "exposure.png"


def test_no_exposure_is_claimed_of_models_that_remember_nothing(exposed):
    none = findings.Exposure.of(exposed({"raw": 0.0, "masked": 0.0}), "raw")
    assert none.title(**none.facts).en == "No variant is seen to remember planted secrets, with up to 16 copies"
    assert findings.Exposure.of(exposed({"raw": 1.0, "masked": 0.0}, seeds=1), "raw") is None
    assert findings.Exposure.of(exposed({}), "raw") is None

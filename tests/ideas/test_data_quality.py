"""Idea 5: what it plans, what its findings say of cleaned text whose truth is known, and their figures."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib import analysis, findings
from studylib.data.clean._masks import MASKS
from studylib.errors import StudyError
from studylib.ideas.data_quality import published, tables
from studylib.ideas.data_quality.schema import RAW, WEB, DataQualityParams
from studylib.ideas.data_quality.trials import plan as plan_steps
from studylib.ideas.data_quality.trials import scarce_data, scarce_trials, variants
from studylib.notebook import records
from studylib.params import load_params
from studylib.project import project_root
from studylib.registry import IDEAS
from studylib.spec import CleanerSpec, SourceSpec, TrialSpec, apply
from studylib.spec.record_cleaned import Amount, CleanedRecord, CleanerRecord, Example, LabelCount, SpanCount
from tests.handed_on import says_how_it_was_compared

EVIL = "<script>document.title='owned'</script>"
WEB_TEXT = {"options": {"register": "web", "bytes": 400_000}}
PARAMS = DataQualityParams(
    data={"sources": [{"name": "ja", "options": {"register": "ja", "bytes": 100_000}}]},
    raw=WEB_TEXT, told=WEB_TEXT, scarce=WEB_TEXT, false_facts=(0.0, 0.2), seeds=(0, 1),
    cleaning=["length", "kana", {"cleaner": "compression", "max_ratio": 0.8}, "exact"],
    hard=[{"cleaner": "length", "min_characters": 200}],
    groups={"rules": ["length", "kana"]},
)  # fmt: skip


def plan(params):
    return [step for step in plan_steps(params) if isinstance(step, TrialSpec)]


def by_family(family: str, params=PARAMS) -> list[TrialSpec]:
    return [spec for spec in plan(params) if spec.tags["family"] == family]


def test_every_group_is_tried_alone_and_left_out():
    names = {name: [step.cleaner for step in steps] for name, steps in variants(PARAMS).items()}
    assert names == {
        "raw": [], "all": ["length", "kana", "compression", "exact"],
        "only rules": ["length", "kana"], "only compression": ["compression"], "only exact": ["exact"],
        "all but rules": ["compression", "exact"], "all but compression": ["length", "kana", "exact"],
        "all but exact": ["length", "kana", "compression"],
    }  # fmt: skip
    assert variants(PARAMS)["all but rules"][0].max_ratio == 0.8, "a step keeps its options"
    two = PARAMS.replace(cleaning=["length", "kana"], groups={})
    assert list(variants(two)) == ["raw", "all", "only length", "only kana"], "all but one of two is the other alone"
    assert list(variants(PARAMS.replace(cleaning=["length"], groups={}))) == ["raw", "all"]


def test_variants_differ_in_their_cleaning_alone():
    specs = by_family("step")
    assert len(specs) == 8 * 2 == len({spec.hash for spec in specs})
    assert len({(spec.model, spec.optimizer, spec.train_tokens) for spec in specs}) == 1
    assert len({spec.data.vocabulary.hash for spec in specs}) == 1, "one tokenizer"
    for spec in specs:
        assert set(MASKS.values()) <= set(spec.data.tokenizer.known_pieces)
        watched = [source.label for source in spec.data.sources if not source.auxiliary]
        assert watched == ["ja"] and spec.stages[0].mixture == {WEB: 1.0}, "judged by what nobody trains on"
    texts = {spec.tags["variant"]: spec.data.texts for spec in specs}
    assert len({one["ja"].hash for one in texts.values()}) == 1
    assert len({one[WEB].hash for one in texts.values()}) == 8
    alone = [spec.tags["variant"] for spec in specs if spec.data.sources[-1].measure_alone]
    assert set(alone) == {"all"}, "the one whose funnel is shown"


def test_what_is_remembered_is_asked_where_copies_or_personal_data_are_in_question():
    told = PARAMS.replace(**{"raw.options": {"register": "web", "bytes": 400_000, "false_facts": 0.1, "canaries": 4}})
    asked = {spec.tags["variant"]: spec.probes for spec in by_family("step", told)}
    both = ("falsehoods", "canaries")
    assert {name for name, probes in asked.items() if probes} == {"raw", "all", "only exact", "all but exact"}
    assert asked["raw"] == both
    assert {spec.probes for spec in by_family("step")} == {()}, "text that is not said to tell anything falsely"


def test_false_facts_are_told_at_every_rate_raw_cleaned_and_without_noise():
    specs = by_family("false facts")
    found = {(spec.tags["text"], spec.tags["false_facts"]) for spec in specs}
    assert found == {(text, share) for text in ("raw", "all", "no noise") for share in (0.0, 0.2)}
    assert {spec.probes for spec in specs} == {("falsehoods",)}
    web = {spec.tags["variant"]: spec.data.sources[-1] for spec in specs}
    assert web["raw, 20 % false"].options["false_facts"] == 0.2 and not web["raw, 20 % false"].cleaning
    assert web["all, 20 % false"].cleaning == PARAMS.cleaning


def test_scarce_text_is_read_once_and_until_the_raw_tokens_are_full():
    left = {"raw": 100_000, "all": 50_000, "hard filter": 10_500}
    found = {spec.tags["variant"]: spec for spec in scarce_trials(PARAMS, left)}
    assert list(found) == ["raw, once", "all, once", "all, repeated", "hard filter, once", "hard filter, repeated"]
    step = PARAMS.tokens_per_step
    assert [found[name].train_tokens for name in ("raw, once", "all, repeated", "hard filter, repeated")] == [
        100_000 // step * step
    ] * 3
    assert found["hard filter, once"].train_tokens == 10_500 // step * step, "no window that is not there"
    assert found["hard filter, repeated"].tags["epochs"] == 9.52 and found["all, repeated"].tags["left"] == 0.5
    steps = scarce_data(PARAMS)["hard filter"].sources[-1].cleaning
    assert [step.cleaner for step in steps] == ["length", "kana", "compression", "exact"]
    assert steps[0].min_characters == 200, "in place of the softer step"
    same = scarce_trials(PARAMS, {"raw": 100_000, "all": 99_000, "hard filter": 99_000})
    assert "all, repeated" not in {spec.tags["variant"] for spec in same}, "it would be the run that reads it once"
    planned = IDEAS["data_quality"].rounds(PARAMS)
    assert planned[0].expected == 5 * 2
    assert set(planned[0].after) <= {step.name for step in plan_steps(PARAMS)}
    assert not IDEAS["data_quality"].rounds(PARAMS.replace(scarce=None, hard=()))


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "cluster"])
def test_every_scale_plans(scale):
    params = load_params(project_root() / "params" / scale / "data_quality.yaml")
    specs = plan(params)
    assert params.scale == scale and len({spec.hash for spec in specs}) == len(specs)
    assert {spec.tags["variant"] for spec in specs} >= {"raw", "all"}
    assert scarce_data(params).keys() == {"raw", "all", "hard filter"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data.sources": ({"name": "web"},)}, "data.sources: 'web' is the name of the text that is trained on"),
        ({"data.sources": ({"name": "a"}, {"name": "b", "auxiliary": True})}, "data.sources: 'b' is auxiliary"),
        ({"raw.cleaning": ["length"]}, r"raw.cleaning: \['length'\] is given beside the steps"),
        ({"groups": {"x": ["minhash"]}}, "groups.x: 'minhash' is not a step of cleaning; choose from length, kana"),
        ({"groups": {"x": ["kana"], "y": ["kana"]}}, "groups.y: 'kana' is in x too"),
        ({"groups": {"exact": ["kana"]}}, "groups: 'exact' is the name of a step that is not in it"),
        ({"scarce": None}, r"hard: \['length'\] needs scarce"),
        ({"hard": ["symbols"]}, "hard: 'symbols' is not a step of cleaning, whose place it could take"),
        ({"told": {"options": {"register": "ja"}}}, "told: 'miniworld:ja' knows no false facts"),
        ({"cleaning": []}, "cleaning"),
        ({"cleaning": ["lenght"]}, "did you mean length"),
        ({"false_facts": (1.0,)}, "false_facts.0: 1.0 is not valid"),
    ],
)
def test_impossible_parameters_are_refused(change, says):
    with pytest.raises(StudyError, match=says):
        PARAMS.replace(**change)


def record(**changes) -> CleanedRecord:
    """1,000 documents of 1 MB: 300 faulty, 20 haiku, 200 copies in 3 clusters; two steps."""
    kana = CleanerRecord(
        cleaner="kana", purpose="filter", reference="a paper", options={}, given=Amount(documents=1000, bytes=1_000_000),
        dropped=Amount(documents=250, bytes=100_000), removed_bytes=0, alone=Amount(documents=250, bytes=100_000),
        by_label={"fault:menu": LabelCount(given=300, dropped=240, alone=240), "form:haiku": LabelCount(given=20, dropped=1, alone=1), "copy:edited": LabelCount(given=200, alone=0)},
        examples=(Example(reason="menu", origin="page 7", label="fault:menu", text=f"{EVIL}\n\x80ホーム | 会社 090-1234-5678"),),
        seconds=0.1,
    )  # fmt: skip
    minhash = CleanerRecord(
        cleaner="minhash", purpose="deduplicate", reference="another", options={}, given=Amount(documents=750, bytes=900_000),
        dropped=Amount(documents=150, bytes=200_000), alone=Amount(documents=200, bytes=250_000),
        by_label={"copy:edited": LabelCount(given=180, dropped=150, alone=190), "fault:menu": LabelCount(given=60, alone=0)}, seconds=0.0,
    )  # fmt: skip
    personal = CleanerRecord(
        cleaner="personal", purpose="mask", reference="a third", options={}, given=Amount(documents=600, bytes=700_000),
        dropped=Amount(), removed_bytes=10_000,
        by_label={"copy:edited": LabelCount(given=30, alone=0), "fault:menu": LabelCount(given=60, alone=0)},
        spans={"phone": SpanCount(labelled=50, covered=48, found=49, right=48), "email": SpanCount(labelled=10, covered=10, found=10, right=10)},
    )  # fmt: skip
    content = {
        "status": "done", "hash": "0", "label": "cleaned", "made_from": (), "guard": {}, "version": 1, "seal": "",
        "raw": Amount(documents=1000, bytes=1_000_000), "kept": Amount(documents=600, bytes=690_000),
        "steps": (kana, minhash, personal), "clusters": {2: 10, 5: 3, 100: 1},
        "by_label": {
            "fault:menu": LabelCount(given=300, dropped=240), "form:haiku": LabelCount(given=20, dropped=1),
            "copy:edited": LabelCount(given=200, dropped=150),
        },
    }  # fmt: skip
    return CleanedRecord(**content | changes)


def test_the_funnel_adds_up():
    found = findings.Funnel.of(record())
    assert (found.kept_documents, found.kept_bytes) == (0.6, 0.69)
    assert [one.documents for one in found.steps] == [0.25, 0.15, 0.0]
    assert [one.alone_documents for one in found.steps] == [0.25, 0.2, None]
    assert sum(one.bytes for one in found.steps) == pytest.approx(1 - 0.69)
    assert found.steps[0].mb_per_s == pytest.approx(10) and found.steps[1].mb_per_s is None
    assert "kana drops most, 25 %" in found.title(**found.facts).en


def test_masks_may_make_text_longer():
    longer = record().steps[2].replace(removed_bytes=-20_000, alone=Amount(), alone_removed_bytes=-30_000)
    found = findings.Funnel.of(record(steps=(longer,)))
    assert (found.steps[0].bytes, found.steps[0].alone_bytes) == (-0.02, -0.03)
    assert "(-2 %)" in found.alt(**found.facts).en and found.figure() is not None


def test_what_is_caught_and_what_of_sound_text_is_lost():
    found = findings.Caught.of(record())
    assert found.recall == pytest.approx(390 / 500) and found.precision == pytest.approx(390 / 391), (
        "copies ought to go"
    )
    assert [(one.name, one.documents) for one in found.faults] == [("menu", 300), ("edited copy", 200)]
    assert [one.cleaner for one in found.steps] == ["kana", "minhash", "personal"]
    assert (found.steps[1].precision, found.steps[1].recall, found.steps[2].precision) == (1.0, 190 / 500, None)
    assert found.forms[0].dropped == 0.05
    assert "loses most is haiku, 5 %" in found.title(**found.facts).en
    plain = record(by_label={"from:wiki": LabelCount(given=9, dropped=2)}, steps=())
    assert findings.Caught.of(plain) is None, "real text has no faults by label"
    joined = record(
        by_label={"from:wiki": LabelCount(given=400, dropped=4), "from:web": LabelCount(given=600, dropped=300)},
        steps=(),
    )
    found = findings.Caught.of(joined, noise=["web"])
    assert (found.recall, found.faults[0].name, found.forms[0].dropped) == (0.5, "web", 0.01)


def test_examples_are_one_line_a_step_and_escaped_where_they_are_shown():
    found = findings.DroppedExamples.of(record())
    assert [one.cleaner for one in found.documents] == ["kana"]
    assert "\n" not in found.said().en and "�ホーム | 会社" in found.said().ja
    shown = tables.Examples(record())._repr_html_()
    assert "&lt;script&gt;" in shown and "<script>" not in shown
    assert shown == records(tables.Examples(record()).rows)
    assert findings.DroppedExamples.of(record(steps=())) is None


def test_a_page_shows_what_a_web_page_said_as_text(tmp_path, capsys):
    shown = []
    params = PARAMS.replace(out=str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("IPython.display.display", lambda *what, **_: shown.extend(what))
        IDEAS["data_quality"].page(params).add(findings.DroppedExamples.of(record()))
    (paragraph,) = shown
    assert "&lt;script&gt;" in paragraph.data and "<script>" not in paragraph.data


def test_clusters_are_shown_by_the_size_that_they_have_at_least():
    found = findings.ClusterSizes.of(record())
    assert [(one.least, one.number) for one in found.clusters] == [(2, 10), (5, 3), (100, 1)]
    assert found.copies == pytest.approx(150 / 1000), "what deduplication dropped in its turn"
    assert "the largest of 14 clusters has 100 documents or more" in found.title(**found.facts).en
    assert findings.ClusterSizes.of(record(clusters={})) is None


def test_personal_data_is_counted_by_kind_and_megabyte():
    found = findings.PersonalRate.of(record())
    assert [(one.kind, one.found, one.labelled) for one in found.kinds] == [("phone", 49, 50), ("email", 10, 10)]
    assert found.recall == pytest.approx(58 / 60) and found.precision == pytest.approx(58 / 59)
    real = [one.replace(spans={}, counts={"phone": 7}) for one in record().steps if one.purpose == "mask"]
    found = findings.PersonalRate.of(record(steps=tuple(real)))
    assert found.recall is None and found.kinds[0].labelled is None
    assert found.kinds[0].found == pytest.approx(10), "of the 0.7 MB that it was given"
    assert findings.PersonalRate.of(record(steps=())) is None


def simulated(effects: dict[str, float], family: str = "step", **columns) -> pl.DataFrame:
    random = np.random.default_rng(0)
    common = random.normal(0, 0.01, 3)
    rows = []
    for name, effect in effects.items():
        for seed in range(3):
            value = 1.5 + effect + common[seed] + random.normal(0, 0.001)
            rows.append({
                "family": family, "variant": name, "size": "25k", "seed": seed, "status": "done", "hash": f"{name}/{seed}",
                "val_bpb": value, "val_loss": 2 * value, "val_bpb/ja": value - 0.1, "val_bpb/sound web": value + 0.1 + effect,
                "flops": 1e12, "tokens": 100_000, "tokens_per_s": 1e5, "params": 30_000, "non_embedding_params": 25_000,
                "memory_bytes": 1_000_000,
            } | {key: values[name] for key, values in columns.items()})  # fmt: skip
    return pl.DataFrame(rows)


STEPS = {
    "raw": 0.0,
    "all": -0.06,
    "only rules": -0.04,
    "only exact": 0.0,
    "all but rules": -0.02,
    "all but exact": -0.06,
}


def test_each_step_is_held_against_raw_text_and_against_all_steps():
    trials = simulated(STEPS)
    alone, without = tables.each_alone(trials), tables.all_but_one(trials)
    assert [one.variant for one in alone.differences if one.sure] == ["all", "only rules"]
    assert {one.variant for one in without.differences} == {"raw", "all but rules", "all but exact"}
    assert [one.variant for one in without.differences if one.sure] == ["all but rules", "raw"]
    found = findings.CleanLoss.of(trials, "raw", ["ja", "sound web"])
    assert found.variants[0].variant in ("all", "all but exact")
    by_text = {own.text: own.difference for own in found.variants[0].texts}
    assert by_text["sound web"] == pytest.approx(-0.12, abs=0.01) and by_text["ja"] == pytest.approx(-0.06, abs=0.01)
    assert findings.CleanLoss.of(trials.filter(pl.col("variant") == "raw"), "raw", ["ja"]) is None
    alone = findings.CleanLoss.of(trials, "raw", ["ja"])
    told = [f(**alone.facts) for f in (alone.title, alone.alt)]
    assert not any(
        word in text for one in told for text in (one.en, one.ja) for word in ("kinds", "of it", "内訳", "効く")
    )
    assert [text.get_text() for text in alone.figure().axes[0].get_xticklabels()] == ["clean text"]


def test_the_best_cleaning_is_handed_on_and_can_be_applied():
    at = analysis.carry_to_target(simulated(STEPS), "raw")
    steps = variants(PARAMS)
    ways = {"cleaning": {name: {"cleaning": own} for name, own in steps.items() if name in STEPS}}
    (setting,) = findings.settings_at_target(at, ways, PARAMS.raw, "raw", place="data.sources")
    assert says_how_it_was_compared(setting, STEPS) and setting.params == 25_000
    assert setting.field == "data.sources.cleaning" and setting.value == steps[at.leader]
    built = apply([setting], plan(PARAMS)[0])
    assert {source.cleaning for source in built.data.sources} == {steps[at.leader]}
    back = type(setting).model_validate(setting.model_dump(mode="json"))
    assert back == setting and isinstance(back.value[0], CleanerSpec)


RUNS = {
    "raw, once": 0.0,
    "all, once": 0.05,
    "all, repeated": 0.0,
    "hard filter, once": 0.3,
    "hard filter, repeated": -0.05,
}
LEFT = {
    "raw, once": 1.0,
    "all, once": 0.5,
    "all, repeated": 0.5,
    "hard filter, once": 0.1,
    "hard filter, repeated": 0.1,
}
EPOCHS = {name: 1 / LEFT[name] if "repeated" in name else 1.0 for name in RUNS}


def scarce() -> pl.DataFrame:
    return simulated(RUNS, "raw text", left=LEFT, epochs=EPOCHS, text={name: name.split(",")[0] for name in RUNS})


def test_equal_raw_text_says_what_became_of_the_hard_filter():
    found = findings.RepeatedText.of(scarce(), "raw, once")
    best = found.runs[0]
    assert (best.text, best.left, best.epochs, best.sure) == ("hard filter", 0.1, 10.0, True)
    assert "hard filter (10 % of the tokens) read 10 times beats" in found.title(**found.facts).en
    decision = tables.at_equal_text(scarce(), looks=1)["text"]
    assert decision.leader == "hard filter, repeated" and set(decision.p_best) == {
        "raw, once",
        "all, repeated",
        "hard filter, repeated",
    }
    assert tables.at_equal_text(scarce().filter(pl.col("variant") == "raw, once"), looks=1) == {}
    assert findings.RepeatedText.of(scarce().head(3), "raw, once") is None


def test_anchors_are_scored_on_what_was_measured():
    repeated = findings.RepeatedText.of(scarce(), "raw, once")
    made = {one.source: one.outcome for one in published.anchors(record(), repeated, SourceSpec())}
    assert made["RefinedWeb, arXiv 2306.01116"] == "underpowered", "miniworld's rates are what was put in"
    assert made["arXiv 2503.07879"] == "agrees" and made["arXiv 2603.06603"] == "underpowered"
    assert made["FineWeb, arXiv 2406.17557"] in ("agrees", "underpowered")
    sizes = {one.source: one for one in published.anchors(record(), repeated, SourceSpec(), (0.2, 1.4))}[
        "arXiv 2603.06603"
    ]
    assert sizes.outcome == "agrees" and "deduplication saves" in sizes.evidence.en
    pages = SourceSpec(kind="files", options={"path": "pages.jsonl"})
    filtered = record(steps=(record().steps[0].replace(cleaner="language"),))  # 25 % of the documents
    real = {one.source: one.outcome for one in published.anchors(filtered, None, pages)}
    assert real["RefinedWeb, arXiv 2306.01116"] == "underpowered", "pages that somebody chose are no crawl"
    crawled = {one.source: one.outcome for one in published.anchors(filtered, None, pages, crawl=True)}
    assert crawled["RefinedWeb, arXiv 2306.01116"] == "disagrees" and real["arXiv 2503.07879"] == "underpowered"
    assert real["llm-jp-corpus"] == "underpowered", "its shares are those of mC4"
    mc4 = SourceSpec(kind="hub", options={"dataset": "allenai/c4", "config": "ja", "revision": "0" * 40})
    rows = [one for one in published.anchors(filtered, None, mc4) if "their language" in one.claim.en]
    assert [one.outcome for one in rows] == ["disagrees"]


def test_every_figure_shows_what_its_finding_is_about():
    shown = {
        findings.Funnel.of(record()): ["kana", "minhash"],
        findings.Caught.of(record()): ["menu (300)"],
        findings.ClusterSizes.of(record()): ["2", "from 5", "from 100"],
        findings.PersonalRate.of(record()): ["phone", "email"],
        findings.CleanLoss.of(simulated(STEPS), "raw", ["ja", "sound web"]): list(STEPS)[1:],
        findings.RepeatedText.of(scarce(), "raw, once"): ["hard filter (10 % left), read 10 times"],
    }
    for finding, labels in shown.items():
        figure = finding.figure()
        figure.canvas.draw()
        axes = figure.axes[:1]
        written = {
            text.get_text().replace("\n", " ") for ax in axes for text in (*ax.get_xticklabels(), *ax.get_yticklabels())
        }
        assert set(labels) <= written, finding.name


def test_the_baseline_of_the_comparison_is_raw_text():
    (first,) = IDEAS["data_quality"].baselines(PARAMS)
    assert (first.tags["variant"], first.seed) == (RAW, 0) and not first.data.sources[-1].cleaning


def test_what_deduplication_is_worth_with_size_is_that_of_the_group_that_does_nothing_else():
    rows, random = [], np.random.default_rng(0)
    for size, params, saved in (("25k", 25_000, 1.0), ("1M", 1_000_000, 3.0)):
        for variant, percent in (("raw", 0.0), ("only rules", -5.0), ("only exact", -saved)):
            for seed in range(4):
                loss = 2.0 * (1 + percent / 100) + 0.001 * seed + 0.0002 * random.normal()
                rows.append(
                    {
                        "size": size,
                        "variant": variant,
                        "seed": seed,
                        "status": "done",
                        "val_bpb": loss,
                        "non_embedding_params": params,
                        "flops": 1e9,
                        "tokens": 1000,
                    }
                )
    at = analysis.carry_to_target(pl.DataFrame(rows), "raw")
    low, high = tables.deduplication_with_size(at, PARAMS)
    assert low < high and (low + high) / 2 == pytest.approx(2.0, abs=0.1)
    assert tables.deduplication_with_size(at, PARAMS.replace(groups={"both": ["length", "exact"]})) is None
    alone = analysis.carry_to_target(pl.DataFrame(rows).filter(pl.col("size") == "1M"), "raw")
    assert tables.deduplication_with_size(alone, PARAMS) is None

"""The pages as a parser sees them: whole links, texts on images, nothing from elsewhere, nothing unescaped."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

import polars as pl
import pytest
from bs4 import BeautifulSoup

from studylib import StudyError
from studylib.files import file_lock, write_json
from studylib.numbers import beside, human, percent, power, short, small
from studylib.report import build_report
from studylib.spec import CleanerSpec, StageSpec

PAGES = ("index.html", "depth_width/index.html", "depth_width/trials.html", "architecture/index.html")
WITH_RECIPE = ("index.html", "decision/index.html")


def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(params=[*((False, page) for page in PAGES), *((True, page) for page in WITH_RECIPE)])
def page(request: pytest.FixtureRequest, study: Path, study_with_recipe: Path) -> tuple[Path, BeautifulSoup]:
    has_recipe, name = request.param
    path = (study_with_recipe if has_recipe else study) / name
    return path, parsed(path)


def test_nothing_comes_from_elsewhere(page):
    _, soup = page
    for element in soup.find_all(True):
        for attribute in ("src", "href", "srcset", "poster", "data", "action"):
            assert not re.match(r"\s*(https?:)?//", element.get(attribute, "")), element
    assert "@import" not in soup.style.string
    assert "url(" not in soup.style.string


def test_the_policy_allows_exactly_the_inlined_style_and_script(page):
    _, soup = page
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        elements = soup.find_all(kind)
        assert len(elements) == 1
        digest = base64.b64encode(hashlib.sha256(elements[0].string.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    for element in soup.find_all(True):  # the policy would drop these without a word
        assert not element.has_attr("style")
        assert not [name for name in element.attrs if name.startswith("on")]


def test_every_link_leads_somewhere(page):
    path, soup = page
    known = {path: soup}
    for link in soup.find_all("a"):
        target, fragment = urldefrag(link["href"])
        there = path.parent / unquote(target) if target else path
        assert there.exists(), link
        if fragment:
            if there not in known:
                known[there] = parsed(there)
            assert known[there].find(id=unquote(fragment)), link


def test_ids_are_unique_and_labels_point_at_them(page):
    _, soup = page
    ids = [element["id"] for element in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for element in soup.find_all(attrs={"aria-labelledby": True}):
        assert element["aria-labelledby"] in ids


def test_every_image_has_a_text_in_both_languages_a_size_and_a_file(study):
    path = study / "index.html"
    images = parsed(path).find_all("img")
    assert len(images) == 6
    for image in images:
        assert len(image["alt"]) > 20
        assert image["alt"] == image["data-alt-en"]
        assert re.search("[ぁ-んァ-ン一-龥]", image["data-alt-ja"])
        assert (path.parent / unquote(image["src"])).exists()
        assert int(image["width"]) > 600


def test_tables_tell_a_screen_reader_what_they_are(page):
    _, soup = page
    for table in soup.find_all("table"):
        assert table.caption is not None
        assert table.caption.get_text(strip=True)
        assert all(cell.has_attr("scope") for cell in table.find_all("th"))
    for button in soup.select("table.sortable thead th > button"):
        assert button["type"] == "button"
    assert soup.main is not None
    assert soup.find("a", class_="skip")["href"] == "#content"
    assert soup.find(attrs={"aria-live": "polite"}) is not None
    levels = [int(heading.name[1]) for heading in soup.find_all(re.compile("^h[1-6]$"))]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_both_languages_say_everything(page):
    _, soup = page
    assert soup.html["lang"] == "en"
    english, japanese = (soup.find_all("span", class_="t", lang=language) for language in ("en", "ja"))
    assert len(english) == len(japanese) > 5
    assert all(span.get_text(strip=True) for span in [*english, *japanese])


def test_text_from_outside_is_escaped(page):
    path, soup = page
    assert "<script>document.title" not in path.read_text(encoding="utf-8")
    if path.parent.name != "architecture":
        assert "document.title='owned'" in soup.get_text()


def test_the_index_is_small_and_shows_the_verdicts(study):
    path = study / "index.html"
    assert path.stat().st_size < 5_000_000
    text = parsed(path).get_text(" ")
    result = json.loads((study / "depth_width" / "result.json").read_text(encoding="utf-8"))
    assert result["verdict"] in text
    assert result["verdict_ja"] in text
    assert [one["name"] for one in result["findings"]][-2:] == ["wide", "silent"]
    assert "Wide <b>wins</b>." in parsed(study / "depth_width" / "index.html").get_text(" ")
    for words in ("Equal FLOPs", "Equal seconds", "Equal memory", "Minimum detectable effect", "synthetic corpus"):
        assert words in text
    assert parsed(path).find(class_="underpowered")
    assert parsed(path).find(class_="agrees")


def test_a_page_says_which_of_its_text_is_the_synthetic_corpus(study, tmp_path):
    result = json.loads((study / "depth_width" / "result.json").read_text(encoding="utf-8"))
    real = {"kind": "files", "name": "ja", "options": {"path": "ja.parquet"}}
    made = {"name": "code", "options": {"register": "code"}}
    for sources, *told in [
        ([real, made], "and on some of miniworld", "code."),
        ([made], "Trained on miniworld"),
        ([{"kind": "joined", "name": "web", "options": {"sources": [made]}}], "Trained on miniworld"),
        ([real],),
    ]:
        changed = result | {"provenance": result["provenance"] | {"params": {"data": {"sources": sources}}}}
        write_json(tmp_path / "depth_width" / "result.json", changed)
        build_report(tmp_path, ideas={"depth_width": None})
        notes = parsed(tmp_path / "depth_width" / "index.html").select("p.note")
        said = " ".join(note.get_text(" ") for note in notes if "synthetic corpus" in note.get_text())
        assert bool(said) == bool(told) and all(one in said for one in told)


def test_the_index_says_who_leads_at_the_ends_of_the_sizes_and_whether_that_changed(study):
    table = parsed(study / "index.html").find(id="by-size").find_next("table")
    rows = {
        row.th.a["href"]: [cell.get_text(" ", strip=True) for cell in row.find_all("td")]
        for row in table.tbody.find_all("tr")
    }
    assert rows["#depth_width"] == ["aspect 8 61 % (0.3M)", "aspect 20 97 % (16M)", "within the noise 雑音の範囲内"]
    assert rows["#architecture"] == ["–", "–", "–"], "an idea without sizes, or without a result"
    heading = parsed(study / "depth_width" / "index.html").find(id="by-size")
    own = heading.find_next("table")
    assert [row.th.get_text() for row in own.tbody.find_all("tr")] == ["0.3M", "16M"]
    assert "aspect 20 <script>" in own.get_text() and "within the noise" in heading.get_text()


def test_without_sizes_there_is_no_such_table(tmp_path):
    build_report(tmp_path, ideas={"depth_width": None})
    assert parsed(tmp_path / "index.html").find(id="by-size") is None


def test_the_scoreboard_says_what_would_settle_a_row(study):
    for page in ("index.html", "depth_width/index.html"):
        table = parsed(study / page).find(id="scoreboard").find_next("table")
        settled = {
            row.find(class_="badge")["class"][1]: row.find(class_="settle") for row in table.tbody.find_all("tr")
        }
        assert "about 34 seeds (now 3) would settle it" in settled["underpowered"].get_text()
        assert settled["agrees"] is None


def test_settings_are_a_table_on_the_index_and_on_the_ideas_page(study):
    for page in ("index.html", "depth_width/index.html"):
        (table,) = [one for one in parsed(study / page).find_all("table") if "hands on" in one.caption.get_text()]
        layers, activation = (
            [row.th.code.get_text(), *(cell.get_text(" ", strip=True) for cell in row("td"))]
            for row in table.tbody("tr")
        )
        assert layers[0] == "model.num_layers" and "40" in layers and "24 … 64" in layers and "0.12" in layers
        assert any("measured here" in cell and "1M, 16M" in cell and "Equal FLOPs" in cell for cell in layers)
        assert "swiglu" in activation and "relu2; gelu" in activation and "24 %" in activation
        assert any("open for 10B" in cell for cell in activation)


def test_who_leads_is_said_with_the_probability_and_nobody_below_a_half(study, tmp_path):
    from studylib.result import read_result

    (tmp_path / "depth_width").mkdir()
    result = read_result(study / "depth_width").replace(figures=[])
    for p, said in ((0.24, "undecided, leading so far: a, 24 %"), (0.63, "a, 63 %")):
        verdict = result.verdicts[0].replace(winner="a", p_best={"a": p, "b": 1 - p})
        result.replace(winner="a", verdicts=[verdict]).write(tmp_path / "depth_width")
        cell = parsed(build_report(tmp_path, ideas={})).find("td", class_="leader")
        assert cell.find(lang="en").get_text() == f"{said} (at 16M)"
        assert f"{100 * p:.0f} %" in cell.find(lang="ja").get_text()


def test_a_tree_shows_sentences_in_both_languages_and_sources_called_like_them_as_sources(study):
    rows = {row.dt.get_text(): row.dd for row in parsed(study / "depth_width" / "index.html").select(".tree > div")}
    assert rows["remark"].find(lang="ja").get_text() == "文での説明"
    assert {rows[f"{name} · kind"].get_text() for name in ("en", "ja")} == {"miniworld"}


def test_states_are_shown_honestly(study):
    rows = {
        row.th.a["href"]: row.td.get_text(" ")
        for row in parsed(study / "index.html").select("#content table")[0].tbody("tr")
    }
    assert "done" in rows["#depth_width"]
    assert "failed" in rows["#architecture"]
    assert "failed" in rows["#tokenizer"]
    assert "not run" in rows["#data_order"]
    note = parsed(study / "tokenizer" / "index.html").find(class_="bad").get_text()
    assert "tokenizer/result.json" in note
    assert "missing" in note
    assert str(study) not in (study / "index.html").read_text(encoding="utf-8")


def test_failed_trials_link_to_their_specification(study):
    link = parsed(study / "index.html").select_one("#failures ~ .scroll a")
    page, fragment = urldefrag(link["href"])
    trial = parsed(study / page).find(id=fragment)
    assert "diverged" in trial.summary.get_text()
    assert '"num_layers": 32' in trial.pre.get_text()
    assert trial.find("svg", attrs={"role": "img"})["aria-label"]


def test_a_running_idea_and_one_that_was_killed(tmp_path):
    for name in ("architecture", "tokenizer"):
        write_json(tmp_path / name / "run.json", {"status": "running", "at": 0.0})
        (tmp_path / name / ".lock").touch()
    with file_lock(tmp_path / "architecture" / ".lock"):
        build_report(tmp_path, ideas={})
    text = parsed(tmp_path / "index.html")
    assert text.find(id="architecture").find(class_="state-running")
    assert text.find(id="tokenizer").find(class_="state-failed")
    assert "stopped before it finished" in text.get_text()


def test_a_broken_table_of_trials_is_reported_and_the_rest_stands(study, tmp_path):
    import shutil

    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    (copy / "depth_width" / "trials.parquet").write_bytes(b"PAR1 nonsense")
    write_json(copy / "depth_width" / "run.json", {"status": "failed", "message": "kernel died"})
    build_report(copy, ideas={})
    text = parsed(copy / "index.html").get_text()
    assert "kernel died; trials.parquet cannot be read" in text
    assert "Equal FLOPs" in text


def test_trials_without_the_usual_columns_still_make_a_page(tmp_path):
    home = tmp_path / "efficiency"
    home.mkdir()
    pl.DataFrame({"hash": ["ab" * 8], "status": ["oom"], "val_bpb": [None]}).write_parquet(home / "trials.parquet")
    build_report(tmp_path, ideas={})
    assert "oom" in parsed(home / "trials.html").get_text()


def test_an_empty_study_lists_what_is_to_come(tmp_path):
    text = parsed(build_report(tmp_path)).get_text(" ")
    assert "No idea has a result yet" in text or "not run" in text


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(StudyError, match="no such study folder"):
        build_report(tmp_path / "nowhere")


def test_building_twice_gives_the_same_bytes(study):
    before = (study / "index.html").read_bytes()
    build_report(study, ideas={"depth_width": None, "architecture": None, "tokenizer": None, "data_order": None})
    assert (study / "index.html").read_bytes() == before


def test_numbers_keep_their_meaning():
    assert [percent(p) for p in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["<1 %", "<1 %", "50 %", ">99 %", ">99 %"]
    assert [short(v) for v in (None, 12.0, 1234567.0, 1e10)] == ["–", "12", "1.23M", "10B"]
    stages = (StageSpec(name="first", fraction=0.5), StageSpec(name="last"))
    assert human(stages) == "first 50 % → last", "one after another"
    assert (
        human((CleanerSpec(cleaner="length"), CleanerSpec(cleaner="exact")))
        == human(("length", "exact"))
        == "length, exact"
    )
    assert [short(v) for v in (999, 999.6, 999_499, 999_600, -999_600)] == ["999", "1k", "999k", "1M", "-1M"]
    assert [power(v) for v in (None, 3.2e18)] == ["–", "3.20e18"]
    assert small(1e-6) == "<0.0001"


def test_one_line_says_what_is_decided_for_the_target(study, tmp_path):
    from studylib.result import TargetVerdict, read_result

    result = read_result(study / "depth_width")
    sizes = [verdict.replace(ahead=True) for verdict in result.verdicts]
    target = TargetVerdict(
        target_params=1e10, sizes=("1M", "16M"), times_the_largest_size=625.0, winner="a", decided=False,
        p_best={"a": 0.63, "b<i>": 0.37}, expected_regret_percent=0.42, rivals=("b<i>",),
    )  # fmt: skip
    (tmp_path / "depth_width").mkdir()
    changed = result.replace(verdicts=sizes, at_target=target, winner="a", decided=False, figures=[])
    changed.write(tmp_path / "depth_width")
    assert read_result(tmp_path / "depth_width").at_target == target
    index = parsed(build_report(tmp_path, ideas={}))
    (row,) = index.find("table", class_="sortable").tbody.find_all("tr")
    cells = [cell.get_text(" ") for cell in row.find_all("td")]
    assert any("63 %" in cell for cell in cells) and any("0.42" in cell for cell in cells)
    for page in (index, parsed(tmp_path / "depth_width" / "index.html")):
        line = page.find(class_="at-target").get_text(" ")
        assert "a 63 %" in line and "1M, 16M" in line and "625" in line and "b<i>" in line
        badges = [badge.get_text(" ") for badge in page.find_all(class_="badge")]
        assert any("open for 10B" in badge for badge in badges)
        assert not any("decided" in badge for badge in badges), "best at a size is not decided"
        assert any("best of those tried" in badge for badge in badges)


def test_an_open_verdict_names_rivals_equivalents_and_the_next_run(study, tmp_path):
    from studylib.result import Text, Verdict, read_result

    result = read_result(study / "depth_width")
    text = Text(en="Undecided.", ja="未決。")
    verdict = Verdict(
        basis="flops", winner="a", ahead=False, rivals=["b<i>"], p_best={"a": 0.6, "b<i>": 0.4}, expected_regret_bpb=0.01, text=text,
        basin=("a", "b<i>"),
    )  # fmt: skip
    run = Text(en="Run 9 seeds.", ja="9 シードで実行。")
    (tmp_path / "depth_width").mkdir()
    changed = result.replace(verdicts=[verdict.model_dump()], winner="a", decided=False, next_run=run, figures=[])
    changed.write(tmp_path / "depth_width")
    page = parsed(build_report(tmp_path, ideas={}))
    assert "May still be better" in page.get_text()
    assert "Equivalent (within the margin)" in page.get_text()
    assert "a, b<i>" in page.get_text()
    assert "Run 9 seeds." in page.find(class_="next").get_text()
    assert page.find(class_="verdict").find(class_="open")


def test_a_long_alternative_is_told_by_what_it_has_otherwise():
    steps = ("url", "language", "kana", "exact", "minhash")
    assert beside(steps[:-1], steps) == "without minhash"
    assert beside((*steps[1:], "personal"), steps) == "without url, with personal"
    assert beside((), steps) == "none" and beside(("url", "kana"), steps) == "url, kana"
    assert beside(("a", "b", "c", "d"), steps) == "a, b, c, d", "all of it where that is shorter"
    assert beside(0.5, 0.25) == "0.5"

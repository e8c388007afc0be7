"""What a notebook shows and hands on: findings one by one, and at last ``result.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from studylib.analysis.noise import NoiseFloor
from studylib.errors import invalid
from studylib.findings._figures.saving import show
from studylib.findings._finding import Finding
from studylib.notebook import line, table
from studylib.numbers import beside, human
from studylib.params import StudyParams
from studylib.report.summary import failures, provenance, save_trials
from studylib.result import Figure, Found, IdeaResult, Text, looks_so_far, not_asked_again
from studylib.spec import Setting


class Page:
    """The findings of a notebook in their order; ``IDEAS["depth_width"].page(params)`` makes one.

    Attributes
    ----------
    folder
        Where figures and ``result.json`` go.
    looks
        The seeds of every verdict so far, this one last (``result.looks_so_far``).
    """

    def __init__(self, idea: str, question: Text, params: StudyParams):
        self.idea, self.question, self.params = idea, question, params
        self.folder: Path = params.folder / idea
        self.looks = looks_so_far(self.folder, params.seeds)
        self._found: dict[str, Found] = {}
        self._figures: list[Figure] = []
        self._settings: list[Setting] = []
        self._fields: dict[str, Any] = {}

    def add(self, finding: Finding | None, name: str = "") -> None:
        """Show the finding, its figure and its words, and keep it for `write`; None: the trials say nothing of the kind."""
        if finding is None:
            return
        name = name or finding.name
        if name in self._found:
            raise invalid("name", name, "is the name of another finding of this page; give one")
        saved = finding.save(self.folder, name)
        if saved is not None:
            self._figures.append(saved)
            show(saved, self.folder)
        self._found[name] = finding.record(name, None if saved is None else saved.file)
        self._settings += finding.settings()
        self._fields |= finding.fields()
        said = self._found[name].words
        if said is not None and said.en:
            _display(said.en)

    def hand_on(self, *settings: Setting) -> None:
        """Keep settings that no finding of the page has itself, and show them."""
        self._settings += settings
        _display_settings(settings)

    def write(
        self, verdict: Finding, next_run: Finding | None = None, *, trials: pl.DataFrame, noise: NoiseFloor, **more: Any
    ) -> IdeaResult:
        """Write ``result.json`` and the table of trials, and show the verdict in both languages.

        Parameters
        ----------
        verdict, next_run
            Findings whose words stand at the head of the page.
        trials
            All of them, also those that did not finish.
        more
            Further fields of `IdeaResult`.
        """
        self._found["verdict"] = verdict.record("verdict", None)
        self._settings += verdict.settings()
        following = next_run.said() if next_run is not None else None
        if next_run is not None:
            self._found["next-run"] = next_run.record("next-run", None)
        if self.params.keep_settings:
            self._settings = [*self._settings, *not_asked_again(self.folder, self._settings)]
        save_trials(trials, self.folder)
        result = IdeaResult(
            idea=self.idea,
            scale=self.params.scale,
            question=self.question,
            verdict=verdict.said(),
            findings=tuple(self._found.values()),
            settings=tuple(self._settings),
            looks=self.looks,
            noise_floor=noise.as_dict(),
            next_run=following if following is not None and following.en else None,
            figures=tuple(self._figures),
            failures=failures(trials),
            provenance=provenance(self.params, trials),
            **self._fields | more,
        )
        result.write(self.folder)
        for said in (result.verdict, result.next_run):
            if said is not None:
                _display(said.en, said.ja)
        return result


def _display_settings(settings: Sequence[Setting]) -> None:
    from IPython.display import HTML, display

    shown = ("field", "value", "p_best", "expected_regret_percent", "decided")
    rows = [
        {name: human(getattr(one, name)) for name in shown}
        | {
            "alternatives": "; ".join(beside(other, one.value) for other in one.alternatives),
            "interval": " to ".join(map(human, one.interval or ())),
        }
        for one in settings
    ]
    display(HTML(table(pl.DataFrame(rows))))


def _display(*paragraphs: str) -> None:
    from IPython.display import HTML, display

    display(*(HTML(line(one)) for one in paragraphs))  # not as Markdown: words may quote whatever a web page said

"""What an idea's notebook hands on: ``result.json``, read by the batch runner and the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studylib.files import read_json, write_json
from studylib.frozen import Fraction, Frozen, validated
from studylib.notebook import cut, fields, line, records
from studylib.spec import Setting
from studylib.spec.setting import Value
from studylib.words import Text

RESULT_SCHEMA = 1
_LONGEST_FINDING = 1000  # characters that a notebook shows of one


class Estimate(Frozen):
    """A mean over seeds with its confidence interval; ``ci`` is (low, high), 95 % unless said otherwise."""

    mean: float
    ci: tuple[float, float]


class VariantMetrics(Frozen):
    """One row of the idea's table: a variant at one size, over its seeds."""

    variant: str
    seeds: int
    val_bpb: Estimate
    val_loss: Estimate
    tokens_per_s: float | None
    flops: float
    params: int
    size: str = Field(default="", description="label of the size or budget")
    extra: dict[str, float | int | str | None] = Field(default_factory=dict)


class Verdict(Frozen):
    """Which variant is best of those tried at one size, under one accounting: what is held equal."""

    basis: Literal["flops", "tokens", "text", "seconds", "memory", "target_tokens"]
    winner: str | None
    ahead: bool = Field(description="whether the leader is sure to be the best of those tried, at this size")
    p_best: dict[str, float] = Field(description="probability that each variant is best; sums to 1; empty: no verdict")
    expected_regret_bpb: float | None
    text: Text
    basin: tuple[str, ...] = Field(default=(), description="variants that cost less than the margin, leader first")
    rivals: tuple[str, ...] = Field(default=(), description="variants that may still be better than the leader")

    def _repr_html_(self) -> str:
        return line(self.text.en) + records([self.row()])

    def row(self) -> dict[str, Any]:
        """What a table of verdicts says of it."""
        return {
            "held equal": self.basis,
            "leader": self.winner,
            "P(best)": None if self.winner is None else f"{100 * self.p_best[self.winner]:.0f} %",
            "best of those tried": "yes" if self.ahead else "no",
            "expected regret, bits per byte": self.expected_regret_bpb,
            "may still be better": self.rivals,
        }


class TargetVerdict(Frozen):
    """Which variant is best at the size that is to be built, from all sizes trained."""

    target_params: float
    sizes: tuple[str, ...] = Field(description="labels of the sizes trained, smallest first")
    times_the_largest_size: float
    winner: str
    decided: bool = Field(description="P(best) of 90 % or more and a negligible regret, at the target")
    p_best: dict[str, float] = Field(description="probability that each variant is best there; sums to 1")
    expected_regret_percent: float = Field(description="of the loss, by choosing the winner now")
    rivals: tuple[str, ...] = Field(default=(), description="better than the winner with more than 5 %")

    def row(self) -> dict[str, Any]:
        """What a table says of it, with units."""
        return {
            "at": f"{self.target_params:.3g} parameters, {self.times_the_largest_size:,.0f} times the largest trained",
            "leader there": f"{self.winner}, P(best) {100 * self.p_best[self.winner]:.0f} %",
            "decided": "yes" if self.decided else "no",
            "expected regret, percent of the loss": self.expected_regret_percent,
            "may still be better there": self.rivals,
        }

    def _repr_html_(self) -> str:
        return fields(self.row())


class SizeLeader(Frozen):
    """Who leads at one size that was trained."""

    size: str
    params: float = Field(description="non-embedding parameters")
    leader: str
    p_best: Fraction = Field(description="the leader's")
    ahead: bool = Field(description="whether the leader is sure to be the best of those tried, at this size")
    rivals: tuple[str, ...] = Field(description="variants that may still be better there")


Change = Literal["kept", "unsure", "noise", "changed", "untried"]


class BySize(Frozen):
    """Who leads as models grow.

    ``change``, from the smallest size to the largest: one leads at both and is sure at both (``kept``), or not (``unsure``); another
    leads, but may be no better than the first (``noise``), or each is out where the other leads (``changed``), or one of the two was
    tried at one of these sizes alone (``untried``).
    """

    sizes: tuple[SizeLeader, ...] = Field(description="two or more, smallest first")
    change: Change


class AtFaultChoice(Frozen):
    """A choice that does not go together with the others; ``field`` and ``value``: the first of those it sets."""

    idea: str
    choice: str
    name: str
    field: str
    value: Value
    alone_percent: float | None = Field(description="of itself alone at that size; none: it did not finish")
    rest_percent: float = Field(description="of the others without it and those before it, against the baseline")


class FailedTogether(Frozen):
    """That the choices of all ideas fail together at the smallest size where they were tried, in percent of the baseline's loss."""

    size: str
    percent: float | None = Field(description="of all choices together; none: no trial of them finished")
    sum_percent: float = Field(description="the sum of their effects alone, where their ideas compared them")
    sum_there_percent: float | None = Field(description="the same, measured at this size; none: not known")
    clash: bool | None = Field(
        description="whether they are worse than that, so that they spoil each other; none: not known"
    )
    at_fault: tuple[AtFaultChoice, ...] = Field(
        description="in the order in which they were left out; empty: not known"
    )
    rest_holds: bool = Field(description="whether what is left no longer clearly fails")


class Figure(Frozen):
    """A PNG beside result.json; the title says the finding, the alt text says what is drawn."""

    file: str
    title: Text
    alt: Text


class Found(Frozen):
    """A finding as it is handed on: its facts, the sentences that place them, and the file of its figure."""

    name: str
    kind: str = Field(description="class in studylib.findings, whose fields the facts are")
    facts: dict[str, Any]
    words: Text | None = None
    figure: str | None = None


class Anchor(Frozen):
    """One published finding held against this study."""

    claim: Text
    source: str
    outcome: Literal["agrees", "disagrees", "underpowered"]
    evidence: Text
    settle: Text | None = Field(default=None, description="what would settle an underpowered row, where that is known")


class IdeaResult(Frozen):
    schema_version: Literal[1] = Field(default=RESULT_SCHEMA, alias="schema")
    idea: str
    scale: str
    question: Text
    verdict: Text = Field(description="who leads, how sure that is, and what that says about the target")
    findings: tuple[Found, ...] = Field(default=(), description="what the trials say, in the order of the notebook")
    settings: tuple[Setting, ...] = Field(default=(), description="what is handed on to the model that is to be built")
    winner: str | None
    decided: bool = Field(
        description="whether the question is answered for the target, not only at a size that was trained"
    )
    metrics: tuple[VariantMetrics, ...]
    verdicts: tuple[Verdict, ...] = ()
    looks: tuple[tuple[int, ...], ...] = Field(
        default=(), description="seeds behind every verdict so far, as seeds were added; this one last"
    )
    at_target: TargetVerdict | None = None
    by_size: BySize | None = Field(default=None, description="who leads at each size; none where there is one size")

    failed_together: FailedTogether | None = Field(
        default=None, description="where choices of several ideas were tried together and fail"
    )
    noise_floor: dict[str, float] = Field(
        default_factory=dict, description="seed SD and minimum detectable effect at the size that decides"
    )
    extrapolation: dict[str, Any] = Field(default_factory=dict)
    next_run: Text | None = None
    figures: tuple[Figure, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    failures: tuple[dict[str, str], ...] = Field(
        default=(), description="trials that did not finish: hash, variant, status, message"
    )
    provenance: dict[str, Any]

    model_config = Frozen.model_config | {"populate_by_name": True}

    @property
    def leader(self) -> tuple[str, float, str] | None:
        """Who leads (has the lowest expected loss), with the probability of being best, and at which size (empty: at the target)."""
        if self.at_target is not None:
            return self.at_target.winner, self.at_target.p_best[self.at_target.winner], ""
        named = (one for one in self.verdicts if one.winner is not None and one.winner == self.winner)
        first = next(named, None)
        size = self.metrics[-1].size if self.metrics else ""
        return None if first is None else (self.winner, first.p_best[self.winner], size)

    def words_beside(self, figure: str) -> Text | None:
        """What is said beside a figure, by its file."""
        return next((one.words for one in self.findings if one.figure == figure), None)

    @property
    def remarks(self) -> tuple[Text, ...]:
        """What is said where there is no figure; verdict and next run have places of their own."""
        own = (self.verdict, self.next_run)
        found = (one.words for one in self.findings if one.figure is None)
        return tuple(one for one in found if one is not None and one.en and one not in own)

    def _repr_html_(self) -> str:
        """In a notebook: the verdict and findings, then tables of bounded size; all of it is in ``result.json``."""
        parts = [line(cut(one.en, _LONGEST_FINDING)) for one in (self.verdict, *self.remarks)]
        if self.verdicts:
            parts.append(records([one.row() for one in self.verdicts]))
        if self.at_target is not None:
            parts.append(fields(self.at_target.row()))
        if self.next_run is not None:
            parts.append(line(self.next_run.en))
        if self.anchors:
            held = [{"published": one.claim.en, "source": one.source, "here": one.outcome} for one in self.anchors]
            parts.append(records(held))
        counts = {
            "figures": len(self.figures),
            "rows of metrics": len(self.metrics),
            "failed trials": len(self.failures),
        }
        return "".join(parts) + line("; ".join(f"{count} {name}" for name, count in counts.items()) + ".")

    def write(self, folder: Path) -> Path:
        """Write ``folder/result.json`` in the published layout (``verdict`` in English, ``verdict_ja`` beside it)."""
        content = self.model_dump(mode="json", by_alias=True)
        for field in ("question", "verdict"):
            content[f"{field}_ja"] = content[field]["ja"]
            content[field] = content[field]["en"]
        path = Path(folder) / "result.json"
        write_json(path, content)
        return path


def read_result(folder: Path) -> IdeaResult:
    """Read and validate ``folder/result.json``.

    Raises
    ------
    StudyError
        The file is missing a field, or has one that is not valid.
    FileNotFoundError
        There is no result yet.
    """
    path = Path(folder) / "result.json"
    content = read_json(path)
    for field in ("question", "verdict"):
        if isinstance(content.get(field), str):
            content[field] = {"en": content[field], "ja": content.pop(f"{field}_ja", content[field])}
    return validated(IdeaResult, content, file=path)


def not_asked_again(folder: Path, settings: Sequence[Setting]) -> tuple[Setting, ...]:
    """Of the folder's earlier result the settings of choices and fields that ``settings`` say nothing of."""
    for name in ("result.json", "result.previous.json"):  # the runner sets the earlier result aside before a run
        path = Path(folder) / name
        if path.exists():
            asked = {(one.phase, what) for one in settings for what in (one.field, one.decision)}
            earlier = validated(_Handed, {"settings": read_json(path).get("settings", [])}, file=path).settings
            return tuple(one for one in earlier if not asked & {(one.phase, one.field), (one.phase, one.decision)})
    return ()


class _Handed(Frozen):
    """The part of a result that is handed on."""

    settings: tuple[Setting, ...]


def looks_so_far(folder: Path, seeds: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """The seeds of every verdict on these trials as they grew, this one last.

    Who judges, adds seeds and judges again has several chances to be wrong, so ``analysis.decide`` is told how often that was.
    The same seeds seen again are not another look, nor are seeds of which an earlier verdict had others.
    """
    own = tuple(sorted(seeds))
    for name in ("result.json", "result.previous.json"):  # the runner sets the earlier result aside before a run
        path = Path(folder) / name
        if path.exists():
            try:
                earlier = read_json(path).get("looks", [])
            except ValueError:  # cut short: it is written anew, and what it knew of looks is lost
                continue
            return (*(tuple(look) for look in earlier if set(look) < set(own)), own)
    return (own,)

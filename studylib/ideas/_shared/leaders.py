"""Who leads, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from studylib.analysis import Decision, NoVerdict
from studylib.report.texts import ACCOUNTINGS
from studylib.result import Text, Verdict


def leaders(decisions: Mapping[str, Decision | NoVerdict]) -> Text:
    """The leader under every accounting."""
    return Text(
        en="; ".join(f"{ACCOUNTINGS[basis].en}: {one.leader or 'no verdict'}" for basis, one in decisions.items()),
        ja="、".join(f"{ACCOUNTINGS[basis].ja}では {one.leader or '結論なし'}" for basis, one in decisions.items()),
    )


def leader_words(decisions: Mapping[str, Decision | NoVerdict], size: str) -> Text:
    """Opens a verdict: the best of those tried at equal FLOPs, and who leads under the other accountings."""
    told = decisions["flops"].text()
    bases = leaders({basis: one for basis, one in decisions.items() if basis != "flops"})
    return Text(en=f"{told.en} ({size}, equal FLOPs; {bases.en}.)", ja=f"{told.ja}({size}、同一 FLOPs。{bases.ja}。)")


def lead_title(decision: Decision) -> Text:
    """Who leads one decision, and how many may still be better."""
    alone, count = not decision.rivals, len(decision.rivals)
    return Text(
        en=f"{decision.leader} leads; {'no rival is left' if alone else f'{count} more may be better'}",
        ja=f"{decision.leader} が首位、" + ("競合なし" if alone else f"ほか {count} 案のほうが良い可能性が残る"),
    )


def p_best_title(
    decisions: Iterable[Decision | NoVerdict],
    agreed: Text = Text(en="leads whatever is held equal", ja="どの基準でも"),  # noqa: B008  frozen
) -> Text:
    """Whether the leader depends on what is held equal, and how often the leader is sure."""
    decisions = list(decisions)
    none = sum(decision.leader is None for decision in decisions)
    decisions = [decision for decision in decisions if decision.leader is not None]
    names = list(dict.fromkeys(decision.leader for decision in decisions))
    sure, count = sum(decision.ahead for decision in decisions), len(decisions)
    open_en, open_ja = (f", {none} more without a verdict", f"、ほか {none} 基準は結論なし") if none else ("", "")
    if len(names) == 1:
        return Text(
            en=f"{names[0]} {agreed.en}; {sure} of {count} surely, at this size{open_en}",
            ja=f"{agreed.ja} {names[0]} が首位、この規模での首位確定は {sure}/{count}{open_ja}",
        )
    return Text(
        en=f"The leader depends on what is held equal: {', '.join(names)}; {sure} of {count} lead surely, at this size{open_en}",
        ja=f"首位は基準により異なる:{'、'.join(names)}。この規模での首位確定は {sure}/{count}{open_ja}",
    )


def p_best_alt(verdicts: Sequence[Verdict], subject: Text) -> Text:
    """``subject``: what the variants are, in the singular (shape, 形状)."""
    found = [(ACCOUNTINGS[one.basis], f"{one.winner} {one.p_best[one.winner]:.2f}") for one in verdicts if one.winner]
    en = "; ".join(f"{basis.en}: {leader}" for basis, leader in found)
    ja = "、".join(f"{basis.ja}では {leader}" for basis, leader in found)
    return Text(en=f"Probability that each {subject.en} is best. {en}.", ja=f"各{subject.ja}が最良である確率。{ja}。")

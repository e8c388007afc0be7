"""A small language for paraphrases.

One template a line: ``fact fact : text``. In the text ``{slot}`` is filled in, ``[one|two|]`` is a choice (nested at
will, an empty one leaves the words out). A line ``@section`` opens a section. A slot whose value is a tuple is a
choice, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\{(\w+)\}|([\[\]|])|([^\[\]|{}]+)")
Node = Any  # str: literal; tuple (slot,): slot; list of list of Node: choice


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence in all its wordings.

    Attributes
    ----------
    facts
        The relations it tells ("born", "town"); none for sentences that tell no fact of the topic.
    slots
        What must be known for it to be used.
    """

    facts: tuple[str, ...]
    slots: frozenset[str]
    nodes: tuple[Node, ...]

    def text(self, slots: Mapping[str, Any], unit: Callable[[], float]) -> str:
        """One wording, filled in."""
        out: list[str] = []
        _expand(self.nodes, slots, unit, out)
        return "".join(out).rstrip()  # an empty choice at the end leaves a space


def _expand(nodes: Any, slots: Mapping[str, Any], unit: Callable[[], float], out: list[str]) -> None:
    for node in nodes:
        kind = node.__class__
        if kind is str:
            out.append(node)
        elif kind is tuple:
            value = slots[node[0]]
            out.append(value if value.__class__ is str else value[int(unit() * len(value))])
        else:
            _expand(node[int(unit() * len(node))], slots, unit, out)


def _parse(text: str) -> tuple[tuple[Node, ...], frozenset[str]]:
    slots: set[str] = set()
    stack: list[list[list[Node]]] = [[[]]]
    end = 0
    for found in _TOKEN.finditer(text):
        if found.start() != end:
            break
        end = found.end()
        slot, mark, literal = found.groups()
        if slot:
            slots.add(slot)
            stack[-1][-1].append((slot,))
        elif literal:
            stack[-1][-1].append(literal)
        elif mark == "[":
            stack.append([[]])
        elif mark == "|":
            stack[-1].append([])
        elif len(stack) > 1:
            choice = stack.pop()
            stack[-1][-1].append(choice)
        else:
            break
    if end != len(text) or len(stack) != 1 or len(stack[0]) != 1:
        raise ValueError(f"template does not parse at character {end}: {text}")
    return tuple(stack[0][0]), frozenset(slots)


def templates(text: str) -> dict[str, tuple[Template, ...]]:
    """The templates of each section of ``text``."""
    sections: dict[str, list[Template]] = {}
    current: list[Template] = []
    for line in text.strip().splitlines():
        line = line.strip()
        if line.startswith("@"):
            current = sections.setdefault(line[1:].strip(), [])
        elif line:
            facts, _, body = line.partition(":")
            nodes, slots = _parse(body.strip())
            current.append(Template(tuple(facts.split()), slots, nodes))
    return {section: tuple(found) for section, found in sections.items()}

"""One file for the text of all ideas: what the sources of parameter files read instead, by the sources' names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studylib.errors import invalid
from studylib.params.yaml_file import read_yaml
from studylib.registry import SOURCES
from studylib.spec import SourceSpec, validated

Place = tuple[str | int, ...]
_USUAL = SourceSpec.model_fields["kind"].default  # of a source that names none


class Texts:
    """Sources by name, read from a file such as ``{ja: {kind: files, options: {path: texts/*.parquet}}}``.

    A source of a parameter file that has no name of its own goes by the key under which it stands (``raw``, ``choice``).

    Raises
    ------
    StudyError
        The file cannot be read, or an entry is no source.
    """

    def __init__(self, path: Path):
        self.path = path
        self._changes = {name: self._entry(name, content) for name, content in read_yaml(path).items()}

    def _entry(self, name: str, content: Any) -> dict[str, Any]:
        if not isinstance(content, dict):
            raise invalid(
                name, content, "must be a source, such as {kind: files, options: {path: ...}}", file=self.path
            )
        for key in ("name", "weight"):
            if key in content:
                why = "is the parameter file's to say; leave it out"
                raise invalid(f"{name}.{key}", content[key], why, file=self.path)
        if "kind" not in content:
            raise invalid(f"{name}.kind", None, "is missing", choices=SOURCES, file=self.path)
        validated(SourceSpec, content, file=f"{self.path}: {name}")
        return {"options": {}} | content

    def put_into(self, content: Mapping[str, Any], idea: str) -> dict[str, Any]:
        """What a parameter file says, with these texts in the place of those of the same name; weights stay.

        Raises
        ------
        StudyError
            A source asks a server and is not named here.
        """
        return self._replaced((), content, idea)

    def _replaced(self, place: Place, content: Any, idea: str) -> Any:
        if is_source(content):
            name = name_of(place, content)
            if (change := self._changes.get(name)) is not None:
                return content | change
            if SOURCES[content.get("kind", _USUAL)].remote:
                where, what = ".".join(map(str, place)), content.get("options", {}).get("dataset", content["kind"])
                why = f"is not in the file, but {idea} asks a server for it ({where}: {what})"
                raise invalid("text", name, why, choices=self._changes, file=self.path)
        if isinstance(content, Mapping):
            return {key: self._replaced((*place, key), value, idea) for key, value in content.items()}
        if isinstance(content, list | tuple):
            return [self._replaced((*place, number), value, idea) for number, value in enumerate(content)]
        return content

    def check_names(self, known: set[str]) -> None:
        """Raise a StudyError for a name that none of ``known`` is: a slip would leave the text as it was."""
        for name in self._changes:
            if name not in known:
                raise invalid("text", name, "is read by no idea at this scale", choices=sorted(known), file=self.path)


def names_in(content: Any) -> list[str]:
    """Names of the sources in what a parameter file says."""
    return [name for name, _ in sources_in(content)]


def sources_in(content: Any, place: Place = ()) -> Iterator[tuple[str, str]]:
    """Name and kind of every source in what a parameter file says, also of those within another's options."""
    if is_source(content):
        yield name_of(place, content), content.get("kind", _USUAL)
    if isinstance(content, Mapping | list | tuple):
        for key, value in content.items() if isinstance(content, Mapping) else enumerate(content):
            yield from sources_in(value, (*place, key))


def name_of(place: Place, source: Mapping[str, Any]) -> str:
    """The source's own name, else the key under which it stands."""
    return source.get("name") or str(next(key for key in reversed(place) if isinstance(key, str)))


def is_source(content: Any) -> bool:
    """Whether what a parameter file says somewhere is a source."""
    if not isinstance(content, Mapping) or not content.keys() <= SourceSpec.model_fields.keys():
        return False
    return isinstance(content.get("options"), Mapping) or content.get("kind") in tuple(SOURCES)

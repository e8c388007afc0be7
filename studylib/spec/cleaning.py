"""How a source's text is cleaned: steps by name, in their order, each with its options beside it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from studylib.registry import CLEANERS, Registry, choice_of
from studylib.spec.choosing import Choosing


class CleanerSpec(Choosing):
    """One step of cleaning: ``{cleaner: length, min_characters: 50}`` (``studylib/data/clean``)."""

    registries: ClassVar[dict[str, Registry]] = {"cleaner": CLEANERS}
    place: ClassVar[str] = "cleaning"

    cleaner: choice_of(CLEANERS)

    def built(self) -> Any:
        """The cleaner itself."""
        return CLEANERS[self.cleaner](self)

    def __str__(self) -> str:
        """For tables: ``length (min_characters 50)``, what differs from the defaults."""
        chosen = ", ".join(f"{name} {value}" for name, value in self._chosen().items())
        return f"{self.cleaner} ({chosen})" if chosen else self.cleaner


def _by_name(value: Any) -> Any:
    """``[length, exact]`` is short for ``[{cleaner: length}, {cleaner: exact}]``."""
    if isinstance(value, (list, tuple)):
        return tuple({"cleaner": one} if isinstance(one, str) else one for one in value)
    return value


Cleaning = Annotated[tuple[CleanerSpec, ...], BeforeValidator(_by_name)]

"""What the templates' slots hold, for both languages at once, so that both tell the same facts.

Each builder takes the world, an entity and the language (0 Japanese, 1 English). Whatever is not a field of the entity is
drawn from a stream keyed by the entity alone: the same in every document and language. Tuples are left to the wording.
"""

from __future__ import annotations

from studylib.data.miniworld.slots.people_and_towns import aside, person, town
from studylib.data.miniworld.slots.things import event, feature, firm, species, work

__all__ = ["BUILDERS", "aside"]

BUILDERS = {
    "person": person, "town": town, "firm": firm, "work": work, "species": species, "feature": feature, "event": event,
}  # fmt: skip

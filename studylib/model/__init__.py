"""The model room. ``studylib.model.cost`` counts without torch; the rest builds and needs it."""

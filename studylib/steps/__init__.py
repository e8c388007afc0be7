"""Kinds of steps: what each costs, and how it is carried out. One file a kind, by the name of its folder in a study."""

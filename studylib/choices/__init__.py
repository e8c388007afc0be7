"""What a trial names: every choice that a specification is validated with, a folder a registry.

Planning and validating load the choices' classes, which need no torch: they know their options, and count parameters, FLOPs and
memory. What computes in torch lies beside them (``_name.py``) and is imported when a model or an optimizer is built.
"""

"""Activations of the MLP. A name that ends in ``glu`` is gated: the MLP then has a third matrix.

A choice is a function: ungated, ``f(x) -> x``; gated, ``f(gate, x) -> x``; all of one shape.
"""

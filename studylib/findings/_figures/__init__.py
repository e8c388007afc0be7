"""Figures: seaborn, one message each, units on the axes, colour-blind safe, never colour alone."""

"""Pairs of a model's own answers: chosen among samples, and rounds of them until they stop helping."""

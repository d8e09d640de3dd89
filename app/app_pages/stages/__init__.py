"""Cutting one training set per stage."""

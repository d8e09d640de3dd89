"""Asking the models of a pipeline."""

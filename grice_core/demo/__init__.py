"""Synthetic small talk about invented things, and tiny models that really learn from it."""

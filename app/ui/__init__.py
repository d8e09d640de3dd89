"""Widgets that several pages share, drawn from plain data."""

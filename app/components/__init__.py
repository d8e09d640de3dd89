"""Figures and tables drawn from plain data."""

"""Processes: the dashboard alone, or everything on one machine."""

"""The queue worker."""

"""The dashboard and the composition root of the `grice` command."""

"""A killed run continues bit for bit: its state on disk, what it must agree with, its history."""

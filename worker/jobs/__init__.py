"""What each kind of run does: the same calls as the command makes, on files from the store."""

"""Settings, checks and the start of a pipeline."""

"""The layouts in which people keep pairs and prompts: one class each, all of them in `registry`."""

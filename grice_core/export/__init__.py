"""A trained stage, written for other programs and read back: adapter, whole model, GGUF, the model hub."""

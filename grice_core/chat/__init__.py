"""In which words a model is asked: plain text, or the turns of its own chat template."""

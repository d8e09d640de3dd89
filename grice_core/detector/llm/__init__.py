"""Language models as detectors: asked over HTTP, by OpenAI's chat completions, one question per maxim."""

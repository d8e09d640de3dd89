"""Settings that are searched: pipelines that differ in some fields of their recipe, compared on the same prompts."""

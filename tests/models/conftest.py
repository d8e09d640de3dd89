from tests.pipeline.conftest import own_home

__all__ = ["own_home"]

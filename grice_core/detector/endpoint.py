"""Where a language model that judges is asked: an OpenAI-compatible address."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from grice_core.data.rules import FrozenModel


def _checked_address(address: str) -> str:
    parts = urlsplit(address.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must read http://host:port/v1 or https://host/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no key; set GRICE_JUDGE_API_KEY")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


class Endpoint(FrozenModel):
    """A server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp, a hosted one."""

    address: Annotated[str, AfterValidator(_checked_address)]
    """Up to `/chat/completions`, such as http://127.0.0.1:8000/v1."""
    timeout_s: float = Field(default=60.0, gt=0)
    """Of one answer."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Questions that are asked at the same time."""
    price_in: float | None = Field(default=None, ge=0)
    """Of a million tokens of questions, in any currency; None: not known, or nothing."""
    price_out: float | None = Field(default=None, ge=0)
    """Of a million tokens of answers."""

    @property
    def host(self) -> str:
        """With its port."""
        return urlsplit(self.address).netloc

    @property
    def is_this_machine(self) -> bool:
        """Whether what is asked stays on this machine."""
        name = urlsplit(self.address).hostname or ""
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"

    @property
    def what_leaves(self) -> str:
        """What a person should know before texts are sent there."""
        if self.is_this_machine:
            return f"It asks a server on this machine ({self.host}); no text leaves it."
        return (
            f"It sends every text that it judges to {self.host}: context, evidence and response leave "
            "this machine."
        )

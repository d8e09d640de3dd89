"""`/healthz` and `/readyz`: whether this dashboard lives, and whether all that it needs answers."""

import asyncio
from collections.abc import Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from grice_core.errors import GriceError
from grice_core.store import migrate
from worker.client import RunQueue

FINE = "fine"
_ASKED_FOR_S = 2.0
"""A part that takes longer does not answer."""


def health_routes(queue: RunQueue) -> list[Route]:
    """What a load balancer or an orchestrator asks; without sign-in, so it names no address."""
    parts: Mapping[str, Callable[[], bool]] = {
        "database": lambda: migrate.revision(queue.database.engine) == migrate.latest_revision(),
        "queue": queue.is_available,
        "artifacts": lambda: queue.artifacts.objects.size("objects/none") is None,
    }

    async def lives(request: Request) -> JSONResponse:  # noqa: ARG001 - as Starlette wants
        return JSONResponse({"dashboard": FINE})

    async def is_ready(request: Request) -> JSONResponse:  # noqa: ARG001
        answers = await asyncio.gather(*map(_answer, parts.values()))
        found = dict(zip(parts, answers, strict=True))
        fine = all(answer == FINE for answer in answers)
        return JSONResponse(found, status_code=200 if fine else 503)

    return [Route("/healthz", lives), Route("/readyz", is_ready)]


async def _answer(asks: Callable[[], bool]) -> str:
    try:
        fine = await asyncio.wait_for(asyncio.to_thread(asks), _ASKED_FOR_S)
    except TimeoutError:
        return "does not answer"
    except (GriceError, SQLAlchemyError, OSError):
        return "can't be used"
    return FINE if fine else "not ready"

"""Whether the process lives, whether it can serve, and its metrics."""

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import Response

from hedger.api.answers import BytesAnswer, json_answer
from hedger.api.deps import Check, CheckResult
from hedger.api.schemas import HealthOut, ReadyOut

CHECK_TIMEOUT_S = 2.0


def router(checks: Mapping[str, Check], registry: CollectorRegistry | None) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", response_class=BytesAnswer, responses={200: {"model": HealthOut}})
    async def healthz() -> BytesAnswer:
        """The process answers; nothing else is looked at."""
        return json_answer({"status": "ok"})

    @routes.get("/readyz", response_class=BytesAnswer, responses={200: {"model": ReadyOut}, 503: {"model": ReadyOut}})
    async def readyz() -> BytesAnswer:
        """Every check, side by side; 503 where one of them is not well."""
        found = await asyncio.gather(*(_run(check) for check in checks.values()))
        ready = all(result.ok for result in found)
        told = {name: {"ok": result.ok, "detail": result.detail} for name, result in zip(checks, found, strict=True)}
        return json_answer({"isReady": ready, "checks": told}, 200 if ready else 503)

    if registry is not None:

        @routes.get("/metrics", response_class=Response)
        async def metrics() -> Response:
            """Metrics in the text format of Prometheus."""
            return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes


async def _run(check: Check) -> CheckResult:
    try:
        return await asyncio.wait_for(check(), CHECK_TIMEOUT_S)
    except TimeoutError:
        return CheckResult(False, f"no answer within {CHECK_TIMEOUT_S:g} s")
    except Exception as error:
        return CheckResult(False, f"{type(error).__name__}: {error}")

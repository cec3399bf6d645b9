"""The REST API: routers over read models, one shape of errors, documentation at /docs."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from hedger.api import errors
from hedger.api.deps import ApiDeps
from hedger.api.reading import Reader
from hedger.api.routers import (
    accounts,
    alerts,
    error_codes,
    exposure,
    funding,
    health,
    mismatches,
    notifications,
    obligations,
    orders,
    pnl,
    positions,
    quotes,
    transactions,
)

DESCRIPTION = (
    "What this hedger knows, did and decided. Every answer is as of one position of its log. Amounts are decimal text."
)


def create_app(deps: ApiDeps) -> FastAPI:
    """The application over the dependencies given; nothing of it is global."""
    app = FastAPI(title="Hedger", description=DESCRIPTION, version=deps.version or "0")
    errors.install(app)
    # The last one added is the outermost: errors, unexpected ones too, must carry the CORS headers.
    app.add_middleware(errors.Unexpected)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(deps.origins),
        allow_methods=["GET", "POST", "DELETE", "OPTIONS"],
        allow_headers=["App-Name", "Authorization", "Content-Type"],
    )
    reader = Reader(deps.pool, deps.schema)
    app.include_router(health.router(deps.checks, deps.registry))
    app.include_router(quotes.router(reader, deps.log))
    for module in (
        positions,
        exposure,
        funding,
        orders,
        transactions,
        accounts,
        notifications,
        obligations,
        mismatches,
        alerts,
    ):
        app.include_router(module.router(reader))
    app.include_router(pnl.router(reader, deps.marks, deps.coin_price))
    app.include_router(error_codes.router())
    return app

"""One shape for everything that goes wrong: a code, a text for the user, details, and the field at fault.

A body that does not validate is answered with FastAPI's own list under `detail` as well, since clients read either.
"""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hedger.api.answers import json_bytes
from hedger.api.reading import NotReady
from hedger.domain.error_codes import ErrorCode

VALIDATION, NOT_FOUND, UNAVAILABLE = 4290, 4291, 4292
FAILED = int(ErrorCode.UNKNOWN_FAILURE)

_log = logging.getLogger(__name__)


class ErrorOut(BaseModel):
    """The body of every answer that is not a success."""

    error_code: int = Field(description="See /error_codes for those that notifications carry; 429x are the API's own.")
    error_message: str
    error_detail: list[str] | None = None
    field: str | None = Field(default=None, description="The parameter or body field at fault.")


class ApiError(Exception):
    """Answered with `status` and the error shape."""

    def __init__(self, status: int, code: int, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


def not_found(what: str, *, field: str) -> ApiError:
    return ApiError(404, NOT_FOUND, f"There is no {what}.", field=field)


def invalid(message: str, *, field: str) -> ApiError:
    return ApiError(422, VALIDATION, message, field=field)


def install(app: FastAPI) -> None:
    """Answer every error of the app in this shape, unexpected ones as well."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(NotReady, _unavailable)
    for away in (psycopg.OperationalError, PoolTimeout):
        app.add_exception_handler(away, _unavailable)


class Unexpected:
    """Answers what nobody caught. It stands inside the CORS middleware, so that browsers may read the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Any) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            _log.exception("request failed: %s %s", scope["method"], scope["path"])
            await answer(500, FAILED, "The request failed unexpectedly.")(scope, receive, send)


def answer(
    status: int,
    code: int,
    message: str,
    *,
    texts: Sequence[str] | None = None,
    field: str | None = None,
    found: Sequence[dict[str, Any]] | None = None,
) -> Response:
    """`texts` go under `error_detail`, and `found`, FastAPI's own list, under `detail`."""
    body: dict[str, Any] = {
        "error_code": code,
        "error_message": message,
        "error_detail": list(texts) if texts is not None else None,
        "field": field,
    }
    if found is not None:
        body["detail"] = list(found)
    return Response(json_bytes(body), status_code=status, media_type="application/json")


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answer(error.status, error.code, error.message, field=error.field)


async def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [{"loc": list(each["loc"]), "msg": each["msg"], "type": each["type"]} for each in error.errors()]
    texts = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found]
    named = [part for part in (found[0]["loc"] if found else ()) if isinstance(part, str)]
    field = named[-1] if named else None
    message = texts[0] if texts else "The request does not validate."
    return answer(422, VALIDATION, message, texts=texts, field=field, found=found)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = NOT_FOUND if error.status_code == 404 else VALIDATION if error.status_code < 500 else FAILED
    response = answer(error.status_code, code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _unavailable(_: Request, error: Exception) -> Response:
    message = str(error) if isinstance(error, NotReady) else "The database does not answer."
    return answer(503, UNAVAILABLE, message)

"""What OpenAPI tells of a route that answers with bytes: the shape of its answer, and of its errors."""

from typing import Any

from pydantic import BaseModel

from hedger.api.errors import ErrorOut

_ERRORS: dict[int, str] = {
    404: "There is no such thing.",
    422: "A parameter is not valid.",
    503: "The read models or the database are not ready.",
}


def answers(shape: type[BaseModel], *, errors: tuple[int, ...] = (422, 503)) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route."""
    told: dict[int | str, dict[str, Any]] = {200: {"model": shape}}
    for status in errors:
        told[status] = {"model": ErrorOut, "description": _ERRORS[status]}
    return told

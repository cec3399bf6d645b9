"""The error codes that answers and notifications carry, and what they say."""

from typing import Annotated

from fastapi import APIRouter, Path

from hedger.api.answers import BytesAnswer, json_answer
from hedger.api.errors import ErrorOut, not_found
from hedger.domain.error_codes import MEANINGS, ErrorCode

_TEXTS = {str(int(code)): text for code, text in MEANINGS.items() if code is not ErrorCode.NONE}


def router() -> APIRouter:
    routes = APIRouter(prefix="/error_codes", tags=["error codes"])

    @routes.get("", response_class=BytesAnswer, responses={200: {"model": dict[str, str]}})
    async def error_codes() -> BytesAnswer:
        """Every code with its text."""
        return json_answer(_TEXTS)

    @routes.get(
        "/{error_code}",
        response_class=BytesAnswer,
        responses={200: {"model": dict[str, str]}, 404: {"model": ErrorOut}, 422: {"model": ErrorOut}},
    )
    async def error_code(error_code: Annotated[int, Path()]) -> BytesAnswer:
        """One code with its text."""
        text = _TEXTS.get(str(error_code))
        if text is None:
            raise not_found("such error code", field="error_code")
        return json_answer({str(error_code): text})

    return routes

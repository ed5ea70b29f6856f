"""What litestar finds out about a handler, found out once in a process instead of once for each application.

A test makes an application of its own. Two thirds of the time that takes went into reading the same signatures
of the same handlers again, which depend on nothing that tests change.
"""

from collections.abc import Callable, Hashable
from typing import Any

import pytest
from litestar.handlers import BaseRouteHandler
from litestar.routes import http

LEARNT = ("parsed_fn_signature", "signature_model", "create_kwargs_model")


def remember_handlers(patch: pytest.MonkeyPatch) -> None:
    """Let every application use what the first has learnt of a handler."""
    for name in LEARNT:
        patch.setattr(BaseRouteHandler, name, _remembering(getattr(BaseRouteHandler, name)))


def _remembering(learn: Any) -> Any:
    known: dict[Hashable, Any] = {}

    def find(handler: BaseRouteHandler, learning: Callable[..., Any], **options: Any) -> Any:
        key = (_identity(handler), tuple(sorted(options.get("path_parameters", ()))))
        if key not in known:
            known[key] = learning(handler, **options)
        return known[key]

    if isinstance(learn, property):
        assert learn.fget
        getter = learn.fget
        return property(lambda handler: find(handler, getter))
    return lambda handler, path_parameters: find(handler, learn, path_parameters=path_parameters)


def _identity(handler: BaseRouteHandler) -> Hashable:
    """The handler's function; of those that litestar makes for OPTIONS, anew for each path, the code."""
    function: Any = handler.fn
    own = getattr(function, "__module__", None) == http.__name__
    return (handler.owner is None, type(handler), function.__code__ if own else function)

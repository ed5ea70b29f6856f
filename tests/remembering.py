"""What litestar finds out about handlers and routes, found out once instead of again and again.

A test makes an application of its own. Two thirds of the time that takes went into reading the same signatures
of the same handlers again, which depend on nothing that tests change. Half of what was left went into sorting
all routes and checking the whole tree of them after each handler that joins; once after the last does the same.
"""

from collections.abc import Callable, Hashable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from litestar import Litestar
from litestar._asgi.asgi_router import ASGIRouter
from litestar.handlers import BaseRouteHandler
from litestar.router import Router
from litestar.routes import http

LEARNT = ("parsed_fn_signature", "signature_model", "create_kwargs_model")


def remember_handlers(patch: pytest.MonkeyPatch) -> None:
    """Let every application use what the first has learnt of a handler."""
    for name in LEARNT:
        patch.setattr(BaseRouteHandler, name, _remembering(getattr(BaseRouteHandler, name)))


def join_quickly(patch: pytest.MonkeyPatch) -> None:
    """Let an application make the tree of its routes when it has all of them, and sort none for one that joins."""
    plant, finish = ASGIRouter.construct_routing_trie, Litestar._create_asgi_handler
    sort = cast("property", Router.route_handler_method_map).fget
    assert sort

    def plant_later(router: ASGIRouter) -> None:
        if hasattr(router.app, "asgi_handler"):
            plant(router)

    def sort_or_find(router: Router) -> Any:
        joining = isinstance(router, Litestar) and not hasattr(router, "asgi_handler")
        return _Sorted(router, sort) if joining else sort(router)

    def plant_and_finish(app: Litestar) -> Any:
        plant(app.asgi_router)
        return finish(app)

    patch.setattr(ASGIRouter, "construct_routing_trie", plant_later)
    patch.setattr(Litestar, "_create_asgi_handler", plant_and_finish)
    patch.setattr(Router, "route_handler_method_map", property(sort_or_find))


class _Sorted:
    """The handlers of a path, found among the routes that have joined: all that joining asks of them."""

    def __init__(self, router: Router, sort: Callable[[Any], Any]) -> None:
        self._router, self._sort = router, sort

    def get(self, path: str, missing: Any) -> Any:
        routes = [route for route in self._router.routes if route.path == path]
        return self._sort(SimpleNamespace(routes=routes)).get(path, missing)


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

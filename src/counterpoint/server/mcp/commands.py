"""The protocol on stdio, for an assistant on the same machine."""

import asyncio
from typing import Any

from counterpoint.terminal import terminal
from counterpoint.workspace import Workspace

__all__ = ["serve_stdio"]


def serve_stdio() -> None:
    """Serve the Model Context Protocol on standard input and output, as the local user, until the input ends."""
    with terminal().open() as workspace:
        from counterpoint.server.app import create_app
        from counterpoint.server.middleware.logs import configure_logs

        configure_logs(verbose=terminal().verbose)
        asyncio.run(_serve(create_app(workspace, auth=False), workspace))


async def _serve(app: Any, workspace: Workspace) -> None:
    from mcp.server.stdio import stdio_server

    from counterpoint.server.mcp.protocol import protocol_server

    server = protocol_server(app, workspace)
    workspace.journal  # noqa: B018 - opened before the first requests, which come from several threads at once
    # Without the application's lifespan, which moves rollouts and reads files again: whoever reads changes nothing.
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())

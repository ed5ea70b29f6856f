"""What assistants may read of rollouts."""

from counterpoint.web.tools import Argument, Tool

__all__ = ["tools"]

tools = (
    Tool(
        "get_rollout",
        "A rollout",
        "Where a rollout stands: its steps, its guardrails with their bounds, what the controller would do next, and "
        "all that happened with the figures that it saw.",
        "/api/v1/rollouts/{namespace}/{name}",
        (Argument("rollout", "A rollout by its name or reference.", "Rollout"),),
    ),
)

"""What assistants may read of experiments and metrics."""

from counterpoint.web.tools import Argument, Source, Tool

__all__ = ["sources", "tools"]

tools = (
    Tool(
        "get_experiment",
        "Result of an experiment",
        "The verdict in one sentence, the data's quality, and every metric with its interval, as of now.",
        "/api/v1/experiments/{namespace}/{name}/result",
        (Argument("experiment", "An experiment by its name or reference.", "Experiment"),),
    ),
)

sources = (
    Source(
        "metric",
        "Metric",
        "What a metric means, how it is computed, what the events say against it, and which decisions it serves.",
        "/api/v1/metrics/{namespace}/{name}",
    ),
)

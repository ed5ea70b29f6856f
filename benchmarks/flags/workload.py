"""What the benchmarks of flags evaluate: one boolean flag with four rules, and 20,000 users, always the same.

About 5 % of the users are caught by each of three rules, and a tenth of the others by a `fractional`.
"""

import random
from typing import Any

NORDIC = ["SE", "NO", "DK", "FI", "IS"]
FLAG: dict[str, Any] = {
    "state": "ENABLED",
    "variants": {"on": True, "off": False},
    "defaultVariant": "off",
    "targeting": {
        "if": [
            {"ends_with": [{"var": "email"}, "@corp.example"]}, "on",
            {"in": [{"var": "country"}, NORDIC]}, "on",
            {"==": [{"var": "plan"}, "beta"]}, "on",
            {"fractional": [["on", 10], ["off", 90]]},
        ]
    },
}  # fmt: skip
KEY = "new-checkout"
DEFINITION: dict[str, Any] = {"flags": {KEY: FLAG}}


def users() -> list[tuple[str, dict[str, str]]]:
    """Targeting key and attributes of each."""
    chance = random.Random(7)
    return [
        (
            f"{chance.getrandbits(64):016x}",
            {
                "email": f"u{number}@{'corp.example' if chance.random() < 0.05 else 'mail.example'}",
                "country": chance.choice(NORDIC) if chance.random() < 0.05 else "US",
                "plan": "beta" if chance.random() < 0.05 else "free",
            },
        )
        for number in range(20_000)
    ]

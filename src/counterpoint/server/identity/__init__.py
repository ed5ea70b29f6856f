"""Who calls and what the call may do: `model` and `access` decide, `accounts`, `sessions`, `tokens` store."""

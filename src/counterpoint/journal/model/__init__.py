"""The values of the journal: events, and what its operations answer. No I/O, no clock."""

"""What people and units are to each other: values and invariants, pure."""

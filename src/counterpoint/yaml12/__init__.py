"""YAML 1.2 in and out: documents with the place of each value, within limits; text that reads back as the same."""

"""Chaos: the whole system under load and faults, and an oracle that would notice. docs/reliability.md."""

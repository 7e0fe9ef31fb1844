"""Chaos tests: the whole system under load and faults, judged by an oracle (docs/reliability.md)."""

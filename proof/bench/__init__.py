"""The bench: Onsale beside the designs that people would otherwise build, in one run (docs/performance.md)."""

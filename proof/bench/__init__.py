"""The bench: Onsale compared with rival designs in one run (docs/performance.md)."""

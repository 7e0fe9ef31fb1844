"""The crash run: every crash point with every fault, against real processes, and a check of what must hold."""

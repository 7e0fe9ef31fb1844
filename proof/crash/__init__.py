"""The crash run: every crash point with every fault, against real processes, and the checks after each."""

"""Administration: the audit log, and what an operator's console shows of lanes, workers, stores and shows."""

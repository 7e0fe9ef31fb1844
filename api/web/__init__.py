"""HTTP as every route needs it: errors, headers, reading, answers, compression, limits, metrics, probes, threads."""

"""All SQL of the bench: the rivals' transaction, and what is counted and filled in the product's tables.

The only folder outside db/ that may hold SQL: another design's statements are no part of the product.
"""

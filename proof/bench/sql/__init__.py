"""All SQL of the bench: the rivals' transaction, and counting and filling the product's tables.

It is outside db/ because another design's statements are not part of the product.
"""

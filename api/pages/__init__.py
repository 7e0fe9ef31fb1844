"""The storefront and the console: the built files of web/, served from memory by either transport."""

from pathlib import Path

#: What web/build.mjs writes.
BUILT = Path(__file__).parent / "built"


def are_built() -> bool:
    """Return whether this installation has its pages."""
    return (BUILT / "storefront.html").is_file()

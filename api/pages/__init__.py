"""The storefront and the console: the built files of web/, served from memory by either transport."""

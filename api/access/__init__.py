"""Who sends a request: access tokens, their signatures and their revocation."""

"""The catalogue: movies, halls, shows and their changes, the list of shows, seat maps."""

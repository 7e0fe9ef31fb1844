"""Pictures of the pages for the documents, taken by a real browser of a real system (`make pictures`)."""

"""The shapes of request bodies, queries and answers (marshmallow), from which the OpenAPI document is made."""

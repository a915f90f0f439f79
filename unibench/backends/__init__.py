"""Prompts to responses: models in this process, servers, stored answers."""

"""From a recipe to a model that can be evaluated."""

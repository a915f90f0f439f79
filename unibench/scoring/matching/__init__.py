"""From mentions to what is compared: texts, places, tags, and how they agree."""

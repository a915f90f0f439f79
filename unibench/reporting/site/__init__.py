"""The leaderboard as a static site: plain pages, one script, one style sheet."""

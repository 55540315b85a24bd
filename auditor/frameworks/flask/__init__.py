"""Flask, Quart and what extends them: applications, views, hooks, configuration."""

"""Steps of `core.db`, and of its copy on PostgreSQL. A step that was delivered is never changed."""

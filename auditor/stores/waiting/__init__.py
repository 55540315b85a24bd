"""Who runs a query and who waits for its answer: the application, a program, somebody at a terminal, nobody."""

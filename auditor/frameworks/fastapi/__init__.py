"""FastAPI and Starlette: applications, routers, dependencies, cross-origin policies."""

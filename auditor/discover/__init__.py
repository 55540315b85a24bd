"""Discovery: which files the tree under audit holds, of which kind, and in which role."""

from auditor.discover.kinds import Kind, Role
from auditor.discover.walk import DiscoveryError, LeftOut, SourceFile, Tree, discover, read

__all__ = ["DiscoveryError", "Kind", "LeftOut", "Role", "SourceFile", "Tree", "discover", "read"]

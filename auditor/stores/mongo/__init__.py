"""MongoDB: collections, filters, pipelines and indexes, by driver and by mapper."""

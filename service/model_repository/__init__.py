"""The contract between training and serving: what a published version is."""

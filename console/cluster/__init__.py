"""Where objects come from: the live API and manifest files."""

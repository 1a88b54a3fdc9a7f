"""The faces of a diagnosis: text, JSON, Markdown, HTML."""

"""The faces of a diagnosis: text, JSON, Markdown, HTML, and the draft of a postmortem."""

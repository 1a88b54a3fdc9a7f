"""What is watched: one file a topic; `all_signals` finds them."""

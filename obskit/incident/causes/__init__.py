"""One file a cause; `all_causes` finds them."""

# expect: definition @4: a panel of it is no panel but str
"""JSON by hand, with names where panels belong."""

dashboard = {
    "title": "Panels by name",
    "uid": "panels-by-name",
    "panels": ["http_requests", "http_error_ratio"],
}

# expect: definition @4: `dashboard` is no dashboard but str
"""A link to the dashboard instead of the dashboard."""

dashboard = "https://grafana.example.com/d/shop"

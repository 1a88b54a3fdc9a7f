"""What analysts hold: incidents, live sources, data frames, plots. `obskit` itself offers the names."""

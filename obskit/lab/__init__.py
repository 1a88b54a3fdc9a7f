"""The lab: a demo application, its faults, and a local stack to record incidents with."""

"""The faults of the lab: one file each, found by `obskit.lab.fault.all_faults`."""

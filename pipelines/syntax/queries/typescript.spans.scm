(interface_body) @span

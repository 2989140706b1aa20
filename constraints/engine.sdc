# The engine has one clock; its reset is synchronous to it. A board's own constraints say where the clock comes from.
create_clock -name clock -period 6.4 [get_ports clock]

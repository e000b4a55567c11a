// Package wallclock is about what clocks on walls show: time zones by name, the date somewhere, and the moment at which clocks
// show a given time, also on the two days of a year when they are changed.
//
// It is pure: the zones are part of the program, not of the machine.
package wallclock

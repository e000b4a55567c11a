package ical

import "strings"

// WindowsZones is the table of the zones of Windows.
func WindowsZones() map[string]string {
	all := map[string]string{}
	for row := range strings.Lines(strings.TrimSpace(windowsZones)) {
		name, iana, _ := strings.Cut(strings.TrimSpace(row), "=")
		all[name] = iana
	}
	return all
}

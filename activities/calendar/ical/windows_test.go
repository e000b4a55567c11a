package ical_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar/ical"
)

// Every zone of Windows has a place that the program knows.
func TestWindowsZones(t *testing.T) {
	t.Parallel()
	names := ical.WindowsZones()
	if len(names) < 135 {
		t.Errorf("%d zones", len(names))
	}
	for windows, iana := range names {
		if _, err := time.LoadLocation(iana); err != nil {
			t.Errorf("%s: %v", windows, err)
		}
	}
}

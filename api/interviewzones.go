package api

import (
	"cmp"
	_ "embed" // the list of zones
	"slices"
	"strings"
	"time"
)

// zoneNames are the zones that people can choose: those of zone.tab of the IANA time zone database, one for each country and
// region.
//
//go:embed pages/zones.txt
var zoneNames string

// readZones returns the zones that people can choose. One that this machine does not know is left out.
func readZones() map[string]*time.Location {
	zones := map[string]*time.Location{}
	for name := range strings.FieldsSeq(zoneNames) {
		if loc, err := time.LoadLocation(name); err == nil {
			zones[name] = loc
		}
	}
	return zones
}

// shownZone is a zone as a choice.
type shownZone struct {
	Name, Label string
	Chosen      bool
}

// shownZones lists the zones by name, with what their clocks show at a moment.
func shownZones(zones map[string]*time.Location, chosen *time.Location, at time.Time) []shownZone {
	shown := make([]shownZone, 0, len(zones)+1)
	for name, loc := range zones {
		shown = append(shown, shownZone{name, zoneLabel(loc, at), name == chosen.String()})
	}
	if zones[chosen.String()] == nil {
		shown = append(shown, shownZone{chosen.String(), zoneLabel(chosen, at), true})
	}
	slices.SortFunc(shown, func(a, b shownZone) int { return cmp.Compare(a.Name, b.Name) })
	return shown
}

// zoneLabel names a zone for people: America/New York (UTC−05:00).
func zoneLabel(loc *time.Location, at time.Time) string {
	if loc == time.UTC {
		return "UTC"
	}
	return strings.ReplaceAll(loc.String(), "_", " ") + " (" + offsetLabel(loc, at) + ")"
}

func offsetLabel(loc *time.Location, at time.Time) string {
	return "UTC" + strings.Replace(at.In(loc).Format("-07:00"), "-", "−", 1)
}

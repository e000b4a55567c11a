package ical

import (
	"fmt"
	"strings"

	"github.com/rapport-crm/rapport/activities/calendar"
)

// The limits of what is read. A calendar of twenty years of a busy person has some ten thousand events in six megabytes.
const (
	MaxBytes      = 16 << 20 // of a text
	MaxComponents = 50_000   // events, alarms, zones and their rules
	maxLines      = 1_000_000
	maxDepth      = 8
	maxBlocks     = 50_000    // of busy time in one answer
	maxWork       = 2_000_000 // steps of expanding recurrences for one answer
)

// component is what stands between BEGIN and END.
type component struct {
	kind  string
	lines []line
	parts []*component
}

// first returns the first property of that name, or nil.
func (c *component) first(name string) *line {
	for i := range c.lines {
		if c.lines[i].name == name {
			return &c.lines[i]
		}
	}
	return nil
}

// value returns the value of the first property of that name, without spaces around it, or "".
func (c *component) value(name string) string {
	if l := c.first(name); l != nil {
		return strings.TrimSpace(l.value)
	}
	return ""
}

// keyword is value in upper case, for values that are words of the format.
func (c *component) keyword(name string) string { return strings.ToUpper(c.value(name)) }

// all calls each with every property of that name.
func (c *component) all(name string, each func(*line) error) error {
	for i := range c.lines {
		if c.lines[i].name == name {
			if err := each(&c.lines[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// unreadable is the error of a calendar that cannot be understood. The words are about its form.
func unreadable(code, format string, a ...any) error {
	return &calendar.Error{Kind: calendar.Unreadable, Code: code, Detail: fmt.Sprintf(format, a...)}
}

// tree reads the first VCALENDAR of a text, and what further ones hold as if it were in the first.
func tree(text []byte) (*component, error) {
	if len(text) > MaxBytes {
		return nil, unreadable("too_large", "it has more than %d bytes", MaxBytes)
	}
	b := builder{root: &component{kind: "VCALENDAR"}}
	err := unfold(text, b.take)
	switch {
	case err != nil:
		return nil, err
	case !b.found:
		return nil, unreadable("not_icalendar", "it does not begin with BEGIN:VCALENDAR")
	case len(b.open) > 0:
		return nil, unreadable("cut_off", "it ends in the middle")
	}
	return b.root, nil
}

// builder puts components together.
type builder struct {
	root              *component
	open              []*component // the innermost is the last
	found             bool
	lines, components int
}

func (b *builder) take(raw string) error {
	if b.lines++; b.lines > maxLines {
		return unreadable("too_large", "it has more than %d lines", maxLines)
	}
	l, ok := parseLine(raw)
	if !ok {
		if !b.found {
			return unreadable("not_icalendar", "it does not begin with BEGIN:VCALENDAR")
		}
		return nil
	}
	switch l.name {
	case "BEGIN":
		return b.begin(strings.ToUpper(strings.TrimSpace(l.value)))
	case "END":
		return b.end(strings.ToUpper(strings.TrimSpace(l.value)))
	}
	if len(b.open) > 0 && wanted(l.name) {
		inner := b.open[len(b.open)-1]
		inner.lines = append(inner.lines, l)
	}
	return nil
}

func (b *builder) begin(kind string) error {
	if b.components++; b.components > MaxComponents {
		return unreadable("too_large", "it has more than %d components", MaxComponents)
	}
	switch {
	case len(b.open) == 0 && kind == "VCALENDAR":
		b.found = true
		b.open = append(b.open, b.root)
		return nil
	case len(b.open) == 0:
		return unreadable("not_icalendar", "it does not begin with BEGIN:VCALENDAR")
	case len(b.open) == maxDepth:
		return unreadable("too_deep", "its components are more than %d inside of each other", maxDepth)
	}
	inner := b.open[len(b.open)-1]
	c := &component{kind: kind}
	inner.parts = append(inner.parts, c)
	b.open = append(b.open, c)
	return nil
}

func (b *builder) end(kind string) error {
	last := len(b.open) - 1
	if last < 0 || b.open[last].kind != kind {
		return unreadable("not_icalendar", "a component ends that did not begin")
	}
	b.open = b.open[:last]
	return nil
}

// wanted tells whether a property is ever looked at. Pictures in attachments are not kept.
func wanted(name string) bool {
	switch name {
	case "ATTACH", "CATEGORIES", "CREATED", "LAST-MODIFIED", "X-ALT-DESC", "X-APPLE-STRUCTURED-LOCATION":
		return false
	}
	return true
}

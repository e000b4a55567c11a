package dsl

import (
	"cmp"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// windowChecker looks for messages that hours of sending and quiet hours leave no minute for.
type windowChecker struct{ *sequenceReader }

func (c *windowChecker) check() {
	reported := map[*yaml.Node]bool{} // the window of the sequence is said once
	var visit func(steps []*step)
	visit = func(steps []*step) {
		for _, s := range steps {
			if s.instr.Send != nil {
				c.send(s, reported)
			}
			visit(s.children())
		}
	}
	visit(c.all)
}

func (c *windowChecker) send(s *step, reported map[*yaml.Node]bool) {
	ws := c.voc.workspace
	if ws == nil {
		return
	}
	quiet := ws.quietHours(s.instr.Send.Channel, c.p.Transactional())
	window, where, whose := s.instr.Send.Window, part(s.node, string(s.instr.Send.Channel), "window"), "This window"
	everywhere := false // what clocks show where the candidate is
	if window == nil && c.p.Window != nil {
		window, where = c.p.Window, valueOf(c.src.root, "window")
	}
	if window == nil && !c.p.Transactional() {
		window, where, whose = ws.Calendar, s.node, "The workspace's calendar"
		everywhere = true
	}
	if window == nil || quiet == nil || where == nil || reported[where] || window.opensOutside(quiet) {
		return
	}
	reported[where] = true
	hours := fmt.Sprintf("%s-%s", clock(quiet.From), clock(quiet.To))
	what := map[crm.Channel]string{crm.Email: "email", crm.SMS: "text messages"}[s.instr.Send.Channel]
	if !everywhere && cmp.Or(window.Zone, "candidate") != "candidate" {
		c.warn(where, codeWindow, fmt.Sprintf("%s lies in the quiet hours for %s, %s, of candidates in %s: they get nothing.", whose, what, hours, window.Zone), "Let it open outside of them.")
		return
	}
	c.add(where, codeWindow, fmt.Sprintf("%s lies wholly in the quiet hours for %s, %s: nothing is ever sent.", whose, what, hours), "Let it open outside of them.")
}

// quietHours returns the quiet hours of a channel. Transactional mail obeys them by SMS only.
func (ws *Workspace) quietHours(ch crm.Channel, transactional bool) *Span {
	switch {
	case ch == crm.SMS:
		return ws.QuietSMS
	case transactional:
		return nil
	}
	return ws.QuietEmail
}

// opensOutside tells whether some minute of the window is not in a span.
func (c *Calendar) opensOutside(s *Span) bool {
	for minute := c.Open; minute < c.Close; minute++ {
		inside := s.From <= minute && minute < s.To
		if s.From >= s.To {
			inside = minute >= s.From || minute < s.To
		}
		if !inside {
			return true
		}
	}
	return false
}

// clock writes minutes after midnight.
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

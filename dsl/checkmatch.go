package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// matchChecker looks for matches that never happen.
type matchChecker struct {
	*paths
	told []string // events without a candidate that candidates are told of
}

func (c *matchChecker) check() {
	exits := c.exits()
	for _, s := range c.order {
		if s.instr.WaitFor != nil {
			c.waitFor(s, exits)
		}
	}
	if g := c.p.Goal; g != nil {
		c.possible(valueOf(c.src.root, "goal"), g.Match, nil)
	}
}

// placed is a match and where it stands.
type placed struct {
	*Match
	node *yaml.Node
}

// exits checks the exits of the sequence, each by itself and against those before it.
func (c *matchChecker) exits() []placed {
	var before []placed
	for i, n := range entriesOfNode(valueOf(c.src.root, "exit")) {
		m := placed{c.p.Exits[i], n}
		c.possible(n, m.Match, nil)
		if first := slices.IndexFunc(before, func(b placed) bool { return b.covers(m.Match) && (b.Since == "" || b.Since == m.Since) }); first >= 0 {
			c.warn(n, codeUnreachable, fmt.Sprintf("This exit is never taken: the one on line %d comes first.", before[first].node.Line), "Take one of them out.")
		}
		before = append(before, m)
	}
	return before
}

// waitFor checks the branches of a wait, each by itself, against those before it, and against the exits, which are looked at
// first.
func (c *matchChecker) waitFor(s *step, exits []placed) {
	var before []placed
	node := valueOf(s.node, "wait_for")
	for _, b := range s.instr.WaitFor.Branches {
		m := placed{b.Match, valueOf(node, b.Name)}
		key := keyOf(node, b.Name)
		c.possible(m.node, m.Match, s)
		same := func(o placed) bool { return o.covers(m.Match) && o.Since == m.Since && o.Step == m.Step }
		if first := slices.IndexFunc(before, same); first >= 0 {
			c.warn(key, codeUnreachable, fmt.Sprintf("This branch is never taken: the one on line %d comes first.", before[first].node.Line), "Take one of them out.")
		}
		if exit := slices.IndexFunc(exits, func(x placed) bool { return x.covers(m.Match) && x.Since == "" }); exit >= 0 {
			c.warn(key, codeUnreachable, fmt.Sprintf("This branch is never taken: the exit on line %d ends the run first.", exits[exit].node.Line), "Take one of them out, or give the exit a `when`.")
		}
		before = append(before, m)
	}
}

// covers tells whether whatever is a match for other is one for m too.
func (m *Match) covers(other *Match) bool {
	if m.When != nil && (other.When == nil || m.When.Source != other.When.Source) {
		return false
	}
	if m.State() || other.State() {
		return m.State() && other.State()
	}
	if m.Step != "" && m.Step != other.Step {
		return false
	}
	return !slices.ContainsFunc(other.On, func(t string) bool { return !slices.Contains(m.On, t) })
}

// anySend tells whether a message that a match is about may have been sent when it is looked at: at a step, or, for what is
// looked at all through the run, at all. which says what else is asked of the step that sends it.
func (c *matchChecker) anySend(m *Match, at *step, which func(s *step) bool) bool {
	return slices.ContainsFunc(c.order, func(s *step) bool {
		return s.instr.Send != nil && (m.Step == "" || c.isInside(s, c.steps[m.Step])) && (at == nil || c.canPrecede(s, at)) && which(s)
	})
}

// possible reports the event types of a match that never happen where it is looked at: at a step, or, without one, all
// through the run.
func (c *matchChecker) possible(n *yaml.Node, m *Match, at *step) {
	if m.State() || n == nil || c.full() {
		return
	}
	for i, e := range entriesOfNode(valueOf(n, "on")) {
		switch t := m.On[i]; {
		case crm.Broadcast(t) && !c.p.PerApp && !slices.Contains(c.told, t):
			c.warn(e, codeNever, fmt.Sprintf("Nobody here is told of %s: it has no candidate of its own.", t), "Enroll with {in: POOL, on: "+t+"}, or match something else.")
		case strings.HasPrefix(t, "message."):
			c.messages(n, e, m, at)
		}
	}
}

// messages reports a message event that no message before can have.
func (c *matchChecker) messages(n, event *yaml.Node, m *Match, at *step) {
	t := event.Value
	sent := c.anySend(m, at, func(*step) bool { return true })
	switch {
	case !sent && m.Step != "":
		c.warn(part(n, "step"), codeNever, fmt.Sprintf("No message of %q is sent before this: it stands on another branch.", m.Step), "Name a step that the run has come through.")
	case !sent:
		c.warn(event, codeNever, fmt.Sprintf("No message of this run is sent before this, so there is no %s.", t), "Put it after an email or sms step.")
	case !c.anySend(m, at, func(s *step) bool { return c.tells(s.instr.Send.Channel, t) }):
		channel := crm.SMS
		if c.anySend(m, at, func(s *step) bool { return s.instr.Send.Channel == crm.Email }) {
			channel = crm.Email
		}
		message, fix := c.untold(channel, t)
		c.warn(event, codeNever, message, fix)
	}
}

// experiments checks what the arms of experiments do against each other and against the measure.
func (p *paths) experiments() {
	for _, s := range p.order {
		x := s.instr.Experiment
		if x == nil {
			continue
		}
		arms := part(s.node, "experiment", "arms")
		seen := map[string]string{}
		for i, a := range x.Arms {
			content := contentWithoutIDs(valueOf(valueOf(arms, a.Name), "do"))
			if same, found := seen[content]; found {
				p.note(keyOf(arms, a.Name), crm.SeverityHint, codeArms, fmt.Sprintf("The arms %s and %s do the same.", same, a.Name), "An experiment that changes nothing shows how much is chance; else make them differ.")
			} else {
				seen[content] = a.Name
			}
			p.measurable(s, i)
		}
	}
}

// measurable warns of an arm that the measure never counts for: it sends nothing that the measure is about.
func (p *paths) measurable(s *step, arm int) {
	x := s.instr.Experiment
	if x.Measure == nil || x.Measure.State() || slices.ContainsFunc(x.Measure.On, func(t string) bool { return !strings.HasPrefix(t, "message.") }) {
		return
	}
	counts := slices.ContainsFunc(p.order, func(send *step) bool {
		if send.instr.Send == nil || x.Measure.Step != "" && !p.isInside(send, p.steps[x.Measure.Step]) {
			return false
		}
		other := slices.ContainsFunc(p.at[send].in, func(f fork) bool { return f.step == s && f.branch != arm })
		told := slices.ContainsFunc(x.Measure.On, func(t string) bool { return p.tells(send.instr.Send.Channel, t) })
		return told && !other && (p.isInside(send, s) || p.canPrecede(s, send))
	})
	if !counts {
		name := x.Arms[arm].Name
		p.warn(keyOf(part(s.node, "experiment", "arms"), name), codeArms, fmt.Sprintf("The measure never counts for the arm %s: nothing it sends tells of %s.", name, x.Measure.On[0]),
			"Measure something that can happen on every arm, such as application.submitted.")
	}
}

// contentWithoutIDs is what steps do, whatever they are called.
func contentWithoutIDs(n *yaml.Node) string {
	if n == nil {
		return "[]"
	}
	var b strings.Builder
	canonical(&b, withoutIDs(n))
	return b.String()
}

func withoutIDs(n *yaml.Node) *yaml.Node {
	bare := *n
	bare.Content = nil
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && n.Content[i-i%2].Value == "id" {
			continue
		}
		bare.Content = append(bare.Content, withoutIDs(child))
	}
	return &bare
}

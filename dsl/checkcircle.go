package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// link is one way in which a definition leads to another.
type link struct {
	from, to *doc
	node     *yaml.Node // where from says so
	how      string     // "a enrolls b"
	sure     bool       // every run comes to it, and nothing waits before
}

// circles looks for sequences that lead to each other for ever: by enroll steps, by events that steps emit, by pools that
// steps put candidates into.
func (c *setChecker) circles() {
	var links []link
	for _, d := range c.sequences {
		links = append(links, c.linksOf(d)...)
		if len(links) > maxLinks {
			return
		}
	}
	for _, circle := range circlesOf(links) {
		c.reportCircle(circle)
	}
}

// maxLinks is where looking for circles is given up: what it takes grows with the square.
const maxLinks = 2_000

// linksOf lists what the steps of a sequence enroll in.
func (c *setChecker) linksOf(d *doc) []link {
	var links []link
	p := newPaths(d.reader.sequenceRead)
	waited := false
	for _, s := range p.order {
		in := &s.instr
		waited = waited || slices.Contains([]Op{OpWait, OpWaitFor, OpRepeat, OpSurvey}, in.Op) || in.Task != nil && in.Task.Wait
		if in.Op != OpEnroll && in.Op != OpEmit && in.Op != OpUpdate {
			continue
		}
		lead := func(to *doc, node *yaml.Node, by string, sure bool) {
			links = append(links, link{d, to, node, d.Name + " " + by + " " + to.Name, sure && !waited && !p.guarded(s)})
		}
		for _, to := range c.sequences {
			if in.Op == OpEnroll && in.Sequence == to.Name {
				lead(to, part(s.node, "enroll"), "enrolls", true)
			}
			for _, r := range to.program.Enroll {
				if in.Emit != nil && slices.Contains(r.On, in.Emit.Event) {
					lead(to, part(s.node, "emit", "event"), "emits "+in.Emit.Event+", which enrolls in", r.When == nil && r.In == "")
				}
				for _, pool := range entered(in) {
					if r.enters(pool) {
						lead(to, part(s.node, "update", "pool", "add"), "adds to the pool "+pool+", which enrolls in", r.When == nil)
					}
				}
			}
		}
	}
	return links
}

// entered lists the pools that a step puts the candidate into.
func entered(in *Instr) []string {
	if in.Update == nil {
		return nil
	}
	return in.Update.Enter
}

// enters tells whether the rule enrolls who enters a pool.
func (r *Rule) enters(pool string) bool {
	if slices.Contains(r.On, "pool.entered") {
		return r.When == nil || strings.Contains(r.When.Source, pool)
	}
	return r.In == pool && len(r.On) == 0 && r.At.IsZero()
}

// circlesOf finds circles: for every link that is part of one, the shortest, each once.
func circlesOf(links []link) [][]link {
	next := map[*doc][]link{}
	for _, l := range links {
		next[l.from] = append(next[l.from], l)
	}
	var circles [][]link
	covered := map[[2]*doc]bool{}
	for _, first := range links {
		if covered[[2]*doc{first.from, first.to}] {
			continue
		}
		circle := shortest(next, first)
		for _, l := range circle {
			covered[[2]*doc{l.from, l.to}] = true
		}
		if circle != nil {
			circles = append(circles, circle)
		}
	}
	return circles
}

// shortest returns the shortest way from a link back to where it begins, the link included; nil when there is none.
func shortest(next map[*doc][]link, first link) []link {
	ways := [][]link{{first}}
	been := map[*doc]bool{first.to: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		last := way[len(way)-1]
		if last.to == first.from {
			return way
		}
		for _, l := range next[last.to] {
			if !been[l.to] {
				been[l.to] = true
				ways = append(ways, append(slices.Clip(way), l))
			}
		}
	}
	return nil
}

// reportCircle reports a circle at the first link that stands in the files: as an error when it goes round for ever without a
// pause, else as a warning.
func (c *setChecker) reportCircle(circle []link) {
	severity, steps := crm.SeverityError, make([]string, len(circle))
	ends := false
	for i, l := range circle {
		steps[i] = l.how
		if !l.sure {
			severity = crm.SeverityWarning
		}
		if r := l.to.program.Reenroll; r.Never || !r.After.IsZero() {
			severity, ends = crm.SeverityWarning, true
		}
	}
	at := circle[c.firstOwn(len(circle), func(i int) *doc { return circle[i].from })]
	says := "Candidates go round in a circle"
	if ends {
		says = "Sequences lead to each other, and only reenroll ends the circle"
	}
	fix := "Take one of them out, or use `repeat` in one sequence."
	if severity == crm.SeverityError {
		fix = "Take one of them out, or write `reenroll: never` in one of them."
	}
	at.from.reader.note(at.node, severity, codeCircle, fmt.Sprintf("%s: %s.", says, strings.Join(steps, ", ")), fix)
}

// firstOwn returns the first of n documents that is part of the files, or 0.
func (c *setChecker) firstOwn(n int, of func(i int) *doc) int {
	for i := range n {
		if slices.Index(c.l.docs, of(i)) < c.l.own {
			return i
		}
	}
	return 0
}

// poolCircles looks for pools whose conditions ask about each other: who is in would depend on who was asked first.
func (c *setChecker) poolCircles() {
	var pools []*doc
	for _, d := range c.l.docs {
		if d.pool != nil && d.pool.When != nil {
			pools = append(pools, d)
		}
	}
	var links []link
	for _, d := range pools {
		for _, to := range pools {
			if slices.Contains(d.pool.When.pools, to.Name) {
				links = append(links, link{from: d, to: to, node: valueOf(d.reader.src.root, "when"), how: d.Name + " asks about " + to.Name})
			}
		}
	}
	for _, circle := range circlesOf(links) {
		steps := make([]string, len(circle))
		for i, l := range circle {
			steps[i] = l.how
		}
		at := circle[c.firstOwn(len(circle), func(i int) *doc { return circle[i].from })]
		at.from.reader.add(at.node, codePoolCircle, fmt.Sprintf("Pools ask about each other in a circle: %s.", strings.Join(steps, ", ")), "Write the condition out in one of them.")
	}
}

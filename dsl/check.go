package dsl

import (
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// check looks at definitions as a whole, once all of them are read: at what no run can come to, what goes round in circles,
// and what nothing uses. Definitions with errors are left out, as what they mean is not known.
func (l *loader) check() {
	c := &setChecker{l: l}
	for _, d := range l.docs {
		if d.program != nil && !d.reader.failed() {
			c.sequences = append(c.sequences, d)
		}
	}
	told := c.told()
	for _, d := range c.sequences {
		p := newPaths(d.reader.sequenceRead)
		(&flow{p}).check()
		(&matchChecker{paths: p, told: told}).check()
		(&windowChecker{sequenceReader: p.sequenceReader}).check()
		p.limits()
		p.experiments()
	}
	c.circles()
	c.poolCircles()
	c.unused()
}

// setChecker looks at all documents together.
type setChecker struct {
	l         *loader
	sequences []*doc
}

// told lists the events without a candidate that some sequence tells its pool of.
func (c *setChecker) told() []string {
	var types []string
	for _, d := range c.sequences {
		for _, r := range d.program.Enroll {
			if r.In != "" {
				types = append(types, slices.DeleteFunc(slices.Clone(r.On), func(t string) bool { return !crm.Broadcast(t) })...)
			}
		}
	}
	return types
}

// paths knows where the steps of a sequence stand in it.
type paths struct {
	*sequenceReader
	order []*step
	at    map[*step]position
}

// position is where a step stands: its place in reading order, and the branches it is in, from the outside in.
type position struct {
	place int
	in    []fork
}

// fork is one branch of a step.
type fork struct {
	step   *step
	branch int
}

func newPaths(q *sequenceReader) *paths {
	p := &paths{sequenceReader: q, at: map[*step]position{}}
	p.walk(q.all, nil)
	return p
}

func (p *paths) walk(steps []*step, in []fork) {
	for _, s := range steps {
		p.at[s] = position{len(p.order), in}
		p.order = append(p.order, s)
		for i, branch := range s.blocks() {
			p.walk(branch, append(slices.Clip(in), fork{s, i}))
		}
	}
}

// blocks returns the lists of steps that hang on a step.
func (s *step) blocks() [][]*step {
	var all [][]*step
	for _, b := range s.then {
		all = append(all, b.steps)
	}
	for _, a := range s.arms {
		all = append(all, a.steps)
	}
	return append(all, s.otherwise, s.do)
}

// canPrecede tells whether a run that stands at one step may have been at another: it stands before, and not on another
// branch; or both are repeated.
func (p *paths) canPrecede(before, s *step) bool {
	a, b := p.at[before], p.at[s]
	for i := range min(len(a.in), len(b.in)) {
		if a.in[i].step != b.in[i].step {
			break
		}
		if a.in[i].step.instr.Op == OpRepeat {
			return true
		}
		if a.in[i].branch != b.in[i].branch {
			return false
		}
	}
	return a.place < b.place
}

// isInside tells whether a step is another one or hangs on it at any depth.
func (p *paths) isInside(s, outer *step) bool {
	return s == outer || slices.ContainsFunc(p.at[s].in, func(f fork) bool { return f.step == outer })
}

// guarded tells whether a run may pass a step by: it has a condition, or stands on a branch.
func (p *paths) guarded(s *step) bool {
	return s.instr.If != nil || slices.ContainsFunc(p.at[s].in, func(f fork) bool { return f.step.instr.Op != OpRepeat })
}

// warn reports a warning.
func (r *docReader) warn(n *yaml.Node, code, message, fix string) {
	r.note(n, crm.SeverityWarning, code, message, fix)
}

// part returns the node of a value under keys, or the last one that is there.
func part(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		next := valueOf(n, key)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// keyOf returns the node of a key of a mapping, or the mapping.
func keyOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i]
		}
	}
	return n
}

// entriesOfNode returns the entries of a list, or a lone value as a list of one.
func entriesOfNode(n *yaml.Node) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.SequenceNode:
		return n.Content
	}
	return []*yaml.Node{n}
}

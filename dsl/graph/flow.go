package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// graphBuilder turns the flat program back into blocks and those into nodes and edges.
type graphBuilder struct {
	p     *dsl.Program
	words stepWords
	g     *Graph
}

func (b *graphBuilder) node(n *Node) *Node {
	b.g.Nodes = append(b.g.Nodes, n)
	return n
}

// block reads the instructions from one place until they go on at another.
func (b *graphBuilder) block(pc, end int) flow {
	f := flow{open: true}
	for pc != end {
		next := b.part(pc)
		f.parts, f.open = append(f.parts, next), next.open
		pc = b.p.Follower(pc)
	}
	return f
}

// part reads one instruction and what hangs on it.
func (b *graphBuilder) part(pc int) part {
	in := &b.p.Code[pc]
	n := b.node(b.words.node(in))
	switch {
	case in.Exit != "":
		return b.exit(in, n)
	case in.Choose != nil:
		return b.choice(pc, n)
	case in.Experiment != nil:
		return b.experiment(pc, n)
	case in.Repeat != nil:
		return b.repeat(pc, n)
	}
	return b.outcomes(pc, n)
}

// exit draws an exit with a condition as a question before the end.
func (b *graphBuilder) exit(in *dsl.Instr, n *Node) part {
	if in.If == nil {
		return part{node: n}
	}
	end := b.node(&Node{ID: in.ID + "/end", Kind: NodeEnd, Text: []string{endsAs(in.Exit)}})
	return part{node: n, open: true, lanes: []lane{
		{"yes", flow{parts: []part{{node: end}}}},
		{"no", flow{open: true}},
	}}
}

func (b *graphBuilder) choice(pc int, n *Node) part {
	in := &b.p.Code[pc]
	var ways []way
	for i := range in.Choose.Arms {
		ways = append(ways, way{inWords(in.Choose.Arms[i].If), in.Choose.Arms[i].Go})
	}
	otherwise := "otherwise"
	if len(ways) == 1 { // the node asks
		ways[0].label, otherwise = "yes", "no"
	}
	return b.branch(pc, n, append(ways, way{otherwise, in.Next}))
}

func (b *graphBuilder) experiment(pc int, n *Node) part {
	in := &b.p.Code[pc]
	var ways []way
	for i := range in.Experiment.Arms {
		ways = append(ways, way{armWords(in.Experiment, i), in.Experiment.Arms[i].Go})
	}
	if in.If != nil {
		ways = append(ways, way{"if not", in.Next})
	}
	return b.branch(pc, n, ways)
}

func (b *graphBuilder) repeat(pc int, n *Node) part {
	in := &b.p.Code[pc]
	r := in.Repeat
	return part{
		node: n, loop: true, out: roundsOver(in), open: r.Times > 0 || r.While != nil || in.If != nil,
		lanes: []lane{{"", b.block(r.Go, pc)}},
	}
}

// way is one outcome, or what is like one: what it means and where it leads.
type way struct {
	label string
	to    int
}

// outcomes draws a step with branches by outcome. Outcomes that just go on share a way; when all do, the step is a plain one.
func (b *graphBuilder) outcomes(pc int, n *Node) part {
	in := &b.p.Code[pc]
	if len(in.Then) == 0 {
		return part{node: n, open: true}
	}
	var ways []way
	var rest []string
	for _, o := range outcomesOf(in) {
		label := b.words.outcome(in, o)
		if to := in.After(o); to != b.p.Follower(pc) {
			ways = append(ways, way{label, to})
		} else if !slices.Contains(rest, label) {
			rest = append(rest, label)
		}
	}
	if len(ways) == 0 {
		return part{node: n, open: true}
	}
	if len(rest) > 0 {
		ways = append(ways, way{anyOf(rest), b.p.Follower(pc)})
	}
	return b.branch(pc, n, ways)
}

func (b *graphBuilder) branch(pc int, n *Node, ways []way) part {
	p := part{node: n}
	for _, w := range ways {
		l := lane{w.label, b.block(w.to, b.p.Follower(pc))}
		p.lanes = append(p.lanes, l)
		p.open = p.open || l.open
	}
	return p
}

// outcomesOf lists how an instruction can end, in the order in which its branches are drawn.
func outcomesOf(in *dsl.Instr) []string {
	all := in.Outcomes()
	skippable := in.If != nil || in.Op == dsl.OpSurvey // its message may not be allowed
	if skippable && !slices.Contains(all, crm.OutcomeSkipped) {
		all = append(all, crm.OutcomeSkipped)
	}
	return all
}

// wire connects the nodes of a block. It takes the loose ends that lead into the block, and returns those that lead out.
func (b *graphBuilder) wire(f flow, loose []Edge) []Edge {
	before := ""
	for _, p := range f.parts {
		if len(loose) == 0 && before != "" {
			loose = []Edge{{From: before, Label: "never reached", Never: true}}
		}
		b.join(loose, p.node.ID, false)
		before, loose = p.node.ID, b.leave(p)
	}
	return loose
}

// leave connects what hangs on a node, and returns the loose ends behind it.
func (b *graphBuilder) leave(p part) []Edge {
	id := p.node.ID
	switch {
	case p.loop:
		b.join(b.wire(p.lanes[0].flow, []Edge{{From: id, Label: p.lanes[0].label}}), id, true)
		if p.open {
			return []Edge{{From: id, Label: p.out}}
		}
	case len(p.lanes) > 0:
		var loose []Edge
		for _, l := range p.lanes {
			loose = append(loose, b.wire(l.flow, []Edge{{From: id, Label: l.label}})...)
		}
		return loose
	case p.open:
		return []Edge{{From: id}}
	}
	return nil
}

func (b *graphBuilder) join(loose []Edge, to string, back bool) {
	for _, e := range loose {
		e.To, e.Back = to, back
		b.g.Edges = append(b.g.Edges, e)
	}
}

// outline tells the flowchart in plain sentences, for those who hear it instead of seeing it.
func (g *Graph) outline() string {
	var b strings.Builder
	b.WriteString(g.Description)
	for _, e := range g.Exits {
		b.WriteString(" At any time: " + e.When + ": " + e.Text + ".")
	}
	var tell func(f flow)
	tell = func(f flow) {
		for _, p := range f.parts {
			b.WriteString(" " + p.node.sentence())
			for _, l := range p.lanes {
				if l.label != "" {
					b.WriteString(" " + upperFirst(l.label) + ":")
				}
				if tell(l.flow); len(l.parts) == 0 {
					b.WriteString(" go on.")
				}
			}
			if p.loop && p.open {
				b.WriteString(" " + upperFirst(p.out) + ", go on.")
			}
		}
	}
	tell(g.top)
	if len(g.rounds) > 0 {
		b.WriteString(g.story())
	}
	return strings.TrimSpace(b.String())
}

// sentence is a node in words: "Email thanks: “Hello”; only if a phone number is known."
func (n *Node) sentence() string {
	head := strings.TrimSpace(n.Title + " " + n.Step)
	all := slices.Concat(n.Text, n.Notes)
	if head == "" || len(all) == 0 {
		return cmp.Or(head, strings.Join(all, "; ")) + "."
	}
	return head + ": " + strings.TrimSuffix(strings.ReplaceAll(strings.Join(all, "; "), ":; ", ": "), ".") + "."
}

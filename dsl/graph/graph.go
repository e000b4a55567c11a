package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Graph is a sequence, or an interview, as a flowchart for people who do not write definitions. It is drawn by Mermaid and SVG.
type Graph struct {
	Name        string
	Description string
	Facts       []Fact   // what holds for every run, in reading order
	Exits       []Ending // what ends a run wherever it is
	Nodes       []*Node  // the start first, then in reading order
	Edges       []Edge

	top    flow    // the same nodes as nested blocks, which is what a layout needs
	rounds []round // of an interview, between the start and the end
}

// Fact is one line about a whole definition, such as its purpose.
type Fact struct {
	Name string
	Text string
}

// Ending is one way in which a run ends, wherever it is.
type Ending struct {
	When string // in words, or the condition as it is written
	Text string // "Ends as hired"
}

// NodeKind says what a node of a Graph is about. It decides shape, colour and icon.
type NodeKind string

// The kinds of nodes. Three of them are decisions: NodeAwait, NodeChoice and NodeExperiment.
const (
	NodeStart      NodeKind = "start"
	NodeEmail      NodeKind = "email"
	NodeSMS        NodeKind = "sms"
	NodeTask       NodeKind = "task"
	NodeWait       NodeKind = "wait"
	NodeAwait      NodeKind = "await" // a wait_for whose branches differ
	NodeChoice     NodeKind = "choice"
	NodeExperiment NodeKind = "experiment"
	NodeRepeat     NodeKind = "repeat"
	NodeUpdate     NodeKind = "update"
	NodeSequence   NodeKind = "sequence" // enrolls in, or leaves, another one
	NodeSurvey     NodeKind = "survey"
	NodeCall       NodeKind = "call"
	NodeEmit       NodeKind = "emit"
	NodeEnd        NodeKind = "end"

	// Of interviews:
	NodeOffer     NodeKind = "offer"     // times are looked for
	NodeBook      NodeKind = "book"      // the agreed time is in calendars
	NodeInterview NodeKind = "interview" // people meet
	NodeScorecard NodeKind = "scorecard"
	NodeDetour    NodeKind = "detour" // what else can happen, after which the run goes on elsewhere
	NodeStop      NodeKind = "stop"   // what else can happen, after which it ends
)

// Decides tells whether a node of the kind asks which way to go, and does nothing else.
func (k NodeKind) Decides() bool { return k == NodeAwait || k == NodeChoice || k == NodeExperiment }

// Node is one box of a Graph: an instruction, the start, or an end that no step writes down. Of an interview it stands for several
// instructions.
type Node struct {
	ID    string   // the instruction's; StartID, EndID, or an exit's id and "/end" for the end behind its condition
	Kind  NodeKind // decides shape, colour and icon
	Step  string   // the step's id as it is written, or ""
	Round string   // of an interview: the id of the round it belongs to, or ""
	Title string   // what kind of step it is: "Email"
	Text  []string // what happens, a paragraph each
	Notes []string // when, for whom, within what time

	wide   bool // it may be as wide as the header
	beside bool // of an interview: it is not on the straight way
}

// StartID is the id of the node where runs begin. No step can have it.
const StartID = "$start"

// Edge is a way from one node to another.
type Edge struct {
	From, To string // ids of nodes
	Label    string // when this way is taken; "" when it is the only one
	Back     bool   // to the next round of a repeat, or from beside an interview's story back into it
	Never    bool   // nothing gets here: the run has ended before
}

// flow is a block of nodes, one after the other.
type flow struct {
	parts []part
	open  bool // a run can come out at its end
}

// part is a node and the blocks that hang on it.
type part struct {
	node  *Node
	lanes []lane // the ways to go on; none: there is one
	loop  bool   // the only lane comes back to the node
	out   string // when the way out of a loop is taken
	open  bool   // a run can come out of it
}

// lane is one way to go on from a node.
type lane struct {
	label string
	flow
}

// Of draws the named sequence or interview of a set. The error names the nearest one when there is none of that name.
func Of(s *dsl.Set, name string) (*Graph, error) {
	if p := s.Programs[name]; p != nil {
		return Draw(p, s), nil
	}
	if i := s.Interviews[name]; i != nil {
		return Draw(i.Program, s), nil
	}
	known := Names(s)
	if len(known) == 0 {
		return nil, fmt.Errorf("draw %s: there is no sequence and no interview in these definitions", name)
	}
	hint := "known are " + strings.Join(known, ", ")
	if near := dsl.Nearest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, fmt.Errorf("draw %s: there is no such sequence or interview; %s", name, hint)
}

// Names lists what of a set can be drawn, sorted.
func Names(s *dsl.Set) []string {
	known := slices.Collect(maps.Keys(s.Programs))
	known = slices.AppendSeq(known, maps.Keys(s.Interviews))
	slices.Sort(known)
	return slices.Compact(known)
}

// Draw makes the flowchart of a program. The set is where messages, surveys and the workspace are looked up; it may be nil,
// then messages go by their names.
func Draw(p *dsl.Program, s *dsl.Set) *Graph {
	if s == nil {
		s = &dsl.Set{}
	}
	b := graphBuilder{p: p, words: stepWords{set: s}, g: &Graph{Name: p.Name, Description: oneLine(p.Description)}}
	b.g.Facts, b.g.Exits = b.facts(), b.exits()
	start := b.node(&Node{ID: StartID, Kind: NodeStart, Title: "Starts when", Text: b.enrolls()})
	if p.Loop != nil {
		start.wide = true
		b.interview()
		return b.g
	}
	b.g.top = flow{parts: []part{{node: start, open: true}}, open: true}
	body := b.block(0, len(p.Code))
	b.g.top.parts = append(b.g.top.parts, body.parts...)
	if body.open {
		end := b.node(&Node{ID: dsl.EndID, Kind: NodeEnd, Text: []string{endsAs(crm.OutcomeCompleted)}})
		b.g.top.parts = append(b.g.top.parts, part{node: end})
	}
	b.wire(b.g.top, nil)
	return b.g
}

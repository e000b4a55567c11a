package graph_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/graph"
)

// shortLoop says only what it must.
const shortLoop = `interview: s
purpose: transactional
enroll: by hand
rounds:
  - {id: chat, duration: 45m, interviewers: hiring_manager, offer: {slots: 1, within: 5d}}
invite: {sms: hello-sms}
`

// longLoop has more rounds than fit on a screen, and its survey comes last.
const longLoop = `interview: s
purpose: transactional
enroll: {on: application.submitted}
rounds:
  - {id: call, duration: 20m, interviewers: recruiters, medium: phone, offer: {slots: 3, within: 5bd}}
  - {id: work, if: 'rounds.call.outcome == "completed"', duration: 90m, interviewers: {any: 2, of: makers}, medium: video, offer: {slots: 3, within: 5bd}}
  - {id: last, duration: 60m, interviewers: {all: [hiring_manager, directors]}, medium: onsite, offer: {slots: 3, within: 5bd, hours: "10:00-16:00"}}
invite: {email: hello}
remind: {before: 1d, sms: hello-sms}
reschedule: {limit: 1}
no_show: {after: 10m}
scorecard: {due: 1d}
survey: {after: 3d, use: visit}
---
survey: visit
intro: "How was it?"
questions: [{id: nps, ask: "Would you come again?", kind: nps}]
`

// TestInterviewGolden draws interviews. Run with -update after a change and look at the pictures.
func TestInterviewGolden(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  *dsl.Set
		name string
	}{
		"the example": {examples(t), "backend-onsite"},
		"short":       {graphSet(t, shortLoop), "s"},
		"long":        {graphSet(t, longLoop), "s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := graph.Of(c.set, c.name)
			if err != nil {
				t.Fatal(err)
			}
			connected(t, g, c.set.Interviews[c.name].Program)
			drawn(t, g)
			for ext, got := range map[string]string{".mmd": g.Mermaid(), ".svg": g.SVG()} {
				golden := filepath.Join("testdata", "interviews", strings.ReplaceAll(name, " ", "-")+ext)
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(string(readFile(t, golden)), got); diff != "" {
					t.Errorf("%s differs (-want +got):\n%s", golden, diff)
				}
			}
		})
	}
}

// connected checks that every node of an interview is reached, that none is there twice, that only what ends leads nowhere, and
// that no sort of trouble that the program knows is left out.
func connected(t *testing.T, g *graph.Graph, p *dsl.Program) {
	t.Helper()
	to, from := map[string]int{}, map[string]int{}
	for _, e := range g.Edges {
		from[e.From]++
		to[e.To]++
	}
	ids := map[string]bool{}
	for _, n := range g.Nodes {
		if ids[n.ID] {
			t.Errorf("%q is there twice", n.ID)
		}
		ids[n.ID] = true
		if to[n.ID] == 0 && n.ID != graph.StartID {
			t.Errorf("nothing leads to %q", n.ID)
		}
		if ends := n.Kind == graph.NodeEnd || n.Kind == graph.NodeStop; ends != (from[n.ID] == 0) {
			t.Errorf("%q, of kind %s, has %d ways on", n.ID, n.Kind, from[n.ID])
		}
	}
	for id := range to {
		if !ids[id] {
			t.Errorf("there is a way to %q, which is no node", id)
		}
	}
	first := p.Loop.Rounds[0].ID
	for _, word := range []string{"find", "none", "wish", "cancelled", "give_up", "book", "fresh", "unreachable", "replace", "held", "no_show", "scorecards", "survey"} {
		within := func(in dsl.Instr) bool { return in.ID == first+"."+word }
		if known := slices.ContainsFunc(p.Code, within); known != ids[first+"."+word] {
			t.Errorf("%q: in the program %t, in the drawing %t", word, known, ids[first+"."+word])
		}
	}
}

package dsl_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// sketch is a random step: enough of one to be written down and edited.
type sketch struct {
	id     string // "" for kinds that need none
	kind   string
	number int // of days, or of an alternative
	blocks map[string][]*sketch
}

// draft is a random sequence that is edited.
type draft struct {
	t     *rapid.T
	steps []*sketch
	next  int
}

func (d *draft) number(low, high int, what string) int {
	return rapid.IntRange(low, high).Draw(d.t, what)
}

// step draws a step.
func (d *draft) step(depth int) *sketch {
	kinds := []string{"email", "wait", "nap", "update", "task"}
	if depth < 3 {
		kinds = append(kinds, "wait_for", "choose", "experiment", "repeat")
	}
	s := &sketch{kind: rapid.SampledFrom(kinds).Draw(d.t, "kind"), number: d.number(1, 20, "number"), blocks: map[string][]*sketch{}}
	if s.kind != "wait" && s.kind != "update" && (s.kind != "choose" || rapid.Bool().Draw(d.t, "named")) {
		d.next++
		s.id = fmt.Sprintf("%s_%d", s.kind, d.next)
	}
	for _, b := range map[string][]string{
		"email": {"sent", "skipped"}, "wait_for": {"viewed", "timeout"}, "choose": {"1", "2", "else"}, "experiment": {"a", "b"}, "repeat": {"do"},
	}[s.kind] {
		if s.kind == "repeat" || s.kind != "email" && depth < 3 && rapid.Bool().Draw(d.t, b) {
			s.blocks[b] = d.block(depth + 1)
		}
	}
	if s.kind == "choose" && s.blocks["1"] == nil {
		s.blocks["1"] = d.block(depth + 1)
	}
	return s
}

func (d *draft) block(depth int) []*sketch {
	var steps []*sketch
	for range d.number(1, 3, "steps") {
		steps = append(steps, d.step(depth))
	}
	return steps
}

// write writes steps as YAML. Steps inside a repeat, and those that change their kind, are noted: they may send more than
// once.
func write(b *strings.Builder, steps []*sketch, indent string, looped bool, loose map[string]bool) {
	for _, s := range steps {
		head := "- "
		key := func(text string) { b.WriteString(indent + head + text + "\n"); head = "  " }
		if s.id != "" {
			key("id: " + s.id)
		}
		if looped {
			loose[s.id] = true
		}
		block := func(prefix, name string) {
			write(b, s.blocks[name], prefix, looped || s.kind == "repeat", loose)
		}
		switch s.kind {
		case "email":
			key("email: {subject: S, body: B}")
		case "wait", "nap":
			key(fmt.Sprintf("wait: %dd", s.number))
		case "update":
			key(fmt.Sprintf("update: {tag: [t%d]}", s.number))
		case "task":
			key("task: {title: Call, assign: a@example.com}")
		case "wait_for":
			key(fmt.Sprintf("wait_for: {viewed: {on: page.viewed}, timeout: %dd}", s.number))
			if len(s.blocks) > 0 {
				key("then:")
				for _, name := range slices.Sorted(maps.Keys(s.blocks)) {
					b.WriteString(indent + "    " + name + ":\n")
					block(indent+"      ", name)
				}
			}
		case "choose":
			key("choose:")
			for _, name := range slices.Sorted(maps.Keys(s.blocks)) {
				if name == "else" {
					b.WriteString(indent + "    - else:\n")
				} else {
					fmt.Fprintf(b, "%s    - if: candidate.status == \"lead\" && %d == %s\n%s      do:\n", indent, s.number%2+1, name, indent)
				}
				block(indent+"        ", name)
			}
		case "experiment":
			key("experiment:")
			b.WriteString(indent + "    arms:\n")
			for _, name := range []string{"a", "b"} {
				b.WriteString(indent + "      " + name + ":\n")
				if len(s.blocks[name]) == 0 {
					b.WriteString(indent + "        weight: 1\n")
					continue
				}
				b.WriteString(indent + "        weight: 1\n" + indent + "        do:\n")
				block(indent+"          ", name)
			}
		case "repeat":
			key(fmt.Sprintf("repeat: {every: %dd, times: 2}", s.number))
			key("do:")
			block(indent+"    ", "do")
		}
	}
}

// lists returns every list of steps, to edit one.
func lists(steps *[]*sketch, visit func(*[]*sketch)) {
	visit(steps)
	for _, s := range *steps {
		for _, name := range slices.Sorted(maps.Keys(s.blocks)) {
			inner := s.blocks[name]
			lists(&inner, visit)
			if len(inner) == 0 {
				delete(s.blocks, name)
				if s.kind == "repeat" || s.kind == "choose" && name == "1" {
					s.kind, s.id, s.blocks = "update", "", map[string][]*sketch{}
				}
				continue
			}
			s.blocks[name] = inner
		}
	}
}

// edit changes one thing.
func (d *draft) edit(loose map[string]bool) {
	count := 0
	lists(&d.steps, func(*[]*sketch) { count++ })
	pick := func(what string, change func(list *[]*sketch)) {
		n := d.number(0, count-1, what)
		lists(&d.steps, func(list *[]*sketch) {
			if n == 0 {
				change(list)
			}
			n--
		})
		count = 0
		lists(&d.steps, func(*[]*sketch) { count++ })
	}
	var taken *sketch
	remove := func(list *[]*sketch) {
		if len(*list) > 0 {
			at := d.number(0, len(*list)-1, "which")
			taken = (*list)[at]
			*list = slices.Delete(*list, at, at+1)
		}
	}
	insert := func(s *sketch) func(list *[]*sketch) {
		return func(list *[]*sketch) {
			if s != nil {
				*list = slices.Insert(*list, d.number(0, len(*list), "where"), s)
			}
		}
	}
	switch rapid.SampledFrom([]string{"remove", "insert", "move", "retime", "wrap", "kind"}).Draw(d.t, "edit") {
	case "remove":
		pick("list", remove)
	case "insert":
		pick("list", insert(d.step(2)))
	case "move":
		pick("from", remove)
		pick("to", insert(taken))
	case "retime":
		pick("list", func(list *[]*sketch) { (*list)[d.number(0, len(*list)-1, "which")].number = d.number(1, 20, "number") })
	case "wrap":
		pick("list", func(list *[]*sketch) {
			d.next++
			*list = []*sketch{{id: fmt.Sprintf("repeat_%d", d.next), kind: "repeat", number: 5, blocks: map[string][]*sketch{"do": *list}}}
		})
	case "kind":
		pick("list", func(list *[]*sketch) {
			if s := (*list)[d.number(0, len(*list)-1, "which")]; s.id != "" && len(s.blocks) == 0 {
				loose[s.id] = true
				s.kind = rapid.SampledFrom([]string{"email", "nap", "task"}).Draw(d.t, "kind")
			}
		})
	}
	if len(d.steps) == 0 {
		d.steps = []*sketch{d.step(3)}
	}
}

func (d *draft) compile(loose map[string]bool) *dsl.Program {
	d.t.Helper()
	return d.check(loose).Programs["s"]
}

// document returns the sequence as a document, and compiled.
func (d *draft) document() (dsl.Document, *dsl.Program) {
	d.t.Helper()
	set := d.check(map[string]bool{})
	return set.Documents[1], set.Programs["s"]
}

func (d *draft) check(loose map[string]bool) *dsl.Set {
	d.t.Helper()
	var b strings.Builder
	write(&b, d.steps, "  ", false, loose)
	const head = `workspace: north
calendar: {days: mon-sun, hours: "00:00-24:00", zone: Europe/London}
quiet: {sms: none}
purposes: {news: {basis: consent}}
from: {email: "North <careers@north.example>", sms: "+447700900000", address: "1 Way, Leeds"}
---`
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(head + migrateHead + b.String())}}, nil)
	if set == nil {
		d.t.Fatalf("%s\n%s", b.String(), listing(problems))
	}
	d.t.Logf("version:\n%s", b.String())
	return set
}

// TestLandAnywhere edits random programs while a run is on its way: it never stands on an instruction that does not exist,
// it ends, and no step that is in no repeat sends twice.
func TestLandAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		loose := map[string]bool{}
		d := &draft{t: rt}
		d.steps = d.block(0)
		w := play(t, migrateHead+hello, func(w *world) {
			w.program = d.compile(loose)
			w.facts.Enrollment.Listens = w.program.Listens
		})
		for range d.number(1, 4, "versions") {
			for range d.number(0, 4, "moves") {
				if rapid.Bool().Draw(rt, "event") {
					w.event("page.viewed")
				} else {
					w.after(time.Duration(d.number(1, 30, "days")) * 24 * time.Hour)
				}
			}
			if !w.facts.Enrollment.Open() {
				break
			}
			for range d.number(1, 3, "edits") {
				d.edit(loose)
			}
			land(rt, w, d.compile(loose))
		}
		w.after(3 * 365 * 24 * time.Hour)
		if w.facts.Enrollment.Open() {
			rt.Fatalf("the run does not end: %+v\n%s", w.facts.Enrollment.Progress, strings.Join(w.log, "\n"))
		}
		sent := map[string]int{}
		for _, m := range w.facts.Messages {
			if sent[m.Step]++; sent[m.Step] > 1 && !loose[m.Step] {
				rt.Errorf("%s is sent %d times\n%s", m.Step, sent[m.Step], strings.Join(w.log, "\n"))
			}
		}
		for _, line := range w.log {
			if strings.Contains(line, "stuck") {
				rt.Errorf("the run was stuck: %s", line)
			}
		}
	})
}

// land moves the run, and checks where it comes to stand.
func land(t *rapid.T, w *world, to *dsl.Program) {
	t.Helper()
	before := w.facts.Enrollment.Progress
	after, landing := dsl.Land(w.program, to, before)
	t.Logf("%+v", landing)
	if landing.Kind == crm.LandRefused {
		if landing.Reason == "" || !reflect.DeepEqual(before, after) {
			t.Errorf("a refused landing changes the run: %+v", after)
		}
		return
	}
	at, ok := to.Find(after.At)
	if !ok || (at == len(to.Code)) != (landing.Kind == crm.LandEnds) {
		t.Errorf("%+v lands at %q, which does not exist", landing, after.At)
	}
	for id := range after.Loops {
		if pc, ok := to.Find(id); !ok || to.Code[pc].Op != dsl.OpRepeat {
			t.Errorf("it is in the repeat %q, which does not exist", id)
		}
	}
	w.facts.Enrollment.Progress, w.program = after, to
	w.log = append(w.log, fmt.Sprintf("-- %s from %s to %s", landing.Kind, landing.From, landing.To))
	w.decide()
}

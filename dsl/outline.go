package dsl

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// outlined is a step as it is written, and its place. It has the id that the compiler gives it.
type outlined struct {
	id, kind string
	where    string // the block it is in, as in site
	prev     string // the step before it in the block
	node     *yaml.Node
	own      *yaml.Node // node without the steps that hang on it
}

// place says where a step stands.
func (o *outlined) place() string {
	switch {
	case strings.HasPrefix(o.prev, "after "), o.prev == "at start":
		return "after the wait " + o.prev
	case o.prev != "":
		return "after " + o.prev
	case o.where != "":
		return "first in " + o.where
	}
	return "at the start"
}

// gist says in a few words what a step does.
func (o *outlined) gist() string {
	v := valueOf(o.node, o.kind)
	text := ""
	part := func(key string) string {
		if n := valueOf(v, key); n != nil && v.Kind == yaml.MappingNode {
			return flowText(n, true)
		}
		return ""
	}
	switch o.kind {
	case "":
		return "a step"
	case "email", "sms":
		text = firstOf(part("use"), part("subject"), part("body"))
	case "task":
		text = part("title")
	case "repeat":
		text = "every " + part("every")
		if times := part("times"); times != "" {
			text += ", " + times + " times"
		}
	case "wait_for":
		if v.Kind == yaml.MappingNode {
			text = strings.Join(keysIn(v), " or ")
		}
	case "survey":
		text = part("use")
	case "call":
		text = part("url")
	case "ats":
		text = firstOf(part("move_to"), part("push"), part("note"))
	case "emit":
		text = part("event")
	case "choose":
		return o.kind
	case "experiment":
		if arms := valueOf(v, "arms"); arms != nil && arms.Kind == yaml.MappingNode {
			text = strings.Join(keysIn(arms), " or ")
		}
	}
	return o.kind + " " + clipTo(strings.Join(strings.Fields(firstOf(text, flowText(v, true))), " "), maxShown/2)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// outline lists the steps of a sequence in the order in which the compiler lays them out.
func outline(root *yaml.Node) []*outlined {
	o := &outliner{ids: &compiler{taken: map[string]bool{}}}
	steps := valueOf(root, "steps")
	o.gather(steps)
	o.block(steps, "", "")
	return o.all
}

type outliner struct {
	ids *compiler
	all []*outlined
}

// gather notes the ids that are written.
func (o *outliner) gather(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind == yaml.MappingNode {
		if id := valueOf(n, "id"); id != nil {
			o.ids.taken[id.Value] = true
		}
	}
	for _, c := range n.Content {
		o.gather(c)
	}
}

func (o *outliner) block(list *yaml.Node, where, after string) {
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	prev := ""
	for _, n := range list.Content {
		s := &outlined{node: n, own: ownKeys(n), where: where, prev: prev}
		for _, key := range keysIn(n) {
			if slices.Contains(stepKinds(), key) {
				s.kind = key
				break
			}
		}
		if id := valueOf(n, "id"); id != nil {
			s.id, after = id.Value, id.Value
		} else {
			s.id = o.ids.implied(opOf(s.kind), after)
		}
		prev = s.id
		o.all = append(o.all, s)
		for _, b := range branchesOf(n) {
			o.block(b.steps, s.id+"/"+b.name, s.id+"/"+b.name)
		}
	}
}

// opOf is the operation that a kind of step is compiled to.
func opOf(kind string) Op {
	if kind == "email" || kind == "sms" {
		return OpSend
	}
	return Op(kind)
}

// branchNodes are the steps of a branch, as they are written.
type branchNodes struct {
	name  string
	steps *yaml.Node
}

// branchesOf lists the branches of a step in the order in which the compiler lays them out.
func branchesOf(n *yaml.Node) []branchNodes {
	var all []branchNodes
	each := func(n *yaml.Node, visit func(key string, value *yaml.Node)) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			visit(n.Content[i].Value, n.Content[i+1])
		}
	}
	each(valueOf(n, "then"), func(outcome string, steps *yaml.Node) { all = append(all, branchNodes{outcome, steps}) })
	if list := valueOf(n, "choose"); list != nil && list.Kind == yaml.SequenceNode {
		for i, e := range list.Content {
			if steps := valueOf(e, "else"); steps != nil {
				all = append(all, branchNodes{"else", steps})
			} else {
				all = append(all, branchNodes{strconv.Itoa(i + 1), valueOf(e, "do")})
			}
		}
	}
	if x := valueOf(n, "experiment"); x != nil {
		each(valueOf(x, "arms"), func(arm string, a *yaml.Node) { all = append(all, branchNodes{arm, valueOf(a, "do")}) })
	}
	if steps := valueOf(n, "do"); steps != nil {
		all = append(all, branchNodes{"do", steps})
	}
	return slices.DeleteFunc(all, func(b branchNodes) bool { return b.steps == nil })
}

// ownKeys copies a step without the steps that hang on it: where their lists were is an ellipsis.
func ownKeys(n *yaml.Node) *yaml.Node {
	nested := make(map[*yaml.Node]bool)
	for _, b := range branchesOf(n) {
		nested[b.steps] = true
	}
	var copied func(n *yaml.Node) *yaml.Node
	copied = func(n *yaml.Node) *yaml.Node {
		if nested[n] {
			return &yaml.Node{Kind: yaml.ScalarNode, Value: "…"}
		}
		c := *n
		c.Content = nil
		for _, child := range n.Content {
			c.Content = append(c.Content, copied(child))
		}
		return &c
	}
	return copied(n)
}

// sequence compares two sequences: first their heads, then their steps by id.
func (d *differ) sequence(a, b *yaml.Node) {
	before, after := outline(a), outline(b)
	d.node(nil, withoutSteps(a), withoutSteps(b))
	was := make(map[string]*outlined, len(before))
	for _, s := range before {
		was[s.id] = s
	}
	is := make(map[string]*outlined, len(after))
	for _, s := range after {
		is[s.id] = s
	}
	for _, s := range before {
		if is[s.id] == nil {
			d.changes = append(d.changes, Change{Kind: ChangeRemoved, Step: s.id, Before: s.gist()})
		}
	}
	moved := movedSteps(before, after)
	for _, s := range after {
		old := was[s.id]
		if old == nil {
			d.changes = append(d.changes, Change{Kind: ChangeAdded, Step: s.id, After: s.gist(), Place: s.place()})
			continue
		}
		if moved[s.id] {
			d.changes = append(d.changes, Change{Kind: ChangeMoved, Step: s.id, Before: old.place(), After: s.place()})
		}
		d.stepKeys(old, s)
	}
	d.step = ""
}

// stepKeys compares what two versions of a step say themselves.
func (d *differ) stepKeys(old, s *outlined) {
	d.step = s.id
	if old.kind == s.kind {
		d.node(nil, old.own, s.own)
		return
	}
	d.changes = append(d.changes, Change{Kind: ChangeOther, Step: s.id, Before: old.gist(), After: s.gist()})
	for _, key := range []string{"if", "then"} {
		d.node([]string{key}, valueOf(old.own, key), valueOf(s.own, key))
	}
}

func withoutSteps(root *yaml.Node) *yaml.Node {
	head := *root
	head.Content = nil
	for i := 0; i+1 < len(root.Content); i += 2 {
		if key, value := root.Content[i], root.Content[i+1]; key.Value != "steps" {
			head.Content = append(head.Content, key, value)
		} else {
			head.Content = append(head.Content, key, &yaml.Node{Kind: yaml.SequenceNode})
		}
	}
	return &head
}

// movedSteps tells which steps of both versions are in another block, or stand in another order than the others of theirs.
func movedSteps(before, after []*outlined) map[string]bool {
	moved := map[string]bool{}
	blocks := map[string][2][]string{}
	was := make(map[string]*outlined, len(before))
	for _, s := range before {
		was[s.id] = s
	}
	same := map[string]bool{}
	for _, s := range after {
		switch old := was[s.id]; {
		case old == nil:
		case old.where != s.where:
			moved[s.id] = true
		default:
			same[s.id] = true
			b := blocks[s.where]
			blocks[s.where] = [2][]string{b[0], append(b[1], s.id)}
		}
	}
	for _, s := range before {
		if same[s.id] {
			b := blocks[s.where]
			blocks[s.where] = [2][]string{append(b[0], s.id), b[1]}
		}
	}
	for _, b := range blocks {
		_, kept := aligned(b[0], b[1])
		for i, id := range b[1] {
			if !kept[i] {
				moved[id] = true
			}
		}
	}
	return moved
}

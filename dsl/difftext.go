package dsl

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	maxShown    = 100       // runes of a value in a change
	wordsAround = 3         // words shown beside those that changed
	maxWords    = 30        // words of a passage that are shown
	maxTable    = 4_000_000 // cells of the table that two texts are compared by
)

// shown writes a value on one line, in the flow style of YAML.
func shown(n *yaml.Node) string { return clipTo(flowText(n, true), maxShown) }

func flowText(n *yaml.Node, alone bool) string {
	var parts []string
	switch {
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+": "+flowText(n.Content[i+1], false))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case n.Kind == yaml.SequenceNode:
		for _, e := range n.Content {
			parts = append(parts, flowText(e, false))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case n.Value == "", strings.TrimSpace(n.Value) != n.Value, strings.Contains(n.Value, "\n"), !alone && strings.ContainsAny(n.Value, ",{}[]#"):
		return strconv.Quote(n.Value)
	}
	return n.Value
}

// wordDiff shows what has changed from one text to another: [-old-] and {+new+} words, with a few around them.
func wordDiff(before, after string) string {
	a, b := words(before), words(after)
	keptA, keptB := aligned(a, b)
	var out, same []string
	keep := func(first, last bool) {
		if room := 2*wordsAround + 1; len(same) > room || first && len(same) > wordsAround || last && len(same) > wordsAround {
			var short []string
			if !first {
				short = append(short, same[:wordsAround]...)
			}
			short = append(short, "…")
			if !last {
				short = append(short, same[len(same)-wordsAround:]...)
			}
			same = short
		}
		out, same = append(out, same...), nil
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		from, to := i, j
		for i < len(a) && !keptA[i] {
			i++
		}
		for j < len(b) && !keptB[j] {
			j++
		}
		if i > from || j > to {
			keep(len(out) == 0, false)
			out = append(out, passage("[-", a[from:i], "-]")...)
			out = append(out, passage("{+", b[to:j], "+}")...)
		}
		if i < len(a) && j < len(b) {
			same = append(same, b[j])
			i, j = i+1, j+1
		}
	}
	if len(out) == 0 {
		return "only its spacing"
	}
	keep(false, true)
	return strings.Join(out, " ")
}

func passage(open string, words []string, closing string) []string {
	if len(words) == 0 {
		return nil
	}
	if len(words) > maxWords {
		words = append(slices.Clone(words[:maxWords]), "…")
	}
	return []string{open + strings.Join(words, " ") + closing}
}

// words splits a text. The end of a paragraph counts as a word.
func words(text string) []string {
	var all []string
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			all = append(all, "¶")
		}
		all = append(all, strings.Fields(paragraph)...)
	}
	return all
}

// aligned marks the longest sequence of words that is in both lists. Where the lists are too long for that, it marks what they
// begin and end with.
func aligned(a, b []string) (inA, inB []bool) {
	inA, inB = make([]bool, len(a)), make([]bool, len(b))
	low := 0
	for low < len(a) && low < len(b) && a[low] == b[low] {
		inA[low], inB[low] = true, true
		low++
	}
	highA, highB := len(a), len(b)
	for highA > low && highB > low && a[highA-1] == b[highB-1] {
		highA, highB = highA-1, highB-1
		inA[highA], inB[highB] = true, true
	}
	n, m := highA-low, highB-low
	if n*m > maxTable || n == 0 || m == 0 {
		return inA, inB
	}
	length := make([]int, (n+1)*(m+1)) // of the longest common sequence of what is left from i and j on
	at := func(i, j int) int { return i*(m+1) + j }
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[low+i] == b[low+j] {
				length[at(i, j)] = length[at(i+1, j+1)] + 1
			} else {
				length[at(i, j)] = max(length[at(i+1, j)], length[at(i, j+1)])
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case a[low+i] == b[low+j]:
			inA[low+i], inB[low+j] = true, true
			i, j = i+1, j+1
		case length[at(i+1, j)] >= length[at(i, j+1)]:
			i++
		default:
			j++
		}
	}
	return inA, inB
}

package dsl

import (
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"
)

var quotedWord = regexp.MustCompile(`["']([a-z0-9-]+)["']`)

// unused says which messages, pools and surveys of the files nothing uses. A file by itself may be one of many, so this is
// only looked at when several documents are checked together, one of which could use others.
func (c *setChecker) unused() {
	docs := c.l.docs[:c.l.own]
	uses := func(d *doc) bool {
		return slices.Contains([]string{KindSequence, KindInterview, KindRetention}, d.Kind)
	}
	if len(docs) < 2 || !slices.ContainsFunc(docs, uses) {
		return
	}
	words := map[string]bool{}
	for _, d := range c.l.docs {
		if d.Kind != kindTest && d.Kind != "" && d.reader.src.root != nil {
			mentioned(words, d.reader.src.root.Content[min(2, len(d.reader.src.root.Content)):])
		}
	}
	for _, d := range docs {
		if words[d.Name] || d.Locale != "" || d.reader.failed() {
			continue
		}
		switch d.Kind {
		case KindMessage, KindPool, KindSurvey:
			d.reader.noEffect(d.reader.src.root.Content[1], fmt.Sprintf("Nothing uses the %s %q.", d.Kind, clip(d.Name)), "")
		}
	}
}

// mentioned gathers the words that stand in nodes by themselves or, as in in_pool("nurses"), quoted in an expression.
func mentioned(words map[string]bool, nodes []*yaml.Node) {
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode {
			mentioned(words, n.Content)
			continue
		}
		words[n.Value] = true
		for _, m := range quotedWord.FindAllStringSubmatch(n.Value, -1) {
			words[m[1]] = true
		}
	}
}

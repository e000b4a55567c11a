package graph

import (
	"strings"

	"github.com/rapport-crm/rapport/dsl"
)

func callWords(c *dsl.Call, n *Node) {
	n.Kind, n.Title = NodeCall, "Call"
	verb := "sends to "
	if c.Asks() {
		verb = "asks "
	}
	address := shown(c.URL, 120)
	n.Text = []string{verb + strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")}
	if c.Save != "" {
		n.Notes = append(n.Notes, "keeps the answer as "+spaced(strings.TrimPrefix(c.Save, "attributes.")))
	}
}

// atsWords describes what the applicant tracking system is told.
func atsWords(a *dsl.ATS, n *Node) {
	n.Kind, n.Title = NodeCall, "ATS"
	if a.MoveTo != "" {
		n.Text = append(n.Text, "moves the application to "+a.MoveTo)
	}
	if len(a.Push) > 0 {
		names := make([]string, len(a.Push))
		for i, field := range a.Push {
			names[i] = fieldWords(strings.TrimPrefix(field, "attributes."))
		}
		n.Text = append(n.Text, "writes back "+listed(names, "and"))
	}
	if a.Note != nil {
		n.Text = append(n.Text, "notes "+quoted(shown(a.Note, 90)))
	}
}

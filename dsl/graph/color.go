package graph

import "github.com/rapport-crm/rapport/dsl"

// shades are the colours of a kind of node: its surface, its line and icon, its text.
type shades struct{ fill, line, text string }

// ink is a class of nodes and its colours in light and dark surroundings. Text has a contrast of at least 7 to 1 on its surface
// and lines one of at least 3 to 1 (WCAG 2.2, 1.4.6 and 1.4.11).
type ink struct {
	class       string
	light, dark shades
}

func palette() []ink {
	return []ink{
		{"start", shades{"#1f2937", "#1f2937", "#ffffff"}, shades{"#e5e7eb", "#e5e7eb", "#111827"}},
		{"email", shades{"#e8f0fe", "#1d5fc4", "#14233b"}, shades{"#172a46", "#7db0ff", "#eaf2ff"}},
		{"sms", shades{"#e3f6ec", "#0f7a4b", "#0f2b1f"}, shades{"#12322a", "#5fd6a2", "#e6fbf1"}},
		{"task", shades{"#fdeee2", "#9c4709", "#3a1d06"}, shades{"#3b2413", "#ffa866", "#fff1e5"}},
		{"wait", shades{"#f3f4f6", "#5b6472", "#1f2430"}, shades{"#252b36", "#a9b4c4", "#eef1f6"}},
		{"decision", shades{"#fff6d6", "#8a6500", "#332600"}, shades{"#372e0e", "#f0c64a", "#fff8df"}},
		{"repeat", shades{"#f1ebfd", "#6b3fc0", "#25124a"}, shades{"#2b1f47", "#bfa0ff", "#f3edff"}},
		{"other", shades{"#e4f4f7", "#0e7187", "#0c2a31"}, shades{"#11313a", "#6fcfe2", "#e6f9fd"}},
		{"end_", shades{"#fbe9ec", "#a3253b", "#3d0d16"}, shades{"#3d1820", "#ff93a5", "#ffecef"}},
		{"done", shades{"#e3f6ec", "#0f7a4b", "#0f2b1f"}, shades{"#12322a", "#5fd6a2", "#e6fbf1"}},
		{"about", shades{"#ffffff", "#6b7280", "#1f2430"}, shades{"#151a23", "#9aa4b4", "#eef1f6"}},
	}
}

// class is what decides the colours of a node.
func (n *Node) class() string {
	switch k := n.Kind; k {
	case NodeStart, NodeEmail, NodeSMS, NodeTask, NodeWait, NodeRepeat:
		return string(k)
	case NodeInterview:
		return "repeat"
	case NodeScorecard:
		return "task"
	case NodeDetour:
		return "wait"
	case NodeStop:
		return "end_"
	case NodeAwait, NodeChoice, NodeExperiment:
		return "decision"
	case NodeEnd:
		if n.ID == dsl.EndID {
			return "done"
		}
		return "end_"
	case NodeUpdate, NodeSequence, NodeSurvey, NodeCall, NodeEmit, NodeOffer, NodeBook:
	}
	return "other"
}

package graph

import (
	"fmt"
	"strings"
)

// styles is the style sheet of a drawing.
func styles() string {
	var light, dark strings.Builder
	for _, c := range palette() {
		colors(&light, c.class, c.light)
		colors(&dark, c.class, c.dark)
	}
	return `text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#1f2430}
.ti{font-size:22px;font-weight:700}
.hd{font-size:12px;font-weight:600}
.tx{font-size:14px}
.nt{font-size:12px}
.bg{fill:#ffffff}
.s{stroke-width:1.5}
.i{fill:none;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.w{fill:none;stroke:#5b6472;stroke-width:1.6}
.never{stroke-dasharray:5 4}
.a{fill:#5b6472}
.on rect{fill:#ffffff}
.note{fill:none;stroke:#6b7280;stroke-width:1.3;stroke-dasharray:6 5}
.frame{fill:#6b3fc0;fill-opacity:.04;stroke:#6b3fc0;stroke-opacity:.55;stroke-dasharray:2 4;stroke-linecap:round;stroke-width:1.6}
` + light.String() + `@media (prefers-color-scheme:dark){
text{fill:#eef1f6}
.bg,.on rect{fill:#0f141c}
.w{stroke:#a9b4c4}
.a{fill:#a9b4c4}
.note{stroke:#9aa4b4}
.frame{fill:#bfa0ff;stroke:#bfa0ff}
` + dark.String() + "}\n"
}

func colors(b *strings.Builder, class string, c shades) {
	fmt.Fprintf(b, ".%[1]s .s{fill:%[2]s;stroke:%[3]s}.%[1]s text{fill:%[4]s}.%[1]s .i{stroke:%[3]s}.%[1]s .hd{fill:%[3]s}\n", class, c.fill, c.line, c.text)
	if class == "start" { // its line is its surface
		fmt.Fprintf(b, ".start .i{stroke:%[1]s}.start .hd{fill:%[1]s}\n", c.text)
	}
}

// icon is the outline of a small picture for a kind of node, 18 by 18.
func (k NodeKind) icon() string {
	switch k {
	case NodeStart:
		return "M5 3L14 9L5 15Z"
	case NodeEmail:
		return "M2 4H16V14H2ZM2 5L9 10L16 5"
	case NodeSMS:
		return "M2 3H16V12H8L4 15.5V12H2ZM6 7.5H6.1M9 7.5H9.1M12 7.5H12.1"
	case NodeTask:
		return "M3 3H15V15H3ZM6 9L8.2 11.4L12.2 6.5"
	case NodeWait, NodeAwait:
		return "M9 2A7 7 0 1 1 8.99 2ZM9 5V9L12 11"
	case NodeChoice:
		return "M9 1.5L16.5 9L9 16.5L1.5 9ZM9 5.5V9.5M9 12.3V12.4"
	case NodeExperiment:
		return "M9 16V10M9 10C9 6 4 7 4 3M9 10C9 6 14 7 14 3M2 5L4 2.5L6 5M12 5L14 2.5L16 5"
	case NodeRepeat:
		return "M15 9A6 6 0 1 1 12.5 4.1M12.5 1V4.5H9"
	case NodeUpdate:
		return "M3 15L4 11L12 3L15 6L7 14ZM10.5 4.5L13.5 7.5"
	case NodeSequence:
		return "M8 3H15V15H8M2 9H11M8 6L11 9L8 12"
	case NodeSurvey:
		return "M3 15V9H6V15M7.5 15V3H10.5V15M12 15V6H15V15M2 15H16"
	case NodeCall:
		return "M9 2A7 7 0 1 1 8.99 2ZM2 9H16M9 2C4.5 6 4.5 12 9 16C13.5 12 13.5 6 9 2"
	case NodeEmit:
		return "M9 8V10M5.5 5A5.5 5.5 0 0 0 5.5 13M12.5 5A5.5 5.5 0 0 1 12.5 13M3 2.5A9 9 0 0 0 3 15.5M15 2.5A9 9 0 0 1 15 15.5"
	case NodeEnd, NodeOffer, NodeBook, NodeInterview, NodeScorecard, NodeDetour, NodeStop:
	}
	return k.interviewIcon()
}

// interviewIcon is that of a kind that only interviews have, else "".
func (k NodeKind) interviewIcon() string {
	switch k { //nolint:exhaustive // the others are those of sequences
	case NodeOffer:
		return "M2.5 4H15.5V15.5H2.5ZM2.5 7.5H15.5M6 2V5M12 2V5"
	case NodeBook:
		return "M2.5 4H15.5V15.5H2.5ZM2.5 7.5H15.5M6 2V5M12 2V5M6 11.3L8.2 13.4L12.2 9.6"
	case NodeInterview:
		return "M6 3.5A2.5 2.5 0 1 1 5.99 3.5ZM1.5 15C1.5 9.5 10.5 9.5 10.5 15M12.5 4.5A2 2 0 1 1 12.49 4.5ZM12.5 10.3C15 10.3 16.5 12 16.5 15"
	case NodeScorecard:
		return "M9 2L11.1 6.6L16 7.2L12.4 10.6L13.3 15.6L9 13.1L4.7 15.6L5.6 10.6L2 7.2L6.9 6.6Z"
	case NodeDetour:
		return "M7 4L3.5 7.5L7 11M3.5 7.5H11A3.5 3.5 0 0 1 11 14.5H8"
	case NodeStop:
		return "M6 2H12L16 6V12L12 16H6L2 12V6ZM6.5 6.5L11.5 11.5M11.5 6.5L6.5 11.5"
	}
	return ""
}

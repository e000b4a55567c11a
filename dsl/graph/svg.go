package graph

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Places of the page, in pixels.
const (
	pageMargin  = 32
	headerWidth = 660
	factColumn  = 92
	panelPad    = 16
	whenWidth   = 380
)

// SVG draws the graph: a complete document without scripts, in colours for light and dark surroundings.
func (g *Graph) SVG() string {
	p, d := &picture{sizes: map[*Node]span{}}, &drawing{}
	var inner, bottom int
	if len(g.rounds) > 0 {
		all, wide := g.strips()
		inner = max(headerWidth, wide)
		bottom = p.interview(g, all, pageMargin+(inner-wide)/2, d.header(g, pageMargin, pageMargin, inner)+28)
	} else {
		chart := p.size(g.top)
		inner = max(headerWidth, chart.left+chart.right)
		top := d.header(g, pageMargin, pageMargin, inner) + 28
		bottom = p.draw(g.top, pageMargin+(inner-chart.left-chart.right)/2+chart.left, top)
	}
	d.chart(p)
	width, height := inner+2*pageMargin, bottom+pageMargin
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title desc\">\n",
		width, height, width, height)
	fmt.Fprintf(&b, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escaped(g.Name), escaped(g.outline()))
	b.WriteString("<style>\n" + styles() + "</style>\n")
	fmt.Fprintf(&b, "<rect class=\"bg\" width=\"%d\" height=\"%d\"/>\n", width, height)
	b.WriteString(d.b.String() + "</svg>\n")
	return b.String()
}

// escaped writes a text into XML.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(oneLine(s))) // a Builder takes everything
	return b.String()
}

// drawing is the elements that were drawn.
type drawing struct{ b strings.Builder }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *drawing) texts(all []written) {
	for _, t := range all {
		anchor := ""
		if t.middle {
			anchor = ` text-anchor="middle"`
		}
		d.add(`<text class="%s" x="%d" y="%d"%s>%s</text>`, t.font.class, t.x, t.y, anchor, escaped(t.text))
	}
}

// header writes the name and what holds for the whole sequence. It returns the lower edge.
func (d *drawing) header(g *Graph, x, y, width int) int {
	width = min(width, headerWidth)
	put := func(f font, s string, x, width int) {
		text := []paragraph{{font: f, lines: f.wrap(s, width)}}
		d.texts(write(text, x, y, false))
		_, h := extent(text)
		y += h
	}
	put(fontTitle(), g.Name, x, width)
	if g.Description != "" {
		put(fontText(), g.Description, x, width)
	}
	y += 10
	for _, f := range g.Facts {
		row := y
		y += 2 // the smaller letters stand on the same line
		put(fontHead(), f.Name, x, factColumn)
		end := y
		y = row
		put(fontText(), f.Text, x+factColumn, width-factColumn)
		y = max(y, end) + 2
	}
	if len(g.Exits) > 0 {
		y = d.exits(g.Exits, x, y+14, width)
	}
	return y
}

// exits draws what ends a run wherever it is, as a note beside the flow.
func (d *drawing) exits(all []Ending, x, y, width int) int {
	top, body := y, &drawing{}
	y += panelPad
	body.texts(write([]paragraph{{font: fontHead(), lines: []string{"At any time, whatever step a run is at"}}}, x+panelPad, y, false))
	y += fontHead().line + 8
	column := 0
	for _, e := range all {
		w, _ := extent([]paragraph{{font: fontText(), lines: fontText().wrap(upperFirst(e.When), whenWidth)}})
		column = max(column, w)
	}
	for _, e := range all {
		pill := pillOf(&Node{Kind: NodeEnd, Text: []string{e.Text}})
		text := []paragraph{{font: fontText(), lines: fontText().wrap(upperFirst(e.When), whenWidth)}}
		w, h := extent(text)
		row := max(h, pill.h)
		middle := y + row/2
		body.texts(write(text, x+panelPad, middle-h/2, false))
		from, to := x+panelPad+w+10, x+panelPad+column+56
		body.wire(wire{[]point{{from, middle}, {to, middle}}, true, true})
		p := &picture{}
		p.box(pill, to, middle-pill.h/2)
		body.node(&p.boxes[0])
		width = max(width, to+pill.w+panelPad-x)
		y += row + 8
	}
	y += panelPad - 8
	d.add(`<rect class="note" x="%d" y="%d" width="%d" height="%d" rx="10"/>`, x, top, width, y-top)
	d.b.WriteString(body.b.String())
	return y
}

// chart draws frames first, then ways, then what stands on them, then nodes.
func (d *drawing) chart(p *picture) {
	for _, f := range p.frames {
		d.add(`<rect class="frame" x="%d" y="%d" width="%d" height="%d" rx="14"/>`, f.x, f.y, f.w, f.h)
		if f.title != "" {
			d.add(`<text class="hd" x="%d" y="%d">%s</text>`, f.x+gapFrame+stopWidth/2+gapFrame, f.y+gapFrame+8, escaped(f.title))
		}
	}
	for _, w := range p.wires {
		d.wire(w)
	}
	for _, l := range p.labels {
		d.add(`<g class="on"><rect x="%d" y="%d" width="%d" height="%d" rx="4"/>`, l.x, l.y, l.w, l.h)
		d.texts(l.text)
		d.add(`</g>`)
	}
	for i := range p.boxes {
		d.node(&p.boxes[i])
	}
}

// node draws a box, its icon and its text.
func (d *drawing) node(b *box) {
	d.add(`<g class="%s">`, b.node.class())
	switch {
	case b.node.Kind.Decides():
		x, y, right, bottom, middle := b.x, b.y, b.x+b.w, b.y+b.h, b.y+b.h/2
		d.add(`<path class="s" d="M%d %dL%d %dH%dL%d %dL%d %dH%dZ"/>`, x, middle, x+padBox, y, right-padBox, right, middle, right-padBox, bottom, x+padBox)
	case b.node.Kind == NodeEnd:
		d.add(`<rect class="s" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, b.x, b.y, b.w, b.h, b.h/2)
	case b.node.Kind == NodeStart:
		d.add(`<rect class="s" x="%d" y="%d" width="%d" height="%d" rx="20"/>`, b.x, b.y, b.w, b.h)
	default:
		d.add(`<rect class="s" x="%d" y="%d" width="%d" height="%d" rx="8"/>`, b.x, b.y, b.w, b.h)
	}
	if b.node.Kind != NodeEnd {
		d.add(`<path class="i" transform="translate(%d %d)" d="%s"/>`, b.icon.x, b.icon.y, b.node.Kind.icon())
	}
	d.texts(b.text)
	d.add(`</g>`)
}

// wire draws a way with round corners.
func (d *drawing) wire(w wire) {
	points := straightened(w.points)
	class := "w"
	if w.never {
		class = "w never"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", points[0].x, points[0].y)
	for i := 1; i < len(points)-1; i++ {
		before, at, after := points[i-1], points[i], points[i+1]
		r := min(8, length(before, at)/2, length(at, after)/2)
		in, out := toward(at, before, r), toward(at, after, r)
		fmt.Fprintf(&b, "L%d %dQ%d %d %d %d", in.x, in.y, at.x, at.y, out.x, out.y)
	}
	last := points[len(points)-1]
	fmt.Fprintf(&b, "L%d %d", last.x, last.y)
	d.add(`<path class="%s" d="%s"/>`, class, b.String())
	if w.arrow && len(points) > 1 {
		back := toward(last, points[len(points)-2], 8)
		wide := point{(last.y - back.y) / 2, (last.x - back.x) / 2} // across the way
		d.add(`<path class="a" d="M%d %dL%d %dL%d %dZ"/>`, last.x, last.y, back.x+wide.x, back.y+wide.y, back.x-wide.x, back.y-wide.y)
	}
}

// straightened leaves out points where a way does not turn.
func straightened(points []point) []point {
	out := points[:1:1]
	for i := 1; i < len(points); i++ {
		at, before := points[i], out[len(out)-1]
		if at == before {
			continue
		}
		if n := len(out); n > 1 && (out[n-2].x == before.x && before.x == at.x || out[n-2].y == before.y && before.y == at.y) {
			out[n-1] = at
			continue
		}
		out = append(out, at)
	}
	return out
}

// length is how far two points are apart that lie on a line across or down the page.
func length(a, b point) int { return max(a.x-b.x, b.x-a.x) + max(a.y-b.y, b.y-a.y) }

// toward is the point at some distance from one on the way to another.
func toward(from, to point, distance int) point {
	all := max(length(from, to), 1)
	return point{from.x + (to.x-from.x)*distance/all, from.y + (to.y-from.y)*distance/all}
}

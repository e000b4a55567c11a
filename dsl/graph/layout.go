package graph

import "math"

// picture is a graph with places: what is drawn where, in pixels. Programs are nested blocks, so a block is as large as what
// is in it, branches stand side by side, and nothing has to be searched for.
type picture struct {
	sizes  map[*Node]span // of the parts whose nodes they are
	boxes  []box
	frames []frame
	wires  []wire
	labels []label
}

// frame is what stands around what repeats, or around a round of an interview, which has a title.
type frame struct {
	rect

	title string
}

// rect is a place. Its x and y are those of the upper left corner.
type rect struct{ x, y, w, h int }

type point struct{ x, y int }

// span is what a block needs to the left and to the right of the axis on which runs enter and leave it.
type span struct{ left, right, height int }

// box is a node with its place.
type box struct {
	rect

	node *Node
	text []written
	icon point // the upper left corner of the node's icon
}

// wire is a way from one place to another, by right angles.
type wire struct {
	points []point
	arrow  bool
	never  bool
}

// label is what stands on a wire.
type label struct {
	rect

	text []written
}

// Distances, in pixels.
const (
	gapDown    = 32 // between a node and the next
	gapNever   = 58 // the same with a label between
	gapLanes   = 28 // between branches
	gapStub    = 14 // from a node down to where its branches part
	gapLabel   = 10 // from there to the label
	gapArrow   = 24 // from the label to the first node
	gapJoin    = 24 // to where the branches meet, and half of it from there
	gapSnap    = 90 // so near to a branch its node stands above it
	gapGutter  = 22 // for the way back of a loop
	gapFrame   = 14 // between a frame and what is in it
	padBox     = 14
	padLabel   = 5
	iconSize   = 18
	textWidth  = 250
	labelWidth = 170
)

func (s *span) include(other span) {
	s.left, s.right = max(s.left, other.left), max(s.right, other.right)
}

// size measures a block.
func (p *picture) size(f flow) span {
	var s span
	for i := range f.parts {
		part := p.part(&f.parts[i])
		s.include(part)
		if s.height += part.height; i < len(f.parts)-1 {
			s.height += gapAfter(&f.parts[i])
		}
	}
	return s
}

func gapAfter(p *part) int {
	if p.open {
		return gapDown
	}
	return gapNever
}

// part measures a node and what hangs on it.
func (p *picture) part(x *part) span {
	if s, known := p.sizes[x.node]; known {
		return s
	}
	b := boxOf(x.node)
	s := span{b.w / 2, b.w - b.w/2, b.h}
	switch {
	case x.loop:
		s.include(p.size(x.lanes[0].flow))
		s.left, s.right = s.left+gapGutter+gapFrame, s.right+gapGutter+gapFrame
		s.height = p.loopHeight(x, b.h)
		if x.open {
			l := labelOf(x.out)
			s.include(span{l.w / 2, l.w - l.w/2, 0})
			s.height += gapFrame + gapLabel + l.h
		}
	case len(x.lanes) > 0:
		left, right, height := p.lanes(x)
		s.include(span{left, right, 0})
		if s.height += gapStub + height; x.open {
			s.height += gapJoin
		}
	}
	p.sizes[x.node] = s
	return s
}

// loopHeight is the height of a loop's frame.
func (p *picture) loopHeight(x *part, node int) int {
	height := gapFrame + node + gapFrame + gapJoin
	if body := p.size(x.lanes[0].flow); body.height > 0 {
		height += gapDown + body.height
	}
	return height
}

// lane measures one branch with its label.
func (p *picture) lane(l *lane) span {
	s := p.size(l.flow)
	text := labelOf(l.label)
	s.include(span{text.w / 2, text.w - text.w/2, 0})
	if len(l.parts) > 0 {
		s.height += gapArrow
	}
	s.height += gapLabel + text.h
	return s
}

// lanes measures branches side by side.
func (p *picture) lanes(x *part) (left, right, height int) {
	axes, all, height := p.axes(x)
	at := x.axis(axes, all)
	return at, all - at, height
}

// axis is where the node of branches stands above them: in the middle, or straight above a branch that goes on and is clearly
// the nearest to it, so that the main way is straight.
func (x *part) axis(axes []int, all int) int {
	middle := min(max(all/2, axes[0]), axes[len(axes)-1])
	best, nearest, next := middle, math.MaxInt, math.MaxInt
	for i, at := range axes {
		away := max(at-middle, middle-at)
		switch {
		case !x.lanes[i].open && x.open:
		case away < nearest:
			best, nearest, next = at, away, nearest
		default:
			next = min(next, away)
		}
	}
	if nearest < gapSnap && next-nearest > gapLanes {
		return best
	}
	return middle
}

// axes places the branches, from 0 to all.
func (p *picture) axes(x *part) (axes []int, all, height int) {
	for i := range x.lanes {
		s := p.lane(&x.lanes[i])
		if i > 0 {
			all += gapLanes
		}
		axes = append(axes, all+s.left)
		all += s.left + s.right
		height = max(height, s.height)
	}
	return axes, all, height
}

// draw places a block with its axis at x and its upper edge at y. It returns the lower edge.
func (p *picture) draw(f flow, x, y int) int {
	for i := range f.parts {
		part := &f.parts[i]
		bottom := p.drawPart(part, x, y)
		if i == len(f.parts)-1 {
			return bottom
		}
		y = bottom + gapAfter(part)
		p.wires = append(p.wires, wire{[]point{{x, bottom}, {x, y}}, true, !part.open})
		if !part.open {
			p.label("never reached", x, bottom+gapLabel)
		}
	}
	return y
}

func (p *picture) drawPart(part *part, x, y int) int {
	bottom := y + p.part(part).height
	b := boxOf(part.node)
	switch {
	case part.loop:
		p.drawLoop(part, b, x, y)
		return bottom
	case len(part.lanes) > 0:
		p.drawLanes(part, x, y+b.h, bottom)
	}
	p.box(b, x-b.w/2, y)
	return bottom
}

func (p *picture) box(b box, x, y int) {
	b.x, b.y = x, y
	b.icon.x, b.icon.y = b.icon.x+x, b.icon.y+y
	for i := range b.text {
		b.text[i].x, b.text[i].y = b.text[i].x+x, b.text[i].y+y
	}
	p.boxes = append(p.boxes, b)
}

// label places what stands on a wire, with its middle at x.
func (p *picture) label(text string, x, y int) {
	l := labelOf(text)
	if l.h == 0 {
		return
	}
	l.x, l.y = x-l.w/2, y
	for i := range l.text {
		l.text[i].x, l.text[i].y = x, l.text[i].y+y
	}
	p.labels = append(p.labels, l)
}

// drawLanes draws the branches of a node from its lower edge to where they meet.
func (p *picture) drawLanes(part *part, x, top, bottom int) {
	axes, all, _ := p.axes(part)
	shift, bus, meet := x-part.axis(axes, all), top+gapStub, bottom-gapJoin/2
	for i := range part.lanes {
		l, at := &part.lanes[i], axes[i]+shift
		into := []point{{x, top}, {x, bus}, {at, bus}}
		p.label(l.label, at, bus+gapLabel)
		if len(l.parts) == 0 {
			p.wires = append(p.wires, wire{append(into, point{at, meet}, point{x, meet}, point{x, bottom}), false, false})
			continue
		}
		first := bus + gapLabel + labelOf(l.label).h + gapArrow
		p.wires = append(p.wires, wire{append(into, point{at, first}), true, false})
		if end := p.draw(l.flow, at, first); l.open {
			p.wires = append(p.wires, wire{[]point{{at, end}, {at, meet}, {x, meet}, {x, bottom}}, false, false})
		}
	}
}

// drawLoop draws a frame with the node and what repeats, the way back on its left and the way out on its right.
func (p *picture) drawLoop(part *part, b box, x, y int) {
	inner := span{b.w / 2, b.w - b.w/2, 0}
	inner.include(p.size(part.lanes[0].flow))
	height := p.loopHeight(part, b.h)
	left, right := x-inner.left-gapGutter, x+inner.right+gapGutter
	p.frames = append(p.frames, frame{rect{left - gapFrame, y, right - left + 2*gapFrame, height}, ""})
	top := y + gapFrame
	p.box(b, x-b.w/2, top)
	end, middle := top+b.h, top+b.h/2
	if body := part.lanes[0]; len(body.parts) > 0 {
		first := end + gapDown
		p.wires = append(p.wires, wire{[]point{{x, end}, {x, first}}, true, false})
		end = p.draw(body.flow, x, first)
	}
	if part.lanes[0].open {
		p.wires = append(p.wires, wire{
			[]point{{x, end}, {x, end + gapJoin}, {left, end + gapJoin}, {left, middle}, {x - b.w/2, middle}}, true, false,
		})
	}
	if part.open {
		out, bottom := y+height+gapFrame, y+p.part(part).height
		p.wires = append(p.wires, wire{[]point{{x - b.w/2 + b.w, middle}, {right, middle}, {right, out}, {x, out}, {x, bottom}}, false, false})
		p.label(part.out, x, out+gapLabel)
	}
}

package graph

// Distances of the drawing of an interview, in pixels. Five stops fit on a screen that is 1,280 wide.
const (
	stopWidth  = 218 // of a box, like asideWidth
	asideWidth = 196
	gapStops   = 22 // between a stop and the next
	gapAsides  = 8  // above each of what else can happen there
	gapRounds  = 30 // between frames
	titleRoom  = 20 // of a frame
	turnRoom   = 10 // at the right of a frame, where the way turns back to the left
)

// strip is a round with its boxes, measured: its stops from left to right, and below each what else can happen there.
type strip struct {
	round

	stops         []box
	asides        [][]box
	tall          int // of the stops
	width, height int // of the frame
}

func stripOf(r round) strip {
	x := strip{round: r, width: gapFrame + gapFrame + turnRoom - gapStops}
	deep := 0
	for _, s := range r.stops {
		b := boxOf(s.node)
		b.w = stopWidth
		x.tall, x.width = max(x.tall, b.h), x.width+b.w+gapStops
		stack, below := 0, []box(nil)
		for _, a := range s.asides {
			b := boxOf(a.node)
			b.w = asideWidth
			stack, below = stack+gapAsides+b.h, append(below, b)
		}
		deep = max(deep, stack)
		x.stops, x.asides = append(x.stops, b), append(x.asides, below)
	}
	x.height = titleRoom + gapFrame + x.tall + deep + gapFrame
	return x
}

// strips measures the rounds, and how wide the widest is.
func (g *Graph) strips() (all []strip, width int) {
	for _, r := range g.rounds {
		x := stripOf(r)
		all, width = append(all, x), max(width, x.width)
	}
	return all, width
}

// interview draws start, rounds and end from a corner on. It returns the lower edge.
func (p *picture) interview(g *Graph, all []strip, left, y int) int {
	axis := left + gapFrame + stopWidth/2
	start := boxOf(g.Nodes[0])
	p.box(start, left+gapFrame, y)
	into := []point{{axis, y + start.h}}
	y += start.h + gapRounds
	for i := range all {
		x := &all[i]
		if x.asked != nil {
			into, y = p.question(x, into, left+gapFrame, y)
		}
		first := point{axis, y + titleRoom + gapFrame}
		p.wires = append(p.wires, wire{append(into, point{axis, y - gapRounds/2}, point{axis, first.y}), true, false})
		into = p.strip(x, left, y)
		y += x.height + gapRounds
		into = append(into, point{into[len(into)-1].x, y - gapRounds/2})
	}
	end := boxOf(g.Nodes[len(g.Nodes)-1])
	at := min(into[len(into)-1].x, left+all[len(all)-1].width-end.w/2)
	p.wires = append(p.wires, wire{append(into, point{at, y - gapRounds/2}, point{at, y}), true, false})
	p.box(end, at-end.w/2, y)
	return y + end.h
}

// question draws what is asked before a round, and what follows from a no. It returns the way on and where it goes on.
func (p *picture) question(x *strip, into []point, left, y int) (way []point, below int) {
	b, no := boxOf(x.asked.node), boxOf(x.asked.asides[0].node)
	axis := left + stopWidth/2
	p.wires = append(p.wires, wire{append(into, point{axis, y - gapRounds/2}, point{axis, y}), true, false})
	p.box(b, left, y)
	middle := y + b.h/2
	p.box(no, left+b.w+2*gapStops, middle-no.h/2)
	p.wires = append(p.wires, wire{[]point{{left + b.w, middle}, {left + b.w + 2*gapStops, middle}}, true, false})
	return []point{{axis, y + b.h}}, y + b.h + gapRounds
}

// strip draws a round. It returns the way out of it.
func (p *picture) strip(x *strip, left, top int) []point {
	p.frames = append(p.frames, frame{rect{left, top, x.width, x.height}, x.title})
	at, top := left+gapFrame, top+titleRoom+gapFrame
	middle := top + x.tall/2
	for i, b := range x.stops {
		if i > 0 {
			p.wires = append(p.wires, wire{[]point{{at - gapStops, middle}, {at, middle}}, true, false})
		}
		b.h = x.tall
		p.box(b, at, top)
		y, trunk := top+x.tall, at+padBox
		for _, a := range x.asides[i] {
			y += gapAsides
			into := point{at + stopWidth - asideWidth, y + a.h/2}
			p.wires = append(p.wires, wire{[]point{{trunk, top + x.tall}, {trunk, into.y}, into}, true, false})
			p.box(a, into.x, y)
			y += a.h
		}
		at += stopWidth + gapStops
	}
	at -= gapStops
	return []point{{at, middle}, {at + turnRoom, middle}}
}

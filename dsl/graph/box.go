package graph

import "strings"

// boxOf writes a node into a box at 0, 0.
func boxOf(n *Node) box {
	if n.Kind == NodeEnd {
		return pillOf(n)
	}
	text := n.paragraphs()
	w, h := extent(text)
	head := iconSize + 6 + fontHead().width(n.head())
	w = max(w, head, 120)
	pad := padBox
	if n.Kind.Decides() {
		pad += padBox // for the points on both sides
	}
	b := box{rect: rect{0, 0, w + 2*pad, h + iconSize + 4 + 2*10}, node: n, icon: point{pad, 10}}
	b.text = append(b.text, written{pad + iconSize + 6, 10 + 14, n.head(), fontHead(), false})
	b.text = append(b.text, write(text, pad, 10+iconSize+4, false)...)
	return b
}

// pillOf writes an end into a box with round sides and no icon.
func pillOf(n *Node) box {
	text := []paragraph{{font: fontText(), lines: fontText().wrap(strings.Join(n.Text, " "), textWidth)}}
	w, h := extent(text)
	b := box{rect: rect{0, 0, w + 2*20, h + 2*8}, node: n}
	b.text = write(text, b.w/2, 8, true)
	return b
}

// head is the first line of a node: what kind of step it is, and its id.
func (n *Node) head() string {
	if n.Step == "" {
		return n.Title
	}
	return n.Title + " · " + n.Step
}

// paragraphs is what a node says under its head.
func (n *Node) paragraphs() []paragraph {
	all := make([]paragraph, 0, len(n.Text)+len(n.Notes))
	width := textWidth
	switch {
	case n.wide:
		width = headerWidth - 2*padBox
	case n.beside:
		width = asideWidth - 2*padBox
	case n.Round != "":
		width = stopWidth - 2*padBox
		if n.Kind.Decides() {
			width -= 2 * padBox
		}
	}
	list := len(n.Text) > 1 && strings.HasSuffix(n.Text[0], ":") || n.Kind == NodeUpdate && len(n.Text) > 1
	for i, t := range n.Text {
		if list && !strings.HasSuffix(t, ":") {
			t = "• " + t
		} else if i == 0 {
			t = upperFirst(t)
		}
		all = append(all, paragraph{font: fontText(), lines: fontText().wrap(t, width)})
	}
	for _, t := range n.Notes {
		all = append(all, paragraph{fontNote(), fontNote().wrap(upperFirst(t), width), 3})
	}
	return all
}

// labelOf writes a label at 0, 0. It has no size when there is nothing to say.
func labelOf(s string) label {
	if s == "" {
		return label{}
	}
	text := []paragraph{{font: fontNote(), lines: fontNote().wrap(s, labelWidth)}}
	w, h := extent(text)
	return label{rect{0, 0, w + 2*padLabel, h + 2*2}, write(text, 0, 2, true)}
}

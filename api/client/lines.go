package client

import (
	"bufio"
	"errors"
	"io"
)

// line is one line of a file.
type line struct {
	text   []byte // without its ending; cut off when it is too long. Valid until the next one is read
	number int    // from 1
	end    int64  // offset of the line after it
	tooBig bool
}

// lines reads a file line by line, in bounded memory. A line ends with \n, \r\n or, with loneCR, \r.
type lines struct {
	in     *bufio.Reader
	max    int // bytes that are kept of a line
	loneCR bool
	number int
	offset int64
	buffer []byte
}

func newLines(in io.Reader, most int, loneCR bool) *lines {
	return &lines{in: bufio.NewReaderSize(in, 64<<10), max: most, loneCR: loneCR}
}

// next returns the next line, or io.EOF.
func (l *lines) next() (line, error) {
	l.buffer = l.buffer[:0]
	out := line{number: l.number + 1}
	for read := false; ; read = true {
		b, err := l.in.ReadByte()
		if errors.Is(err, io.EOF) && read {
			break
		}
		if err != nil {
			return line{}, err
		}
		l.offset++
		if b == '\n' || b == '\r' && l.endsHere() {
			break
		}
		if len(l.buffer) < l.max {
			l.buffer = append(l.buffer, b)
		} else {
			out.tooBig = true
		}
	}
	l.number++
	out.text, out.end = l.buffer, l.offset
	return out, nil
}

// endsHere tells whether the \r that was just read ends the line, and takes the \n that may follow it.
func (l *lines) endsHere() bool {
	after, err := l.in.Peek(1)
	if err == nil && after[0] == '\n' {
		_, _ = l.in.Discard(1) // it was peeked at
		l.offset++
		return true
	}
	return l.loneCR
}

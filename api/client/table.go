package client

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of a record of a table: a quote that is never closed must not swallow the rest of the file.
const (
	maxRecordLines = 500
	maxRecordBytes = 256 << 10
)

// record is a row of a table.
type record struct {
	number int // as a spreadsheet counts, from 1
	text   string
	fields []string
	err    error // why it is none
	end    int64
}

// table reads CSV (RFC 4180) record by record, with any line endings, and goes on after a record that is broken.
type table struct {
	lines     *lines
	delimiter rune
	pending   []line // read ahead and not used yet; their texts are copies
	number    int
}

func newTable(in io.Reader) *table {
	return &table{lines: newLines(in, maxRecordBytes, true), delimiter: ','}
}

// next returns the next record, which may be a broken one, or io.EOF. Empty lines count and are left out.
func (t *table) next() (record, error) {
	for {
		r, err := t.read()
		if err != nil {
			return record{}, err
		}
		t.number++
		r.number = t.number
		if strings.TrimSpace(r.text) != "" {
			return r, nil
		}
	}
}

// read puts lines together until every quote is closed. When that leads to nothing the first line alone is broken.
func (t *table) read() (record, error) {
	first, err := t.take(0)
	if err != nil {
		return record{}, err
	}
	r := record{text: string(first.text), end: first.end}
	used := 1
	if t.number == 0 {
		r.text = strings.TrimPrefix(r.text, "\ufeff")
	}
	whole := r.text
	for !first.tooBig && strings.Count(whole, `"`)%2 == 1 && used < maxRecordLines && len(whole) < maxRecordBytes {
		more, err := t.take(used)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return record{}, err
		}
		whole += "\n" + string(more.text)
		used++
	}
	if first.tooBig {
		r.err = fmt.Errorf("the line is longer than %d kB", maxRecordBytes>>10)
	} else if r.fields, r.err = t.split(whole); r.err == nil {
		r.text, r.end = whole, t.pending[used-1].end
		t.drop(used)
		return r, nil
	}
	t.drop(1)
	return r, nil
}

// take returns the line at a place ahead.
func (t *table) take(place int) (line, error) {
	for len(t.pending) <= place {
		l, err := t.lines.next()
		if err != nil {
			return line{}, err
		}
		l.text = bytes.Clone(l.text)
		t.pending = append(t.pending, l)
	}
	return t.pending[place], nil
}

func (t *table) drop(n int) { t.pending = append(t.pending[:0:0], t.pending[n:]...) }

func (t *table) split(text string) ([]string, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("it is not UTF-8: save the file as UTF-8")
	}
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("it holds a NUL character: save the file as UTF-8")
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma, reader.FieldsPerRecord = t.delimiter, -1
	fields, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil // an empty line
	}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("a quote is out of place: %w", parse.Err)
	}
	return fields, err
}

// sniff takes the delimiter from the first line: a comma, or what spreadsheets in other countries write instead.
func (t *table) sniff() error {
	first, err := t.take(0)
	if err != nil {
		return err
	}
	text := string(first.text)
	for _, other := range []rune{';', '\t'} {
		if strings.Count(text, string(other)) > strings.Count(text, ",") {
			t.delimiter = other
		}
	}
	return nil
}

package dsl

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/osteele/liquid"
	"github.com/osteele/tuesday"
	"github.com/yuin/goldmark"
)

// Caps on what a text may become. They stop mistakes (a list in a loop in a loop), not authors.
const (
	maxTemplateBytes = 64 << 10
	maxRenderedBytes = 100 << 10
	maxSMSRunes      = 1_600 // what Twilio takes in one message
)

var errTooLong = errors.New("the text is too long")

// engines parse Liquid: texts that are shown as they are, texts that are read as Markdown afterwards, and HTML. They are made
// for one check and kept by the texts they parsed.
type engines struct {
	plain, markdown, html *liquid.Engine
	converter             goldmark.Markdown
}

func newEngines() *engines {
	e := &engines{plain: newEngine(), markdown: newEngine(), html: newEngine(), converter: newMarkdown()}
	e.markdown.SetAutoEscapeReplacer(markdownEscaper{})
	e.html.SetAutoEscapeReplacer(htmlEscaper{})
	return e
}

// newEngine has the standard filters, of which templateFilters are let through, and no tag that stores or reads anything.
func newEngine() *liquid.Engine {
	e := liquid.NewEngine()
	for _, tag := range []string{"assign", "capture", "include", "render", "cycle", "increment", "decrement", "tablerow", "raw"} {
		e.UnregisterTag(tag)
	}
	e.RegisterFilter("date", formatDate) // the standard one knows "now"
	return e
}

func templateFilters() []string {
	return []string{
		"append", "capitalize", "date", "default", "downcase", "first", "join", "last", "minus", "plus", "prepend", "size",
		"strip", "truncate", "truncatewords", "upcase", "url_encode",
	}
}

func templateTags() []string {
	return []string{"if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase", "for", "endfor", "comment", "endcomment"}
}

// formatDate writes a time by a strftime format.
func formatDate(v any, format func(string) string) (string, error) {
	t, ok := v.(time.Time)
	if !ok {
		parsed, isTime := parseTime(v)
		if !isTime {
			return "", nil
		}
		t, _ = parsed.(time.Time)
	}
	return tuesday.Strftime(format("%-d %B %Y"), t)
}

// Text is a parsed Liquid text. It is immutable and safe for concurrent use.
type Text struct {
	Source string

	template *liquid.Template
}

// Render renders the text with the variables of Vars. The values in a text that becomes Markdown are escaped, others are
// written as they are. The error is errTooLong's or says what Liquid could not do; it may quote values.
func (t *Text) Render(vars map[string]any) (string, error) {
	if t == nil {
		return "", nil
	}
	if t.template == nil { // it was not written in a definition
		return t.Source, nil
	}
	w := &cappedWriter{left: maxRenderedBytes}
	var err error
	if broken := stopPanic(func() {
		if e := t.template.FRender(w, vars); e != nil {
			err = e
		}
	}); broken != nil {
		err = broken
	}
	switch {
	case w.full:
		return "", errTooLong
	case err != nil:
		return "", fmt.Errorf("render text: %w", err)
	}
	return w.text.String(), nil
}

// stopPanic makes an error of a panic. Liquid's own lexer panics at words and numbers that it cannot read.
func stopPanic(do func()) (err error) {
	defer func() {
		switch broken := recover().(type) {
		case nil:
		case *strconv.NumError:
			err = fmt.Errorf("the number %s is too large", broken.Num)
		default:
			err = fmt.Errorf("%v", broken)
		}
	}()
	do()
	return nil
}

// cappedWriter keeps what is written to it, up to a number of bytes.
type cappedWriter struct {
	text strings.Builder
	left int
	full bool
}

func (w *cappedWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		w.full = true
		return 0, errTooLong
	}
	return w.text.Write(p)
}

// markdownEscaper writes a value so that Markdown and HTML take it as plain words: every ASCII punctuation character may be
// escaped by a backslash (CommonMark 0.31, 2.4), and white space is folded so that no value begins a block.
type markdownEscaper struct{}

// WriteString implements liquid's Replacer.
func (markdownEscaper) WriteString(w io.Writer, s string) (int, error) {
	var b strings.Builder
	for _, r := range oneLine(s) {
		if r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return 0, err
	}
	return len(s), nil
}

// oneLine folds white space and drops control characters and what would change the direction of text around it.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// parseText parses a text without looking at its variables. The line of an error counts from 1.
func parseText(engine *liquid.Engine, src string) (text *Text, line int, err error) {
	if len(src) > maxTemplateBytes {
		return nil, 1, errTooLong
	}
	tokens, at, err := scanLiquid(src)
	if err != nil {
		return nil, 1 + strings.Count(src[:at], "\n"), err
	}
	for _, t := range tokens {
		if word := t.word(); t.tag && !slices.Contains(templateTags(), word) {
			return nil, 1 + strings.Count(src[:t.at], "\n"), fmt.Errorf("the tag %q is not used in messages", clip(word))
		}
	}
	template, parseErr, broken := parseLiquid(engine, src)
	if broken != nil {
		return nil, brokenLine(engine, src, tokens), errors.New(clipTo(broken.Error(), 160))
	}
	if parseErr != nil {
		message := parseErr.Error()
		if cause := parseErr.Cause(); cause != nil {
			message = cause.Error()
		}
		message = withoutPrefix(message)
		return nil, max(parseErr.LineNumber(), 1), errors.New(clipTo(message, 160))
	}
	return &Text{Source: src, template: template}, 0, nil
}

func parseLiquid(engine *liquid.Engine, src string) (t *liquid.Template, err liquid.SourceError, broken error) {
	broken = stopPanic(func() { t, err = engine.ParseTemplateLocation([]byte(src), "", 1) })
	return t, err, broken
}

// brokenLine finds the line of the token at which Liquid panics: what is in it is read alone.
func brokenLine(engine *liquid.Engine, src string, tokens []liquidToken) int {
	for _, t := range tokens {
		inner := t.inner
		if t.tag { // its expression follows its name
			inner = strings.TrimPrefix(strings.TrimSpace(inner), t.word())
		}
		if _, _, broken := parseLiquid(engine, "{{"+inner+"}}"); broken != nil {
			return 1 + strings.Count(src[:t.at], "\n")
		}
	}
	return 1
}

// withoutPrefix cuts "Liquid error (line 2): " off: the line is told otherwise.
func withoutPrefix(message string) string {
	if before, after, found := strings.Cut(message, "): "); found && strings.HasPrefix(before, "Liquid error") {
		return after
	}
	return message
}

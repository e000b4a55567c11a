package command

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/rapport-crm/rapport/crm"
)

// style is how words are set off: on a terminal in colours, elsewhere not at all.
type style struct{ coloured bool }

// styleOf returns the style for where a command writes. NO_COLOR turns colours off (no-color.org).
func styleOf(w io.Writer) style {
	f, ok := w.(*os.File)
	return style{ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))}
}

func (s style) bold(text string) string { return s.with("1", text) }
func (s style) dim(text string) string  { return s.with("2", text) }

func (s style) good(text string) string { return s.with("32", text) }
func (s style) bad(text string) string  { return s.with("1;31", text) }

// severity sets a text off by how bad it is.
func (s style) severity(severity crm.Severity, text string) string {
	switch severity {
	case crm.SeverityError:
		return s.with("1;31", text)
	case crm.SeverityWarning:
		return s.with("1;33", text)
	case crm.SeverityHint:
	}
	return s.with("1;36", text)
}

func (s style) with(codes, text string) string {
	if !s.coloured {
		return text
	}
	return "\x1b[" + codes + "m" + text + "\x1b[0m"
}

// write writes what a command has to say.
func write(w io.Writer, text string) {
	io.WriteString(w, text) //nolint:errcheck,gosec // there is nowhere else to say it
}

package client

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// report writes what was not taken, as a table: the number of the row or line, the reason, and its text.
type report struct {
	out   io.Writer // nil: nowhere
	what  string    // row or line
	begun bool
}

func (r *report) add(number int, reason, text string) error {
	if r.out == nil {
		return nil
	}
	w := csv.NewWriter(r.out)
	if !r.begun {
		r.begun = true
		_ = w.Write([]string{r.what, "reason", "text"}) // kept until Flush
	}
	_ = w.Write([]string{strconv.Itoa(number), Plain(reason), Plain(strings.ToValidUTF8(text, "\ufffd"))})
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Plain keeps a spreadsheet from taking a text for a formula.
func Plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// size is the number of bytes in a file, or 0 when nobody knows.
func size(in io.Reader) int64 {
	seeker, ok := in.(io.Seeker)
	if !ok {
		return 0
	}
	here, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return 0
	}
	if _, err := seeker.Seek(here, io.SeekStart); err != nil {
		return 0
	}
	return end
}

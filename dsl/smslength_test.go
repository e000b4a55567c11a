package dsl_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rapport-crm/rapport/dsl"
)

func TestSMSSegments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		segments int
		unicode  bool
	}{
		"nothing":                         {"", 0, false},
		"one character":                   {"a", 1, false},
		"a full message":                  {strings.Repeat("a", 160), 1, false},
		"one more":                        {strings.Repeat("a", 161), 2, false},
		"two full parts":                  {strings.Repeat("a", 306), 2, false},
		"three parts":                     {strings.Repeat("a", 307), 3, false},
		"accents of the alphabet":         {strings.Repeat("é", 160), 1, false},
		"Greek capitals of the alphabet":  {strings.Repeat("Δ", 160), 1, false},
		"line breaks":                     {strings.Repeat("\n", 160), 1, false},
		"an extended one counts twice":    {strings.Repeat("€", 80), 1, false},
		"81 extended ones":                {strings.Repeat("€", 81), 2, false},
		"an escape is not cut":            {strings.Repeat("€", 152), 2, false},
		"76 escapes in each of two parts": {strings.Repeat("€", 153), 3, false},
		"a curly apostrophe":              {"it’s", 1, true},
		"an accent outside":               {"ê", 1, true},
		"a c with cedilla in small":       {"ç", 1, true},
		"unicode, a full message":         {strings.Repeat("ê", 70), 1, true},
		"unicode, one more":               {strings.Repeat("ê", 71), 2, true},
		"unicode, two full parts":         {strings.Repeat("ê", 134), 2, true},
		"unicode, three parts":            {strings.Repeat("ê", 135), 3, true},
		"an emoji counts twice":           {strings.Repeat("👋", 35), 1, true},
		"36 emoji":                        {strings.Repeat("👋", 36), 2, true},
		"an emoji is not cut":             {strings.Repeat("👋", 67), 3, true},
		"one of them makes all unicode":   {strings.Repeat("a", 159) + "’", 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			segments, unicode := dsl.SMSSegments(c.text)
			if segments != c.segments || unicode != c.unicode {
				t.Errorf("got %d, %v; want %d, %v", segments, unicode, c.segments, c.unicode)
			}
		})
	}
}

// TestSMSAlphabet counts the alphabet: 128 positions, of which one is the escape, and nine characters behind it, without the
// page break.
func TestSMSAlphabet(t *testing.T) {
	t.Parallel()
	single, double := 0, 0
	for r := range rune(0x3000) {
		if !utf8.ValidRune(r) {
			continue
		}
		switch segments, unicode := dsl.SMSSegments(strings.Repeat(string(r), 160)); {
		case unicode:
		case segments == 1:
			single++
		default:
			double++
		}
	}
	if single != 127 || double != 9 {
		t.Errorf("%d characters count once and %d twice; want 127 and 9", single, double)
	}
}

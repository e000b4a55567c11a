package command

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/worker/play"
)

// trialJSON is a result as JSON has it.
type trialJSON struct {
	Test     string    `json:"test"`
	Of       string    `json:"of"`
	File     string    `json:"file"`
	Line     int       `json:"line"`
	Passed   bool      `json:"passed"`
	TookMS   float64   `json:"took_ms"`
	Error    string    `json:"error,omitempty"`
	Problems []string  `json:"problems,omitempty"`
	Rows     []rowJSON `json:"rows,omitempty"`
}

type rowJSON struct {
	OK   bool      `json:"ok"`
	Want *wantJSON `json:"want,omitempty"`
	Got  *gotJSON  `json:"got,omitempty"`
}

type wantJSON struct {
	Line   int    `json:"line"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Reason string `json:"reason,omitempty"`
	To     string `json:"to,omitempty"` // an interviewer
}

type gotJSON struct {
	At     time.Time `json:"at"` // with the offset of the candidate's zone
	Kind   string    `json:"kind"`
	Name   string    `json:"name,omitempty"`
	Step   string    `json:"step,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Text   string    `json:"text,omitempty"`
	Listed bool      `json:"listed"`
	To     string    `json:"to,omitempty"` // an interviewer
	Starts time.Time `json:"starts,omitzero"`
	With   []string  `json:"with,omitempty"`
}

func (r *report) json(trials []*play.Trial) error {
	results := make([]trialJSON, 0, len(trials))
	for _, t := range trials {
		out := trialJSON{
			Test: t.Test.Name, Of: t.Test.Of, File: t.Test.File, Line: t.Test.Line, Passed: t.Passed,
			TookMS: float64(t.Took.Microseconds()) / 1000, Problems: t.Problems,
		}
		if t.Err != nil {
			out.Error = t.Err.Error()
		}
		for i := range t.Rows {
			out.Rows = append(out.Rows, rowOf(&t.Rows[i]))
		}
		results = append(results, out)
	}
	encoder := json.NewEncoder(r.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(results)
}

func rowOf(row *play.Row) rowJSON {
	out := rowJSON{OK: row.OK}
	if x := row.Want; x != nil {
		out.Want = &wantJSON{Line: x.Line, Kind: string(x.Kind), Name: x.Name, Reason: x.Reason, To: x.To}
	}
	if l := row.Got; l != nil {
		out.Got = gotOf(l)
	}
	return out
}

func gotOf(l *play.Line) *gotJSON {
	return &gotJSON{
		At: l.At.In(l.Zone), Kind: string(l.Kind), Name: l.Name, Step: l.Step, Reason: l.Reason, Text: l.Text, Listed: l.Listed,
		To: l.To, Starts: l.Starts, With: l.With,
	}
}

// junitSuite is a result as JUnit's XML has it, which continuous integration reads.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r *report) junit(trials []*play.Trial, took time.Duration) error {
	suite := junitSuite{Name: "rapport", Tests: len(trials), Time: seconds(took)}
	for _, t := range trials {
		c := junitCase{Class: t.Test.Of, Name: t.Test.Name, File: t.Test.File, Line: t.Test.Line, Time: seconds(t.Took)}
		if !t.Passed {
			suite.Failures++
			var b strings.Builder
			r.failure(&b, t)
			c.Failure = &junitFailure{Message: "what came is not what was expected", Text: b.String()}
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	write(r.out, xml.Header+string(text)+"\n")
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.4f", d.Seconds()) }

package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker/play"
)

// cast finds whom the sequences are played for.
func (f *simulateFlags) cast(cmd *cobra.Command, files []dsl.File, names []string, interviews bool) ([]*actor, error) {
	byHand := len(f.fields)+len(f.consents)+len(f.events) > 0 || f.script != ""
	recorded := f.candidates != "" || f.recorded != ""
	switch {
	case f.history && (byHand || recorded), recorded && byHand:
		return nil, errors.New("a simulation is for one candidate (--candidate, --event), for files (--candidates, --events) or for the server's history: choose one")
	case interviews && (f.history || recorded):
		return nil, errors.New("an interview is simulated for one candidate: leave --candidates, --events and --server-history out")
	case interviews:
		return f.forInterview(cmd, files, names)
	case f.history:
		return f.fromServer(cmd, names)
	case recorded:
		return f.fromFiles(cmd)
	}
	return f.fromFlags(cmd, files, names)
}

// fromFlags makes one candidate of flags. They are written down as a test, so that they are read and checked as tests are.
func (f *simulateFlags) fromFlags(cmd *cobra.Command, files []dsl.File, names []string) ([]*actor, error) {
	text, err := f.asTest(names[0])
	if err != nil {
		return nil, err
	}
	return f.checkedPart(cmd, files, text)
}

// checkedPart reads a test document that was made of flags.
func (f *simulateFlags) checkedPart(cmd *cobra.Command, files []dsl.File, text string) ([]*actor, error) {
	all := append(slices.Clone(files), dsl.File{Path: flagsName, Text: []byte(text)})
	set, problems := dsl.Check(all, nil)
	if set == nil {
		printProblems(cmd.ErrOrStderr(), problems, all)
		return nil, errNo
	}
	at := slices.IndexFunc(set.Tests, func(t *dsl.Test) bool { return t.File == flagsName })
	part := play.PartOf(set.Tests[at])
	part.Of = "" // steps are of any of the sequences
	return []*actor{{name: "the candidate", part: part}}, nil
}

// flagsName is how problems call what was given by flags.
const flagsName = "<flags>"

// asTest writes the flags as a test document.
func (f *simulateFlags) asTest(of string) (string, error) {
	start := cmp.Or(f.start, time.Now().UTC().Truncate(time.Minute).Format(time.RFC3339))
	var b, attributes, consents strings.Builder
	fmt.Fprintf(&b, "test: simulated by flags\nof: %s\nstart: %s\nexpect: []\n", of, start)
	if f.until != "" {
		b.WriteString("until: " + f.until + "\n")
	}
	b.WriteString("candidate:\n  legal_hold: false\n")
	for _, field := range f.fields {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return "", fmt.Errorf("--candidate %s has no value: write %s=VALUE", field, field)
		}
		if attribute, ok := strings.CutPrefix(name, "attributes."); ok {
			fmt.Fprintf(&attributes, "    %s: %s\n", attribute, value)
			continue
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, scalar(value))
	}
	for _, consent := range f.consents {
		purpose, channels, limited := strings.Cut(consent, ":")
		if !limited {
			channels = string(crm.Email)
		}
		fmt.Fprintf(&consents, "    %s: [%s]\n", purpose, channels)
	}
	for name, block := range map[string]string{"attributes": attributes.String(), "consents": consents.String()} {
		if block != "" {
			b.WriteString("  " + name + ":\n" + block)
		}
	}
	script, err := f.asScript()
	return b.String() + script, err
}

// scalar is a value as YAML: lists and what is quoted stay, the rest is text.
func scalar(value string) string {
	if strings.HasPrefix(value, "[") || strings.HasPrefix(value, `"`) {
		return value
	}
	quoted, _ := json.Marshal(value) //nolint:errchkjson // a string always has a JSON form
	return string(quoted)
}

func (f *simulateFlags) asScript() (string, error) {
	var b strings.Builder
	for _, event := range f.events {
		entry := event
		if !strings.HasPrefix(event, "{") {
			eventType, data, has := strings.Cut(event, ":")
			entry = "{on: " + eventType + "}"
			if has {
				entry = "{on: " + eventType + ", data: " + data + "}"
			}
		}
		b.WriteString("  - " + entry + "\n")
	}
	if f.script != "" {
		text, err := os.ReadFile(f.script)
		if err != nil {
			return "", fmt.Errorf("read script: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			b.WriteString("  " + strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "script:") + "\n")
		}
	}
	if b.Len() == 0 {
		b.WriteString("  - {enroll: hand}\n")
	}
	return "script:\n" + b.String(), nil
}

// moments are the flags for times; the zero time is the default.
func (f *simulateFlags) moments() (start, until time.Time, err error) {
	for flag, place := range map[string]struct {
		text string
		at   *time.Time
	}{"start": {f.start, &start}, "until": {f.until, &until}} {
		if place.text == "" {
			continue
		}
		m, err := dsl.ParseMoment(place.text)
		if err != nil {
			return start, until, fmt.Errorf("--%s: write a moment such as 2026-10-23T10:00: %w", flag, err)
		}
		*place.at = m.In(time.UTC)
	}
	return start, until, nil
}

// fromFiles reads candidates and events.
func (f *simulateFlags) fromFiles(cmd *cobra.Command) ([]*actor, error) {
	var candidates []api.CandidateDetails
	var events []crm.Event
	err := f.read(cmd, f.candidates, "row", func(in io.Reader) (rejected []client.Rejected, err error) {
		candidates, rejected, err = client.ReadCandidates(in)
		return rejected, err
	})
	if err != nil {
		return nil, err
	}
	err = f.read(cmd, f.recorded, "line", func(in io.Reader) (rejected []client.Rejected, err error) {
		events, rejected, err = client.ReadEvents(in, time.Now())
		return rejected, err
	})
	if err != nil {
		return nil, err
	}
	return f.actors(candidates, events)
}

// read reads a file, if there is one, and tells what was left out of it.
func (f *simulateFlags) read(cmd *cobra.Command, path, what string, read func(io.Reader) ([]client.Rejected, error)) error {
	if path == "" {
		return nil
	}
	in, _, err := openInput(path)
	if err != nil {
		return err
	}
	defer in.Close()
	rejected, err := read(in)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i, r := range rejected {
		if i == fewRejected {
			cmd.PrintErrf("%s: %d more left out\n", path, len(rejected)-i)
			break
		}
		cmd.PrintErrf("%s: %s %d is left out: %s\n", path, what, r.Number, r.Reason)
	}
	return nil
}

// fewRejected is how many rows or lines are told of one by one.
const fewRejected = 5

// actors puts events to their candidates. Who is only known from events is a candidate of whom nothing else is known.
func (f *simulateFlags) actors(candidates []api.CandidateDetails, events []crm.Event) ([]*actor, error) {
	start, until, err := f.moments()
	if err != nil {
		return nil, err
	}
	theirs := map[string][]crm.Event{}
	var everybody []crm.Event
	for _, e := range events {
		if crm.Broadcast(e.Type) && e.Subject == "" {
			everybody = append(everybody, e)
			continue
		}
		theirs[e.Subject] = append(theirs[e.Subject], e)
	}
	if start.IsZero() {
		start = begin(events)
	}
	known := map[string]bool{}
	for i := range candidates {
		known[candidates[i].ExternalID] = true
	}
	for _, e := range events {
		if e.Subject != "" && !known[e.Subject] {
			known[e.Subject] = true
			candidates = append(candidates, api.CandidateDetails{Candidate: crm.Candidate{ExternalID: e.Subject, CreatedAt: e.Time}})
		}
	}
	cast := make([]*actor, 0, len(candidates))
	for i := range candidates {
		c := &candidates[i]
		if c.CreatedAt.IsZero() {
			c.CreatedAt = start
		}
		c.ID = cmp.Or(c.ID, crm.DeriveID(crm.PrefixCandidate, c.CreatedAt, c.ExternalID))
		part := play.Recorded(c.Candidate, c.Consents, append(theirs[c.ExternalID], everybody...), start)
		part.Until = until
		cast = append(cast, &actor{name: c.ExternalID, part: part})
	}
	return cast, nil
}

// begin is when recorded events begin: the start of that hour; now without any.
func begin(events []crm.Event) time.Time {
	first := time.Now().UTC()
	for i := range events {
		if events[i].Time.Before(first) {
			first = events[i].Time
		}
	}
	return first.Truncate(time.Hour)
}

// historyPage is how much of the server's history is asked for at once.
const historyPage = 500

// fromServer reads the server's candidates and what they did, over the API.
func (f *simulateFlags) fromServer(cmd *cobra.Command, names []string) ([]*actor, error) {
	c, err := f.open()
	if err != nil {
		return nil, err
	}
	candidates, err := collect(func(after string) (api.Page[crm.Candidate], error) {
		return c.Candidates(cmd.Context(), historyPage, after)
	})
	if err != nil {
		return nil, err
	}
	start, until, err := f.moments()
	if err != nil {
		return nil, err
	}
	counter := newCounter(cmd, "reading history", len(candidates))
	defer counter.done()
	cast := make([]*actor, 0, len(candidates))
	for i := range candidates {
		a, err := f.recall(cmd, c, &candidates[i], start, names)
		if err != nil {
			return nil, err
		}
		if a.part.Until = until; until.IsZero() {
			a.part.Until = time.Now().UTC() // what will be sent cannot be held against what was
		}
		cast = append(cast, a)
		counter.one()
	}
	return cast, nil
}

// recall reads one candidate's history.
func (f *simulateFlags) recall(cmd *cobra.Command, c *client.Client, candidate *crm.Candidate, start time.Time, names []string) (*actor, error) {
	details, err := c.Candidate(cmd.Context(), candidate.ID)
	if err != nil {
		return nil, err
	}
	a := &actor{name: cmp.Or(candidate.ExternalID, candidate.ID)}
	events, err := collect(func(after string) (api.Page[crm.Event], error) {
		return c.Events(cmd.Context(), candidate.ID, historyPage, after)
	})
	if err != nil {
		return nil, err
	}
	// Consents have a history of their own.
	events = slices.DeleteFunc(events, func(e crm.Event) bool { return strings.HasPrefix(e.Type, "consent.") })
	if f.actual {
		if a.actual, err = reallySent(cmd.Context(), c, candidate.ID, names); err != nil {
			return nil, err
		}
	}
	if start.IsZero() {
		start = candidate.CreatedAt
	}
	a.part = play.Recorded(*candidate, details.Consents, events, start)
	return a, nil
}

// reallySent reads what a candidate really got from some sequences.
func reallySent(ctx context.Context, c *client.Client, candidateID string, names []string) (all []sent, err error) {
	err = pages(func(after string) (string, error) {
		page, err := c.Timeline(ctx, candidateID, historyPage, after)
		for i := range page.Items {
			if e := &page.Items[i]; e.Kind == store.EntryMessage && e.Outcome == string(crm.MessageAccepted) && slices.Contains(names, e.Definition) {
				all = append(all, sent{e.Definition, e.Step, e.At})
			}
		}
		return page.Next, err
	})
	return all, err
}

package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// Rejected is a row or line of a file that was left out.
type Rejected struct {
	Number int // as a spreadsheet or an editor counts, from 1
	Reason string
}

// ReadCandidates reads a table of candidates as ImportCandidates does, without a server. A consent without a date counts from
// the candidate's creation.
func ReadCandidates(r io.Reader) (candidates []api.CandidateDetails, rejected []Rejected, err error) {
	im := &importer{table: newTable(r)}
	if err := im.readHeader(); err != nil {
		return nil, nil, fmt.Errorf("read the table: %w", err)
	}
	for {
		row, err := im.table.next()
		if errors.Is(err, io.EOF) {
			return candidates, rejected, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the table: %w", err)
		}
		item, err := im.item(row)
		var c api.CandidateDetails
		if err == nil {
			c, err = detailsOf(item)
		}
		if err != nil {
			rejected = append(rejected, Rejected{row.number, err.Error()})
			continue
		}
		candidates = append(candidates, c)
	}
}

// detailsOf reads a candidate as an import sends it.
func detailsOf(item json.RawMessage) (c api.CandidateDetails, err error) {
	var given struct {
		crm.Candidate
		Consents []struct {
			Purpose  string        `json:"purpose"`
			Channels []crm.Channel `json:"channels"`
			Source   string        `json:"source"`
			Wording  string        `json:"wording"`
			At       time.Time     `json:"at"`
		} `json:"consents"`
	}
	if err := json.Unmarshal(item, &given); err != nil {
		return c, fmt.Errorf("read the row: %w", err)
	}
	c.Candidate = given.Candidate
	for _, line := range given.Consents {
		if line.At.IsZero() {
			line.At = c.CreatedAt
		}
		if len(line.Channels) == 0 {
			line.Channels = []crm.Channel{crm.Email}
		}
		for _, ch := range line.Channels {
			c.Consents = append(c.Consents, crm.Consent{
				Purpose: line.Purpose, Channel: ch, Granted: true, Source: line.Source, Wording: line.Wording, At: line.At,
			})
		}
	}
	return c, nil
}

// ReadEvents reads a file of events, one JSON object a line, as SendEvents does, without a server.
func ReadEvents(r io.Reader, now time.Time) (events []crm.Event, rejected []Rejected, err error) {
	in := newLines(r, maxLine, false)
	for {
		l, err := in.next()
		if errors.Is(err, io.EOF) {
			return events, rejected, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read events: %w", err)
		}
		b := &batch{}
		b.add(line{text: bytes.Clone(l.text), number: l.number, tooBig: l.tooBig})
		for _, bad := range b.bad {
			rejected = append(rejected, Rejected{bad.number, bad.reason})
		}
		for _, text := range b.events {
			e, err := api.ReadEvent(text, "line/"+strconv.Itoa(l.number), now)
			if err != nil {
				rejected = append(rejected, Rejected{l.number, err.Error()})
				continue
			}
			events = append(events, e)
		}
	}
}

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rapport-crm/rapport/api"
)

// InterviewerOptions say how interviewers are imported. The zero value is good.
type InterviewerOptions struct {
	Progress func(done, total int64) // in bytes; total is 0 when it is not known. It may be nil
	DryRun   bool                    // nothing is written
}

// InterviewerSummary is what an import of interviewers did, or would do.
type InterviewerSummary struct {
	Rows      int // without the header
	Created   int
	Changed   int
	Unchanged int
	Rejected  int         // rows that have problems
	Problems  []CellError // all of them, by row
	Warnings  []string    // columns that were left out
}

// CellError is something that is wrong with a cell of a table.
type CellError struct {
	Row     int    // as a spreadsheet counts, from 1
	Column  string // as the first row names it; "": the row as a whole
	Message string
}

func (e CellError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("row %d: %s", e.Row, e.Message)
	}
	return fmt.Sprintf("row %d, %s: %s", e.Row, e.Column, e.Message)
}

// ImportInterviewers reads a table of interviewers (CSV, UTF-8) and creates or changes them by email address. Columns are
// found by the names in its first row. An empty cell says nothing. Lists are separated by ; or |. A row that is wrong is left out,
// with everything that is wrong with it, and the others are imported. Importing the same again changes nothing.
func (c *Client) ImportInterviewers(ctx context.Context, r io.Reader, opts InterviewerOptions) (InterviewerSummary, error) {
	p := &peopleTable{table: newTable(r), seen: map[string]int{}}
	total := size(r)
	if err := p.readHeader(); err != nil {
		return p.summary, fmt.Errorf("read the table: %w", err)
	}
	for {
		row, err := p.table.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return p.summary, fmt.Errorf("read the table: %w", err)
		}
		done := err != nil
		if !done {
			p.add(row)
		}
		if len(p.items) >= importBatch || done {
			if err := p.send(ctx, c, opts.DryRun); err != nil {
				return p.summary, err
			}
			if opts.Progress != nil {
				opts.Progress(p.end, total)
			}
		}
		if done {
			slices.SortStableFunc(p.summary.Problems, func(a, b CellError) int { return a.Row - b.Row })
			return p.summary, nil
		}
	}
}

// ReadInterviewers reads the table without sending it: who there is, and what is wrong with the other rows. Who is not said to be
// inactive is active.
func ReadInterviewers(r io.Reader) (people []api.Interviewer, problems []CellError, err error) {
	p := &peopleTable{table: newTable(r), seen: map[string]int{}}
	if err := p.readHeader(); err != nil {
		return nil, nil, fmt.Errorf("read the table: %w", err)
	}
	for {
		row, err := p.table.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the table: %w", err)
		}
		p.add(row)
	}
	for _, item := range p.items {
		person := api.Interviewer{Active: true}
		if err := json.Unmarshal(item, &person); err != nil {
			return nil, nil, fmt.Errorf("read the table: %w", err)
		}
		people = append(people, person)
	}
	return people, p.summary.Problems, nil
}

// interviewerColumns are the words for each column, as squeeze leaves them.
func interviewerColumns() map[string][]string {
	return map[string][]string{
		"email": {"email", "mail", "emailaddress"}, "name": {"name", "fullname"}, "locale": {"locale", "language"},
		"meeting_url": {"meetingurl", "meetinglink", "videolink"}, "zone": {"zone", "timezone", "tz"},
		"hours": {"hours", "workinghours"}, "skills": {"skills", "skill"}, "groups": {"groups", "group"},
		"daily_limit": {"dailylimit", "perday"}, "weekly_limit": {"weeklylimit", "perweek"}, "min_gap": {"mingap", "gap"},
		"weight": {"weight"}, "trainee": {"trainee"}, "active": {"active"},
	}
}

// peopleTable is an import of interviewers at work.
type peopleTable struct {
	table   *table
	header  []string
	columns []string // the field of each
	seen    map[string]int
	summary InterviewerSummary

	items []json.RawMessage
	rows  []int // of the items
	end   int64 // how far the table was read
}

func (p *peopleTable) readHeader() error {
	err := p.table.sniff()
	var header record
	if err == nil {
		header, err = p.table.next()
	}
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty: the first row must name the columns")
	}
	if err = errors.Join(err, header.err); err != nil {
		return err
	}
	columns, unknown, err := findColumns(header.fields, interviewerColumns())
	if err != nil {
		return err
	}
	if !slices.Contains(columns, "email") {
		return fmt.Errorf("the first row does not name email, but %s: it must name the columns", strings.Join(header.fields, ", "))
	}
	p.header, p.columns = header.fields, columns
	for _, name := range unknown {
		p.summary.Warnings = append(p.summary.Warnings, "The column "+name+" is not known and was left out.")
	}
	return nil
}

// add reads a row. Everything that is wrong with it is found at once.
func (p *peopleTable) add(row record) {
	p.summary.Rows++
	p.end = row.end
	wrong := len(p.summary.Problems)
	item := p.read(row)
	if len(p.summary.Problems) > wrong {
		p.summary.Rejected++
		return
	}
	p.items, p.rows = append(p.items, item), append(p.rows, row.number)
}

func (p *peopleTable) read(row record) json.RawMessage {
	for len(row.fields) > len(p.columns) && strings.TrimSpace(row.fields[len(row.fields)-1]) == "" {
		row.fields = row.fields[:len(row.fields)-1]
	}
	if row.err == nil && len(row.fields) != len(p.columns) {
		row.err = fmt.Errorf("it has %d fields and the first row has %d: is a comma not quoted?", len(row.fields), len(p.columns))
	}
	if row.err != nil {
		p.problem(row.number, "", row.err.Error())
		return nil
	}
	person := map[string]any{}
	for i, field := range p.columns {
		cell := strings.TrimSpace(row.fields[i])
		if field == "" || cell == "" {
			continue
		}
		value, err := personCell(field, cell)
		if err != nil {
			p.problem(row.number, field, err.Error())
			continue
		}
		person[field] = value
	}
	email, _ := person["email"].(string)
	switch first := p.seen[strings.ToLower(email)]; {
	case email == "":
		p.problem(row.number, "email", "it is missing")
	case first > 0:
		p.problem(row.number, "email", fmt.Sprintf("row %d is the same person", first))
	default:
		p.seen[strings.ToLower(email)] = row.number
	}
	return p.check(row.number, person)
}

// check asks the API's own rules, before anything is sent.
func (p *peopleTable) check(row int, person map[string]any) json.RawMessage {
	item, err := json.Marshal(person)
	var input api.InterviewerInput
	if err == nil {
		err = json.Unmarshal(item, &input)
	}
	if err != nil {
		p.problem(row, "", err.Error())
		return nil
	}
	for _, wrong := range api.CheckInterviewer(&input) {
		p.located(row, wrong)
	}
	return item
}

// personCell reads a cell as what its field is.
func personCell(field, cell string) (any, error) {
	switch field {
	case "skills", "groups":
		return items(cell), nil
	case "daily_limit", "weekly_limit", "weight":
		n, err := strconv.Atoi(cell)
		if err != nil {
			return nil, errors.New("it is not a whole number")
		}
		return n, nil
	case "trainee", "active":
		yes, ok := map[string]bool{"true": true, "yes": true, "1": true, "false": false, "no": false, "0": false}[strings.ToLower(cell)]
		if !ok {
			return nil, errors.New("it is neither yes nor no")
		}
		return yes, nil
	}
	return cell, nil
}

// located is a problem in the API's words: groups[1] is in the column of groups.
func (p *peopleTable) located(row int, wrong api.Located) {
	field, _, _ := strings.Cut(wrong.Location, "[")
	p.problem(row, field, wrong.Message)
}

func (p *peopleTable) problem(row int, field, message string) {
	if i := slices.Index(p.columns, field); field != "" && i >= 0 {
		field = strings.TrimSpace(p.header[i])
	}
	p.summary.Problems = append(p.summary.Problems, CellError{Row: row, Column: field, Message: message})
}

// send sends the rows that are waiting.
func (p *peopleTable) send(ctx context.Context, c *Client, dryRun bool) error {
	if len(p.items) == 0 {
		return nil
	}
	results, err := c.UpsertInterviewers(ctx, p.items, dryRun)
	if err != nil {
		return fmt.Errorf("import rows %d to %d: %w", p.rows[0], p.rows[len(p.rows)-1], err)
	}
	for _, result := range results.Results {
		switch result.Status {
		case "created":
			p.summary.Created++
		case "changed":
			p.summary.Changed++
		case "unchanged":
			p.summary.Unchanged++
		default:
			p.summary.Rejected++
			for _, wrong := range result.Errors {
				p.located(p.rows[result.Index], wrong)
			}
		}
	}
	p.items, p.rows = p.items[:0], p.rows[:0]
	return nil
}

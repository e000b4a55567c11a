package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rapport-crm/rapport/api"
)

// ImportOptions say how candidates are imported. The zero value is good.
type ImportOptions struct {
	Progress  func(done, total int64) // in bytes; total is 0 when it is not known. It may be nil
	Report    io.Writer               // gets the rows that were not taken, or not read in full, with their number and the reason, as CSV. It may be nil
	BatchSize int                     // rows in a request; 0 is 500
	Country   string                  // ISO 3166-1: whose telephone numbers are meant where a row names no country. It may be ""
}

// ImportSummary is what an import did.
type ImportSummary struct {
	Rows      int // without the header
	Created   int
	Changed   int
	Unchanged int
	Rejected  int
	Unread    int      // rows that were imported with a telephone number that nobody can read
	Warnings  []string // columns that were left out
}

// importBatch is how many rows a request has unless the options say otherwise.
const importBatch = 500

// ImportCandidates reads a table of candidates (CSV, UTF-8) and creates or changes them by external id. Columns are found by
// the names in its first row. An empty cell says nothing. A row that is wrong goes to the report and the others are
// imported. Importing the same again changes nothing. A telephone number that cannot be read is kept as it is written, and told in the
// report; such a row needs something else to be known by.
//
// Lists are separated by ; or |. Consents are named like talent-community or talent-community:email+sms. A row without an
// external id is known by its email address, else by its number.
func (c *Client) ImportCandidates(ctx context.Context, r io.Reader, opts ImportOptions) (ImportSummary, error) {
	if opts.BatchSize <= 0 || opts.BatchSize > api.MaxEvents {
		opts.BatchSize = importBatch
	}
	im := &importer{client: c, opts: opts, total: size(r), table: newTable(r), report: report{out: opts.Report, what: "row"}}
	if err := im.readHeader(); err != nil {
		return im.summary, fmt.Errorf("read the table: %w", err)
	}
	for {
		row, err := im.table.next()
		if errors.Is(err, io.EOF) {
			return im.summary, im.flush(ctx)
		}
		if err != nil {
			return im.summary, fmt.Errorf("read the table: %w", err)
		}
		if err := im.add(row); err != nil {
			return im.summary, err
		}
		if len(im.items) >= im.opts.BatchSize {
			if err := im.flush(ctx); err != nil {
				return im.summary, err
			}
		}
	}
}

// importer is an import at work.
type importer struct {
	client  *Client
	opts    ImportOptions
	total   int64
	table   *table
	columns []string // the field of each
	report  report
	summary ImportSummary

	items []json.RawMessage
	rows  []record // of the items
	done  int64
}

func (im *importer) readHeader() error {
	err := im.table.sniff()
	var header record
	if err == nil {
		header, err = im.table.next()
	}
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty: the first row must name the columns")
	}
	if err == nil {
		err = header.err
	}
	if err != nil {
		return err
	}
	columns, unknown, err := mapColumns(header.fields)
	if err != nil {
		return err
	}
	im.columns = columns
	for _, name := range unknown {
		im.summary.Warnings = append(im.summary.Warnings, "The column "+name+" is not known and was left out.")
	}
	return nil
}

func (im *importer) add(row record) error {
	im.summary.Rows++
	im.done = row.end
	item, err := im.item(row)
	if err != nil {
		return im.reject(row, err.Error())
	}
	im.items, im.rows = append(im.items, item), append(im.rows, row)
	return nil
}

func (im *importer) reject(row record, reason string) error {
	im.summary.Rejected++
	return im.report.add(row.number, reason, row.text)
}

// flush sends the rows that are waiting.
func (im *importer) flush(ctx context.Context) error {
	if len(im.items) > 0 {
		results, err := im.client.UpsertCandidates(ctx, im.items)
		if err != nil {
			return fmt.Errorf("import rows %d to %d: %w", im.rows[0].number, im.rows[len(im.rows)-1].number, err)
		}
		for _, result := range results.Results {
			if err := im.count(result); err != nil {
				return err
			}
		}
		im.items, im.rows = im.items[:0], im.rows[:0]
	}
	if im.opts.Progress != nil {
		im.opts.Progress(im.done, im.total)
	}
	return nil
}

func (im *importer) count(result api.CandidateResult) error {
	switch result.Status {
	case "created":
		im.summary.Created++
	case "changed":
		im.summary.Changed++
	case "unchanged":
		im.summary.Unchanged++
	default:
		return im.reject(im.rows[result.Index], said(append(result.Errors, result.Warnings...)))
	}
	if len(result.Warnings) > 0 {
		im.summary.Unread++
		row := im.rows[result.Index]
		return im.report.add(row.number, said(result.Warnings)+". The row was imported; nothing is texted to this number", row.text)
	}
	return nil
}

// said is what is wrong with a row.
func said(problems []api.Located) string {
	reasons := make([]string, len(problems))
	for i, p := range problems {
		reasons[i] = strings.TrimPrefix(p.Location+": "+p.Message, ": ")
	}
	return strings.Join(reasons, "; ")
}

package api

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
)

const mediaZIP = "application/zip"

// exportName is the name of the ZIP: it names nobody.
func exportName(r *crm.PrivacyRequest) string { return string(r.Kind) + "-" + r.ID + ".zip" }

// exportAbout is about.json: what GDPR Art. 15(1) asks for beside the data itself.
type exportAbout struct {
	MadeAt     time.Time         `json:"made_at"`
	Company    string            `json:"company,omitempty"`
	Contact    string            `json:"contact,omitempty"` // for questions and complaints
	Candidate  string            `json:"candidate"`
	Kind       crm.RequestKind   `json:"kind"`
	ReceivedAt time.Time         `json:"received_at"`
	Sources    []string          `json:"sources"`    // where the data comes from
	Purposes   []exportPurpose   `json:"purposes"`   // what it is used for
	Recipients []string          `json:"recipients"` // who else gets some of it
	Keeping    []exportRule      `json:"keeping"`    // how long it is kept
	Restricted time.Time         `json:"restricted_since,omitzero"`
	Rights     string            `json:"rights"`
	Files      map[string]string `json:"files"`
}

type exportPurpose struct {
	Name    string `json:"name"`
	Basis   string `json:"basis"`
	Wording string `json:"wording,omitempty"`
}

type exportRule struct {
	Policy  string `json:"policy"`
	Basis   string `json:"basis,omitempty"`
	For     string `json:"for,omitempty"`
	AtLeast string `json:"at_least,omitempty"`
	Counts  string `json:"counts_from,omitempty"`
	Then    string `json:"then,omitempty"`
}

// exportRights is the sentence on further rights (GDPR Art. 15(1)(e) and (f)).
const exportRights = "You may have this data corrected or deleted, have its use restricted, object to its use, and complain to a data protection authority."

// writeExport writes the copy of the data that a request is for: JSON by kind, and a page to read.
func (s *server) writeExport(ctx context.Context, w io.Writer, r *crm.PrivacyRequest) error {
	candidate, files, err := s.Store.Export(ctx, r.CandidateID)
	if err != nil {
		return err
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return err
	}
	if r.Kind == crm.RequestPortability {
		files = slices.DeleteFunc(files, func(f store.ExportFile) bool { return !f.Given })
	}
	about := aboutExport(&candidate, r, files, set, s.Now())
	archive := zip.NewWriter(w)
	if err := addJSON(archive, "about.json", about); err != nil {
		return err
	}
	for i := range files {
		rows := files[i].Rows
		if rows == nil {
			rows = []json.RawMessage{}
		}
		if err := addJSON(archive, files[i].Name+".json", rows); err != nil {
			return err
		}
	}
	page, err := exportPage(about, files)
	if err != nil {
		return err
	}
	if err := addFile(archive, "index.html", page); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("write copy: %w", err)
	}
	return nil
}

func addJSON(archive *zip.Writer, name string, what any) error {
	text, err := json.MarshalIndent(what, "", "  ")
	if err != nil {
		return fmt.Errorf("encode copy: %w", err)
	}
	return addFile(archive, name, append(text, '\n'))
}

func addFile(archive *zip.Writer, name string, text []byte) error {
	file, err := archive.Create(name)
	if err != nil {
		return fmt.Errorf("write copy: %w", err)
	}
	if _, err := file.Write(text); err != nil {
		return fmt.Errorf("write copy: %w", err)
	}
	return nil
}

// aboutExport gathers what is said beside the data. Sources and recipients are those that stand in the rows themselves.
func aboutExport(c *crm.Candidate, r *crm.PrivacyRequest, files []store.ExportFile, set *dsl.Set, now time.Time) *exportAbout {
	about := &exportAbout{
		MadeAt: now.UTC(), Candidate: c.ID, Kind: r.Kind, ReceivedAt: r.ReceivedAt, Restricted: c.RestrictedAt, Rights: exportRights, Files: map[string]string{},
		Purposes: []exportPurpose{}, Keeping: []exportRule{},
	}
	if ws := set.Workspace; ws != nil {
		about.Company, _ = ws.Company()
		about.Contact = ws.Privacy
		for _, name := range slices.Sorted(maps.Keys(ws.Purposes)) {
			about.Purposes = append(about.Purposes, exportPurpose{Name: name, Basis: string(ws.Purposes[name].Basis), Wording: ws.Purposes[name].Wording})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set.Retentions)) {
		p := set.Retentions[name]
		rule := exportRule{Policy: name, Basis: p.Basis, Then: p.Then}
		if !p.For.IsZero() {
			rule.For = p.For.String()
		}
		if !p.AtLeast.IsZero() {
			rule.AtLeast = p.AtLeast.String()
		}
		if p.After != nil {
			rule.Counts = p.After.Source
		}
		about.Keeping = append(about.Keeping, rule)
	}
	sources, recipients := map[string]bool{}, map[string]bool{}
	for i := range files {
		about.Files[files[i].Name+".json"] = files[i].About
		for _, row := range files[i].Rows {
			var said struct {
				Source   string `json:"source"`
				Provider string `json:"provider"`
			}
			if json.Unmarshal(row, &said) == nil {
				sources[said.Source], recipients[said.Provider] = true, true
			}
		}
	}
	delete(sources, "")
	delete(recipients, "")
	if c.ExternalID != "" {
		recipients["applicant tracking system"] = true
	}
	about.Sources, about.Recipients = slices.Sorted(maps.Keys(sources)), slices.Sorted(maps.Keys(recipients))
	return about
}

// exportTable is one kind of data as the page shows it: each row is a list of what is known.
type exportTable struct {
	About string
	Rows  [][]exportField
}

type exportField struct{ Name, Value string }

// exportPage is the page to read. It needs nothing from anywhere.
func exportPage(about *exportAbout, files []store.ExportFile) ([]byte, error) {
	tables := make([]exportTable, 0, len(files))
	for i := range files {
		table := exportTable{About: files[i].About}
		for _, raw := range files[i].Rows {
			var row map[string]any
			if err := json.Unmarshal(raw, &row); err != nil {
				return nil, fmt.Errorf("read copy: %w", err)
			}
			var fields []exportField
			for _, name := range slices.Sorted(maps.Keys(row)) {
				if value := exportValue(row[name]); value != "" {
					fields = append(fields, exportField{strings.ReplaceAll(name, "_", " "), value})
				}
			}
			table.Rows = append(table.Rows, fields)
		}
		tables = append(tables, table)
	}
	var page bytes.Buffer
	content := struct {
		About  *exportAbout
		Made   string
		Tables []exportTable
	}{about, phrases.MustOpen().In("en").Date(about.MadeAt), tables}
	if err := exportTemplate.Execute(&page, content); err != nil {
		return nil, fmt.Errorf("write copy: %w", err)
	}
	return page.Bytes(), nil
}

// exportValue writes a value for people: nothing for what is not known, and what has parts as JSON.
func exportValue(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		if len(v) == 0 {
			return ""
		}
	case map[string]any:
		if len(v) == 0 {
			return ""
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

//nolint:gochecknoglobals // a constant: parsed once, never written to
var exportTemplate = template.Must(template.New("export").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your data</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h2{margin-top:2.5rem;border-bottom:1px solid #767676}dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.2rem 1rem;margin:0 0 1.5rem}
dt{color:#595959}dd{margin:0;overflow-wrap:anywhere}</style></head><body><main>
<h1>Your data{{with .About.Company}} at {{.}}{{end}}</h1>
<p>Made on {{.Made}}. The same is in the JSON files beside this page.{{with .About.Contact}} Questions: {{.}}.{{end}}</p>
<p>{{.About.Rights}}</p>
{{if not .About.Restricted.IsZero}}<p>Your data is kept, and not used for anything else, since {{.About.Restricted.Format "2006-01-02"}}.</p>{{end}}
<h2>Where it comes from</h2><ul>{{range .About.Sources}}<li>{{.}}</li>{{else}}<li>Nothing is noted.</li>{{end}}</ul>
<h2>What it is used for</h2><ul>{{range .About.Purposes}}<li>{{.Name}}: {{.Basis}}{{with .Wording}} – “{{.}}”{{end}}</li>{{else}}<li>Applications only.</li>{{end}}</ul>
<h2>Who else gets some of it</h2><ul>{{range .About.Recipients}}<li>{{.}}</li>{{else}}<li>Nobody.</li>{{end}}</ul>
<h2>How long it is kept</h2><ul>{{range .About.Keeping}}<li>{{.Policy}}: {{with .For}}for {{.}}{{end}}{{with .AtLeast}}at least {{.}}{{end}}, from {{.Counts}}{{with .Basis}} ({{.}}){{end}}</li>{{else}}<li>No rule is in force.</li>{{end}}</ul>
{{range .Tables}}<h2>{{.About}}</h2>
{{range .Rows}}<dl>{{range .}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>{{end}}</dl>
{{else}}<p>Nothing.</p>{{end}}
{{end}}</main></body></html>
`))

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/dsl/phrases"
)

// copyPage is the page to read. It needs nothing from anywhere.
type copyPage struct {
	*phrases.Words

	About      *exportAbout
	Made       string
	Restricted string
	Sources    []string
	Tables     []copyTable
	Empty      []string // titles of the kinds of which there is nothing
}

// copyTable is one kind of data: each row is a list of what is known.
type copyTable struct {
	Name, Title string
	Rows        [][]copyField
}

type copyField struct{ Name, Value string }

func (x *exporting) page(about *exportAbout) ([]byte, error) {
	content := &copyPage{Words: x.words, About: about, Made: x.date(x.now)}
	for _, source := range about.Sources {
		content.Sources = append(content.Sources, x.source(source))
	}
	if !about.Restricted.IsZero() {
		content.Restricted = x.date(about.Restricted)
	}
	for i := range x.files {
		f := &x.files[i]
		table := copyTable{Name: f.Name, Title: x.title(f)}
		for _, raw := range f.Rows {
			var row map[string]any
			if err := json.Unmarshal(raw, &row); err != nil {
				return nil, fmt.Errorf("read copy: %w", err)
			}
			table.Rows = append(table.Rows, x.fields(nil, "", row, 0, false))
		}
		if len(table.Rows) == 0 {
			content.Empty = append(content.Empty, table.Title)
			continue
		}
		content.Tables = append(content.Tables, table)
	}
	var page bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&page, "copy", content); err != nil {
		return nil, fmt.Errorf("write copy: %w", err)
	}
	return page.Bytes(), nil
}

// deepest is how many levels of parts are shown one by one; what is below is JSON.
const deepest = 3

// fields lists what is known of a row, and of its parts: nothing for what is not known. What the workspace has named itself, as its own
// attributes are, keeps that name.
func (x *exporting) fields(fields []copyField, prefix string, row map[string]any, depth int, own bool) []copyField {
	for _, key := range slices.SortedFunc(maps.Keys(row), before) {
		if (key == "candidate_id" || key == "subject") && row[key] == x.candidate.ID { // it stands where they are described
			continue
		}
		name := prefix + x.label(key)
		if own {
			name = prefix + spaced(key)
		}
		if part, ok := row[key].(map[string]any); ok && depth < deepest {
			fields = x.fields(fields, name+" › ", part, depth+1, own || key == "attributes")
			continue
		}
		if value := x.value(row[key]); value != "" {
			fields = append(fields, copyField{name, value})
		}
	}
	return fields
}

// before puts what names a row to its beginning, and its ids to its end.
func before(a, b string) int {
	rank := func(key string) int {
		switch {
		case slices.Contains([]string{"first_name", "last_name", "email", "phone", "type", "at", "time", "purpose", "role", "subject", "title"}, key):
			return 0
		case key == "id" || strings.HasSuffix(key, "_id"):
			return 2
		}
		return 1
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra - rb
	}
	return strings.Compare(a, b)
}

// label is what a field is called, where there are words for it.
func (x *exporting) label(key string) string {
	if said := x.words.Say("field_" + key); said != "field_"+key {
		return said
	}
	return spaced(key)
}

func spaced(key string) string { return strings.ReplaceAll(key, "_", " ") }

// source is where data comes from, in words where it is Rapport that names it so.
func (x *exporting) source(name string) string {
	key := "source_" + strings.ReplaceAll(name, " ", "_")
	if said := x.words.Say(key); said != key {
		return said
	}
	return name
}

// value writes a value for people: a moment by the candidate's clock, and what has parts that are no texts as JSON.
func (x *exporting) value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return x.moment(v)
	case bool:
		if v {
			return x.words.Say("copy_yes")
		}
		return x.words.Say("copy_no")
	case []any:
		return x.list(v)
	}
	text, err := json.Marshal(v)
	if err != nil || string(text) == "{}" {
		return ""
	}
	return string(text)
}

func (x *exporting) moment(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	t = t.In(x.zone)
	return x.words.Date(t) + ", " + t.Format("15:04 MST")
}

func (x *exporting) list(values []any) string {
	var texts []string
	for _, v := range values {
		if text := x.value(v); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

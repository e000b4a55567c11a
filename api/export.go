package api

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/retention"
	"github.com/rapport-crm/rapport/store"
)

const mediaZIP = "application/zip"

// exportName is the name of the ZIP: it names nobody.
func exportName(r *crm.PrivacyRequest) string { return string(r.Kind) + "-" + r.ID + ".zip" }

// writeExport writes the copy of the data that a request is for: JSON by kind, and a page to read, in the candidate's language.
func (s *server) writeExport(ctx context.Context, w io.Writer, r *crm.PrivacyRequest) error {
	candidate, files, err := s.Store.Export(ctx, r.CandidateID)
	if err != nil {
		return err
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return err
	}
	x := &exporting{candidate: &candidate, request: r, files: files, ws: set.Workspace, now: s.Now()}
	if x.ws == nil {
		x.ws = &dsl.Workspace{}
	}
	x.words, x.zone = s.book.In(candidate.Locale, x.ws.Locale), dsl.ZoneOf(&candidate, x.ws)
	if _, x.consents, err = s.Store.Candidate(ctx, candidate.ID); err != nil {
		return err
	}
	if x.verdict, err = s.verdict(ctx, set, candidate.ID); err != nil {
		return err
	}
	if r.Kind == crm.RequestPortability {
		x.files = slices.DeleteFunc(files, func(f store.ExportFile) bool { return !f.Given })
	}
	archive := zip.NewWriter(w)
	about := x.about()
	if err := addJSON(archive, "about.json", about); err != nil {
		return err
	}
	for i := range x.files {
		rows := x.files[i].Rows
		if rows == nil {
			rows = []json.RawMessage{}
		}
		if err := addJSON(archive, x.files[i].Name+".json", rows); err != nil {
			return err
		}
	}
	page, err := x.page(about)
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

// verdict is how long a candidate's data are kept.
func (s *server) verdict(ctx context.Context, set *dsl.Set, candidateID string) (*retention.Verdict, error) {
	rules, err := retention.New(set)
	if err != nil {
		return nil, err
	}
	c, err := s.Store.RetentionCase(ctx, candidateID, rules.Reads())
	if err != nil {
		return nil, err
	}
	return rules.Judge(&c, s.Now()), nil
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

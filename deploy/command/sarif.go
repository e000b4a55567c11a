package command

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// The part of SARIF 2.1.0 (OASIS, 27 March 2020) that code hosts read. Section numbers are the standard's.
type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct { // 3.14
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"` //nolint:tagliatelle // SARIF's name
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct { // 3.18
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct { // 3.19
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"` //nolint:tagliatelle // SARIF's name
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct { // 3.49
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"` //nolint:tagliatelle // SARIF's name
		FullDescription  sarifText `json:"fullDescription"`  //nolint:tagliatelle // SARIF's name
		HelpURI          string    `json:"helpUri"`          //nolint:tagliatelle // SARIF's name
		Help             sarifHelp `json:"help"`
	}
	sarifText struct { // 3.11, 3.12
		Text string `json:"text"`
	}
	sarifHelp struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown"`
	}
	sarifResult struct { // 3.27
		RuleID    string          `json:"ruleId"`    //nolint:tagliatelle // SARIF's name
		RuleIndex int             `json:"ruleIndex"` //nolint:tagliatelle // SARIF's name
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct { // 3.28
		PhysicalLocation sarifPhysical `json:"physicalLocation"` //nolint:tagliatelle // SARIF's name
	}
	sarifPhysical struct { // 3.29
		ArtifactLocation sarifArtifact `json:"artifactLocation"` //nolint:tagliatelle // SARIF's name
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct { // 3.4
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"` //nolint:tagliatelle // SARIF's name
	}
	sarifRegion struct { // 3.30
		StartLine   int `json:"startLine"`   //nolint:tagliatelle // SARIF's name
		StartColumn int `json:"startColumn"` //nolint:tagliatelle // SARIF's name
	}
)

// sarifLog tells of problems in SARIF. Its rules are those that have a result.
func sarifLog(problems []crm.Problem) sarif {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "rapport", Version: version, InformationURI: problemPage, Rules: []sarifRule{},
		}},
		ColumnKind: "unicodeCodePoints",
		Results:    make([]sarifResult, 0, len(problems)),
	}
	var codes []string
	for _, p := range problems {
		codes = append(codes, p.Code)
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	sections := problemSections()
	for _, code := range codes {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule(code, sections))
	}
	for _, p := range problems {
		index, _ := slices.BinarySearch(codes, p.Code)
		text := p.Message
		if p.Fix != "" {
			text += " " + p.Fix
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: p.Code, RuleIndex: index, Level: sarifLevel(p.Severity), Message: sarifText{text},
			Locations: []sarifLocation{{sarifPhysical{artifact(p.File), sarifRegion{max(p.Line, 1), max(p.Column, 1)}}}},
		})
	}
	return sarif{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}
}

func rule(code string, sections []section) sarifRule {
	s := section{code: code, title: code, text: code} // every code has a section; a test says so
	if i := slices.IndexFunc(sections, func(s section) bool { return s.code == code }); i >= 0 {
		s = sections[i]
	}
	return sarifRule{
		ID: s.code, ShortDescription: sarifText{s.title}, FullDescription: sarifText{s.paragraph()}, HelpURI: s.link(),
		Help: sarifHelp{Text: s.paragraph(), Markdown: s.text},
	}
}

func sarifLevel(s crm.Severity) string {
	switch s {
	case crm.SeverityError:
		return "error"
	case crm.SeverityWarning:
		return "warning"
	case crm.SeverityHint:
	}
	return "note"
}

// artifact names a file: by its place under the folder of the run, where it has one there.
func artifact(path string) sarifArtifact {
	slashed := filepath.ToSlash(filepath.Clean(path))
	if filepath.IsAbs(path) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(slashed, "/")}).String()}
	}
	a := sarifArtifact{URI: (&url.URL{Path: slashed}).String()}
	if filepath.IsLocal(path) {
		a.URIBaseID = "%SRCROOT%"
	}
	return a
}

package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/dsl/retention"
	"github.com/rapport-crm/rapport/store"
)

// exporting is a copy of a candidate's data while it is made.
type exporting struct {
	candidate *crm.Candidate
	consents  []crm.Consent
	request   *crm.PrivacyRequest
	files     []store.ExportFile
	verdict   *retention.Verdict
	ws        *dsl.Workspace
	words     *phrases.Words
	zone      *time.Location
	now       time.Time
}

// exportAbout is about.json: what GDPR Art. 15(1) asks for beside the data itself. Sentences are in the candidate's language.
type exportAbout struct {
	MadeAt     time.Time         `json:"made_at"`
	Language   string            `json:"language"`
	Company    string            `json:"company,omitempty"`
	Contact    string            `json:"contact,omitempty"` // for questions and complaints
	Candidate  string            `json:"candidate"`
	Kind       crm.RequestKind   `json:"kind"`
	ReceivedAt time.Time         `json:"received_at"`
	Sources    []string          `json:"sources"`    // where the data comes from
	Purposes   []exportPurpose   `json:"purposes"`   // what it is used for
	Recipients []string          `json:"recipients"` // who else gets some of it
	Dates      []string          `json:"dates"`
	Keeping    exportKeeping     `json:"keeping"` // how long it is kept
	Restricted time.Time         `json:"restricted_since,omitzero"`
	Rights     string            `json:"rights"`
	Files      map[string]string `json:"files"`
}

type exportPurpose struct {
	Name    string `json:"name"`
	Basis   string `json:"basis"`
	Wording string `json:"wording,omitempty"`
	Text    string `json:"text"` // the basis, and whether it is in force, as a sentence
}

// about gathers what is said beside the data. Sources and recipients are those that stand in the rows themselves.
func (x *exporting) about() *exportAbout {
	a := &exportAbout{
		MadeAt: x.now.UTC(), Language: x.words.Locale(), Candidate: x.candidate.ID, Kind: x.request.Kind, ReceivedAt: x.request.ReceivedAt,
		Restricted: x.candidate.RestrictedAt, Contact: x.ws.Privacy, Rights: x.words.Say("copy_rights"), Files: map[string]string{}, Purposes: x.purposes(),
		Dates: x.dates(), Keeping: x.keeping(),
	}
	a.Company, _ = x.ws.Company()
	sources, providers := map[string]bool{}, map[string]bool{}
	for i := range x.files {
		a.Files[x.files[i].Name+".json"] = x.title(&x.files[i])
		for _, row := range x.files[i].Rows {
			var said struct {
				Source   string `json:"source"`
				Provider string `json:"provider"`
			}
			if json.Unmarshal(row, &said) == nil {
				sources[said.Source], providers[said.Provider] = true, true
			}
		}
	}
	delete(sources, "")
	delete(providers, "")
	a.Sources = slices.Sorted(maps.Keys(sources))
	a.Recipients = x.recipients(slices.Sorted(maps.Keys(providers)))
	return a
}

// purposes are those of the workspace, with what the candidate has said to each.
func (x *exporting) purposes() []exportPurpose {
	all := []exportPurpose{}
	for _, name := range slices.Sorted(maps.Keys(x.ws.Purposes)) {
		p := x.ws.Purposes[name]
		said := map[crm.ConsentState]bool{}
		for _, ch := range []crm.Channel{crm.Email, crm.SMS} {
			said[crm.ConsentFor(x.consents, name, ch)] = true
		}
		text := "copy_consent_none"
		switch {
		case p.Basis == crm.BasisLegitimateInterest && said[crm.ConsentRevoked] && !said[crm.ConsentGranted] && !said[crm.ConsentNone]:
			text = "copy_interest_none"
		case p.Basis == crm.BasisLegitimateInterest:
			text = "copy_interest"
		case said[crm.ConsentGranted]:
			text = "copy_consent"
		}
		all = append(all, exportPurpose{Name: name, Basis: string(p.Basis), Wording: x.ws.Wording(name), Text: x.words.Say(text)})
	}
	return all
}

// recipients are the providers that carried messages, and whoever else the rows show to have seen some of the data.
func (x *exporting) recipients(providers []string) []string {
	all := []string{}
	for _, name := range providers {
		all = append(all, x.words.Say("copy_provider", "Name", name))
	}
	if x.candidate.ExternalID != "" {
		all = append(all, x.words.Say("copy_ats"))
	}
	if x.has("meetings") {
		all = append(all, x.words.Say("copy_interviewers"))
	}
	if x.has("calls") {
		all = append(all, x.words.Say("copy_systems"))
	}
	return all
}

func (x *exporting) has(file string) bool {
	return slices.ContainsFunc(x.files, func(f store.ExportFile) bool { return f.Name == file && len(f.Rows) > 0 })
}

// dates are the days that count, as sentences.
func (x *exporting) dates() []string {
	all := []string{}
	for _, d := range []struct {
		words string
		at    time.Time
	}{
		{"copy_since", x.candidate.CreatedAt}, {"copy_activity", x.candidate.LastActivityAt}, {"copy_contacted", x.candidate.LastContactedAt}, {"copy_decided", x.candidate.LastDecisionAt},
	} {
		if !d.at.IsZero() {
			all = append(all, x.words.Say(d.words, "Date", x.date(d.at)))
		}
	}
	return all
}

func (x *exporting) date(t time.Time) string { return x.words.Date(t.In(x.zone)) }

// title is what a file holds: in words of the candidate's language, else in English.
func (x *exporting) title(f *store.ExportFile) string {
	key := "file_" + f.Name
	if said := x.words.Say(key); said != key {
		return said
	}
	return cmp.Or(f.About, f.Name)
}

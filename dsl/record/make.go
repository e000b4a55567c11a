package record

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// maker makes a record.
type maker struct {
	set    *dsl.Set
	ws     *dsl.Workspace // never nil
	server *Installation  // nil: only the definitions are known
	out    *Record
	used   map[string][]string // by attribute: the definitions that use it
}

// Of makes the record of the definitions of a set as of a day. The installation is nil where there are definitions alone: then recipients
// are those that the definitions and the workspace name.
func Of(set *dsl.Set, server *Installation, on time.Time) *Record {
	m := &maker{set: set, ws: set.Workspace, server: server, used: map[string][]string{}}
	if m.ws == nil {
		m.ws = &dsl.Workspace{}
	}
	m.out = &Record{
		MadeOn: on.UTC().Format(time.DateOnly), Workspace: m.ws.Name, Definitions: len(set.All), Hash: fingerprint(set.All), Settings: server != nil,
		Missing: []Missing{}, Purposes: []Purpose{}, Activities: []Activity{}, Fields: []Field{}, Undeclared: []Attribute{},
		Recipients: []Recipient{}, Transfers: []Transfer{}, Limits: []Limit{},
	}
	m.controller()
	m.purposes()
	m.activities()
	for _, s := range crm.Catalogue() {
		m.out.Stored = append(m.out.Stored, Stored{Subject: s.Subject, Category: s.Category, What: s.What, For: s.For, From: s.From, Table: s.Table})
	}
	m.fields()
	m.recipients()
	m.limits()
	m.out.Measures = append(measures(), m.ws.Controller.Measures...)
	return m.out
}

// fingerprint is a hash over the documents in force, in whatever order and files they were written.
func fingerprint(docs []dsl.Document) string {
	lines := make([]string, len(docs))
	for i := range docs {
		lines[i] = strings.Join([]string{docs[i].Kind, docs[i].Name, docs[i].Locale, docs[i].Hash}, "\t")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

func (m *maker) missing(article, what, add string) {
	m.out.Missing = append(m.out.Missing, Missing{What: what, Article: article, Add: add})
}

func (m *maker) controller() {
	c := m.ws.Controller
	m.out.Controller = Controller{
		Name: c.Name, Address: c.Address, Email: c.Email, Country: c.Country, Joint: c.Joint, Representative: c.Representative, DPO: c.DPO,
	}
	for _, x := range []struct{ value, what, key string }{
		{c.Name, "The controller's name", "name"},
		{c.Address, "The controller's address", "address"},
		{c.Email, "Where the controller is reached", "email"},
		{c.DPO, "The data protection officer, or that there is none", "dpo"},
	} {
		if x.value == "" {
			m.missing("Art. 30(1)(a)", x.what+".", fmt.Sprintf("`controller: {%s: ..}` in the workspace", x.key))
		}
	}
}

func (m *maker) purposes() {
	for _, name := range slices.Sorted(maps.Keys(m.ws.Purposes)) {
		p := m.ws.Purposes[name]
		out := Purpose{Name: name, Basis: m.basis(name), Wording: p.Wording}
		if !p.Expires.IsZero() {
			out.Expires = p.Expires.String()
		}
		m.out.Purposes = append(m.out.Purposes, out)
		if p.Basis == crm.BasisConsent && p.Wording == "" {
			m.missing("Art. 7(1)", fmt.Sprintf("What candidates read when they agree to %s.", name), fmt.Sprintf("`purposes: {%s: {wording: ..}}` in the workspace", name))
		}
	}
	m.out.Purposes = append(m.out.Purposes, Purpose{Name: crm.PurposeTransactional, Basis: m.basis(crm.PurposeTransactional)})
}

// basis is the legal basis of a purpose. What is transactional begins with an application; who sees another basis in that says so.
func (m *maker) basis(purpose string) string {
	switch {
	case purpose == crm.PurposeTransactional:
		return cmp.Or(m.ws.Controller.Transactional, "steps before a contract, at the candidate's request (Art. 6(1)(b))")
	case m.ws.Purposes[purpose].Basis == crm.BasisConsent:
		return "consent (Art. 6(1)(a))"
	case m.ws.Purposes[purpose].Basis == crm.BasisLegitimateInterest:
		return "legitimate interests (Art. 6(1)(f))"
	}
	return ""
}

// fields lists the declared attributes, and those that are used or stored and not declared.
func (m *maker) fields() {
	for _, name := range slices.Sorted(maps.Keys(m.ws.Fields)) {
		f := m.ws.Fields[name]
		m.out.Fields = append(m.out.Fields, Field{Name: name, Category: f.Category, Purpose: f.Purpose, Note: f.Note, UsedBy: m.users(name)})
	}
	names := map[string]bool{}
	for name := range m.used {
		names[name] = true
	}
	if m.server != nil {
		for name := range m.server.Attributes {
			names[name] = true
		}
	}
	for name := range m.ws.Fields {
		delete(names, name)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a := Attribute{Name: name, UsedBy: m.users(name)}
		if m.server != nil {
			a.Candidates = new(m.server.Attributes[name])
		}
		m.out.Undeclared = append(m.out.Undeclared, a)
	}
	if len(names) > 0 {
		m.missing("Art. 30(1)(c)", fmt.Sprintf("The category and purpose of %s.", counted(len(names), "attribute", "attributes")),
			"`fields: {NAME: {category: .., purpose: ..}}` in the workspace, for each of those under “Attributes that are not declared”")
	}
}

func (m *maker) users(attribute string) []string {
	users := append([]string{}, m.used[attribute]...)
	slices.Sort(users)
	return slices.Compact(users)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "one " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// limits lists the retention policies.
func (m *maker) limits() {
	ends := false
	for _, name := range slices.Sorted(maps.Keys(m.set.Retentions)) {
		p := m.set.Retentions[name]
		l := Limit{Policy: name, Description: p.Description, Keep: "at least " + p.AtLeast.String(), Basis: p.Basis, Then: p.Then}
		if !p.For.IsZero() {
			l.Keep, ends = "at most "+p.For.String(), true
		}
		if p.AppliesTo != nil {
			l.Applies = p.AppliesTo.Source
		}
		if p.After != nil {
			l.After = p.After.Source
		}
		if n := p.Notice; n != nil {
			l.Notice = n.Before.String() + " before"
			if !n.Extend.IsZero() {
				l.Notice += fmt.Sprintf("; %s longer after %s", n.Extend, strings.Join(n.On, " or "))
			}
		}
		m.out.Limits = append(m.out.Limits, l)
	}
	if !ends {
		m.missing("Art. 30(1)(f)", "When data are erased: no retention policy ends.", "a `retention` with `keep: {for: ..}`; see examples/retention")
	}
}

// byName sorts and drops what is there twice.
func byName(list []string) []string {
	list = append([]string{}, list...)
	slices.Sort(list)
	return slices.Compact(list)
}

func kindOrder(kind string) int {
	return slices.Index([]string{dsl.KindSequence, dsl.KindInterview, dsl.KindSurvey, dsl.KindRetention}, kind)
}

func sortActivities(list []Activity) {
	slices.SortFunc(list, func(a, b Activity) int {
		return cmp.Or(cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)), cmp.Compare(a.Name, b.Name))
	})
}

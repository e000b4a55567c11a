package record

import (
	"maps"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// activities lists what is in force: each sequence, interview, survey and retention policy.
func (m *maker) activities() {
	sent := map[string][]*Activity{} // by survey
	for _, p := range m.set.Programs {
		reads := m.set.Reads(p)
		a := m.program(p, &reads)
		for _, name := range reads.Surveys {
			sent[name] = append(sent[name], a)
		}
		m.out.Activities = append(m.out.Activities, *a)
	}
	for name, s := range m.set.Surveys {
		m.out.Activities = append(m.out.Activities, m.survey(s, sent[name]))
	}
	for _, p := range m.set.Retentions {
		m.out.Activities = append(m.out.Activities, m.retention(p))
	}
	sortActivities(m.out.Activities)
	for _, name := range slices.Sorted(maps.Keys(m.set.Pools)) {
		reads := m.set.ReadsOfPool(m.set.Pools[name])
		m.note("pool "+name, &reads)
	}
}

// program describes a sequence or an interview.
func (m *maker) program(p *dsl.Program, reads *dsl.Reads) *Activity {
	a := &Activity{
		Kind: p.Kind(), Name: p.Name, Description: p.Description, Owner: p.Owner, Purposes: []string{p.Purpose}, Basis: []string{m.basis(p.Purpose)},
		Subjects: subjects(p, reads), Data: m.data(reads, p.Purpose), Writes: reads.Writes, Recipients: m.recipientsOf(reads),
	}
	if expires := m.ws.Purposes[p.Purpose].Expires; !expires.IsZero() {
		a.Basis[0] += ", for " + expires.String()
	}
	if slices.ContainsFunc(a.Data, func(d Data) bool { return d.Category == crm.CategorySpecial }) {
		special := "explicit consent to special categories (Art. 9(2)(a))"
		if p.Transactional() {
			special = "special categories as an application needs them (Art. 9(2)(b))"
		}
		a.Basis = append(a.Basis, special)
	}
	m.note(a.Kind+" "+p.Name, reads)
	return a
}

// survey describes a survey by those who send it.
func (m *maker) survey(s *dsl.Survey, by []*Activity) Activity {
	a := Activity{
		Kind: dsl.KindSurvey, Name: s.Name, Description: s.Intro,
		Data: []Data{{Category: crm.CategoryPreference, Fields: []string{"answers to its questions"}}},
	}
	for _, sender := range by {
		a.Purposes = append(a.Purposes, sender.Purposes...)
		a.Basis = append(a.Basis, sender.Basis...)
		a.Recipients = append(a.Recipients, sender.Recipients...)
		for _, who := range sender.Subjects {
			if who != subjectInterviewers && who != subjectRecruiters {
				a.Subjects = append(a.Subjects, who)
			}
		}
	}
	// What a sender calls or tells beside the survey is no matter of the survey's.
	a.Recipients = slices.DeleteFunc(a.Recipients, func(id string) bool { return !slices.Contains(m.carriers(), id) })
	a.Purposes, a.Basis, a.Subjects, a.Recipients = byName(a.Purposes), byName(a.Basis), byName(a.Subjects), byName(a.Recipients)
	return a
}

// retention describes a retention policy. What ends the processing reaches those whom the data were handed to (Art. 19).
func (m *maker) retention(p *dsl.Retention) Activity {
	reads := m.set.ReadsOfRetention(p)
	a := Activity{
		Kind: dsl.KindRetention, Name: p.Name, Description: p.Description, Purposes: []string{"keeping data no longer than needed"},
		Basis: []string{p.Basis}, Subjects: []string{subjectCandidates}, Data: m.data(&reads, ""), Recipients: m.recipientsOf(&reads),
	}
	if p.Then != "" {
		a.Recipients = byName(append(a.Recipients, m.reached()...))
	}
	m.note("retention "+p.Name, &reads)
	return a
}

// note remembers which attributes a definition uses.
func (m *maker) note(who string, reads *dsl.Reads) {
	for _, field := range reads.Fields {
		if name, ok := strings.CutPrefix(field, "candidate.attributes."); ok && name != "*" {
			m.used[name] = append(m.used[name], who)
		}
	}
	for _, field := range reads.Writes {
		if name, ok := strings.CutPrefix(field, "attributes."); ok {
			m.used[name] = append(m.used[name], who)
		}
	}
}

// Whose data an activity is about.
const (
	subjectCandidates   = "candidates"
	subjectApplicants   = "applicants"
	subjectInterviewers = "interviewers"
	subjectRecruiters   = "recruiters"
)

// subjects says whose data a sequence or interview is about, by what it begins with.
func subjects(p *dsl.Program, reads *dsl.Reads) []string {
	var who []string
	if p.PerApp {
		who = append(who, subjectApplicants)
	}
	if p.ByHand {
		who = append(who, "candidates whom people enroll")
	}
	for _, rule := range p.Enroll {
		if rule.In != "" {
			who = append(who, "members of the talent pool "+rule.In)
			continue
		}
		for _, event := range rule.On {
			who = append(who, subjectOf(event))
		}
	}
	if p.PerApp { // whatever it begins with
		who = slices.DeleteFunc(who, func(s string) bool { return s == subjectCandidates })
	}
	if reads.Meets {
		who = append(who, subjectInterviewers)
	}
	if slices.ContainsFunc(reads.Fields, func(f string) bool { return strings.HasPrefix(f, "owner.") }) {
		who = append(who, subjectRecruiters)
	}
	return byName(who)
}

func subjectOf(event string) string {
	switch family, _, _ := strings.Cut(event, "."); family {
	case "application", "offer", "interview", "scorecard":
		return subjectApplicants
	case "referral":
		return "people who were referred"
	}
	return subjectCandidates
}

package dsl

import (
	"net/url"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// Reads is what a definition reads of people, and to whom it hands some of it. All lists are sorted.
type Reads struct {
	Fields   []string // as expressions and texts name them: candidate.email, candidate.attributes.band, application.role, steps.clicked
	Writes   []string // fields of candidates that it sets: status, attributes.band
	Events   []string // types that it begins with or waits for
	Channels []string // by which it writes
	Messages []string // that it sends, by name
	Surveys  []string // that it sends, by name
	Pools    []string // that it asks about or fills
	Hosts    []string // that its steps call
	ATS      bool     // it tells the applicant tracking system of changes
	Meets    bool     // it reads and writes calendars
}

// reading gathers what a definition reads.
type reading struct {
	set                                                               *Set
	fields, writes, events, channels, messages, surveys, pools, hosts map[string]bool
	ats, meets                                                        bool
}

func (s *Set) reading() *reading {
	r := &reading{set: s}
	for _, m := range []*map[string]bool{&r.fields, &r.writes, &r.events, &r.channels, &r.messages, &r.surveys, &r.pools, &r.hosts} {
		*m = map[string]bool{}
	}
	return r
}

func (r *reading) all() Reads {
	return Reads{
		Fields: sorted(r.fields), Writes: sorted(r.writes), Events: sorted(r.events), Channels: sorted(r.channels), Messages: sorted(r.messages),
		Surveys: sorted(r.surveys), Pools: sorted(r.pools), Hosts: sorted(r.hosts), ATS: r.ats, Meets: r.meets,
	}
}

// Reads returns what a sequence or interview of the set reads: in its conditions and texts, in the messages it sends in every
// language, and in the pools it asks about.
func (s *Set) Reads(p *Program) Reads {
	r := s.reading()
	for _, rule := range p.Enroll {
		r.match(&rule.Match)
		r.pool(rule.In)
	}
	for _, m := range p.Exits {
		r.match(m)
	}
	if p.Goal != nil {
		r.match(p.Goal.Match)
	}
	for i := range p.Code {
		r.instr(&p.Code[i])
	}
	if p.Loop != nil {
		r.loop(p.Loop)
	}
	return r.all()
}

// ReadsOfRetention returns what a retention policy of the set reads.
func (s *Set) ReadsOfRetention(p *Retention) Reads {
	r := s.reading()
	r.condition(p.AppliesTo)
	r.condition(p.After)
	if p.Notice != nil {
		r.message(p.Notice.Email, crm.Email)
		for _, t := range p.Notice.On {
			r.events[t] = true
		}
	}
	return r.all()
}

// ReadsOfPool returns what a pool of the set reads.
func (s *Set) ReadsOfPool(p *Pool) Reads {
	r := s.reading()
	r.condition(p.When)
	return r.all()
}

func (r *reading) add(to map[string]bool, names ...string) {
	for _, name := range names {
		if name != "" {
			to[name] = true
		}
	}
}

func (r *reading) condition(c *Condition) {
	if c == nil {
		return
	}
	r.add(r.fields, c.Fields...)
	for _, name := range c.pools {
		r.pool(name)
	}
}

// pool reads what the pool reads: whom it holds is known by it.
func (r *reading) pool(name string) {
	if name == "" || r.pools[name] {
		return
	}
	r.pools[name] = true
	if p := r.set.Pools[name]; p != nil {
		r.condition(p.When)
	}
}

func (r *reading) match(m *Match) {
	if m == nil {
		return
	}
	r.add(r.events, m.On...)
	r.condition(m.When)
}

func (r *reading) text(t *Text) { r.add(r.fields, t.Fields()...) }

func (r *reading) template(t *Template) {
	if t != nil {
		r.channels[string(t.Channel)] = true
		r.text(t.Subject)
		r.text(t.Preview)
		r.text(t.Body)
	}
}

// message reads a message in every language.
func (r *reading) message(name string, ch crm.Channel) {
	if name == "" {
		return
	}
	r.messages[name], r.channels[string(ch)] = true, true
	for _, t := range r.set.Templates[name] {
		r.template(t)
	}
}

func (r *reading) notes(n Notes) {
	r.message(n.Email, crm.Email)
	r.message(n.SMS, crm.SMS)
}

// loop reads the messages and tasks of an interview; its conditions are in its code.
func (r *reading) loop(l *Interview) {
	r.meets = true
	r.notes(l.Invite)
	for _, n := range l.Nudges {
		r.notes(n.Notes)
	}
	for _, n := range l.Reminders {
		r.notes(n.Notes)
	}
	if l.GiveUp != nil {
		r.text(l.GiveUp.Task)
	}
	if l.NoShow != nil {
		r.text(l.NoShow.Task)
	}
	if l.Survey != nil {
		r.add(r.surveys, l.Survey.Use)
		r.channels[string(l.Survey.By)] = true
	}
	for i := range l.Rounds {
		r.condition(l.Rounds[i].If)
	}
}

func (r *reading) instr(in *Instr) {
	r.condition(in.If)
	if s := in.Send; s != nil {
		r.channels[string(s.Channel)] = true
		r.template(s.Inline)
		for _, name := range s.Use {
			r.message(name, s.Channel)
		}
	}
	r.effect(in)
	r.flow(in)
}

// flow reads what an instruction waits for and decides by.
func (r *reading) flow(in *Instr) {
	if in.Wait != nil {
		r.condition(in.Wait.Until)
	}
	if in.WaitFor != nil {
		for _, b := range in.WaitFor.Branches {
			r.match(b.Match)
		}
	}
	if in.Choose != nil {
		for _, arm := range in.Choose.Arms {
			r.condition(arm.If)
		}
	}
	if in.Experiment != nil {
		r.match(in.Experiment.Measure)
	}
	if in.Repeat != nil {
		r.condition(in.Repeat.While)
	}
}

// effect reads what an instruction does beside sending.
func (r *reading) effect(in *Instr) {
	if in.Task != nil {
		r.text(in.Task.Title)
	}
	if in.Survey != nil {
		r.add(r.surveys, in.Survey.Use)
	}
	if u := in.Update; u != nil {
		for _, a := range u.Set {
			r.writes[a.Field] = true
		}
		r.add(r.pools, u.Enter...)
		r.add(r.pools, u.Leave...)
	}
	if c := in.Call; c != nil {
		r.call(c)
	}
	if a := in.ATS; a != nil {
		r.ats = true
		r.text(a.Note)
		for _, field := range a.Push {
			r.fields["candidate."+field] = true
		}
	}
	if in.Emit != nil {
		r.values(in.Emit.Data)
	}
}

func (r *reading) call(c *Call) {
	r.text(c.URL)
	r.text(c.Body)
	r.values(c.Headers)
	r.values(c.Fields)
	r.add(r.writes, c.Save)
	if c.URL != nil {
		r.add(r.hosts, callHost(c.URL.Source))
	}
}

func (r *reading) values(fields []TextField) {
	for _, f := range fields {
		r.text(f.Text)
	}
}

// callHost returns the host of an address whose path may hold variables.
func callHost(address string) string {
	before, _, _ := strings.Cut(address, "{")
	u, err := url.Parse(before)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

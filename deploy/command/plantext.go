package command

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// Colours of what comes, goes, changes, and needs a look.
const (
	green  = "32"
	red    = "31"
	yellow = "33"
)

// planText tells a plan to people.
func planText(s style, plan *api.DefinitionPlan) string {
	t := &planTeller{style: s}
	for i := range plan.Definitions {
		t.definition(&plan.Definitions[i])
	}
	for _, p := range plan.Problems {
		t.line("%s", p.String())
	}
	t.summary(plan)
	return t.String()
}

type planTeller struct {
	strings.Builder

	style style
}

func (t *planTeller) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// definition tells of one definition, if there is anything to tell.
func (t *planTeller) definition(d *api.PlannedDefinition) {
	quiet := d.Status == store.StatusUnchanged || d.Status == "kept" && d.Note == ""
	if quiet && d.Runs == nil {
		return
	}
	name := d.Kind + " " + d.Name
	if d.Locale != "" {
		name += " (" + d.Locale + ")"
	}
	sign, colour, what := "=", "0", d.Status
	switch d.Status {
	case store.StatusAdded:
		sign, colour = "+", green
	case store.StatusChanged:
		sign, colour, what = "~", yellow, fmt.Sprintf("changed, version %d is in force", d.Version)
	case store.StatusRemoved:
		sign, colour = "-", red
	}
	if d.Note != "" {
		what += ": " + d.Note
	}
	t.line("%s  %s", t.style.with(colour, sign+" ")+t.style.bold(name), t.style.dim(what))
	for _, c := range d.Changes {
		t.line("    %s", t.change(c))
	}
	t.texts(d)
	t.audience(d)
	t.past(d)
	t.keeping(d.Keeping)
	t.runs(d)
	t.line("")
}

// keeping tells whom a retention policy would tell and take.
func (t *planTeller) keeping(k *api.PlannedKeeping) {
	if k == nil {
		return
	}
	t.line("    in the next 90 days %d would be told and %d erased or anonymized, of %d whom it would take one day; its first run would tell %d and take %d",
		k.Noticed, k.Taken, k.Scope, k.Tell, k.Now)
	if k.Asks {
		t.line("    its first run asks before it does anything: it would take more than its guard allows, or has none and would tell or take many")
	}
	if k.Conflict > 0 {
		t.line("    of %d another policy keeps the data for longer: the minimum wins", k.Conflict)
	}
	if !k.Complete {
		t.line("    time ran out before everybody was counted")
	}
}

// change tells one change, its words in colours.
func (t *planTeller) change(c dsl.Change) string {
	text := c.String()
	sign, rest := text[:1], text[1:]
	if t.style.coloured && c.Words != "" {
		rest = regexp.MustCompile(`(?s)\[-.*?-\]`).ReplaceAllStringFunc(rest, func(w string) string { return t.style.with(red, w) })
		rest = regexp.MustCompile(`(?s)\{\+.*?\+\}`).ReplaceAllStringFunc(rest, func(w string) string { return t.style.with(green, w) })
	}
	switch c.Kind {
	case dsl.ChangeAdded:
		return t.style.with(green, sign) + rest
	case dsl.ChangeRemoved:
		return t.style.with(red, sign) + rest
	case dsl.ChangeMoved, dsl.ChangeReworded, dsl.ChangeRetimed, dsl.ChangeReconditioned, dsl.ChangeRerouted, dsl.ChangeOther:
	}
	return t.style.with(yellow, sign) + rest
}

// texts tells how long a text message is, and what it costs.
func (t *planTeller) texts(d *api.PlannedDefinition) {
	if d.Texts == nil {
		return
	}
	text := "about " + plural(d.Texts.Segments, "segment")
	if d.Texts.Unicode {
		text += " in Unicode"
	}
	if d.Texts.Price != "" {
		text += ": " + d.Texts.Price + " each time"
	}
	t.line("    sent as %s", text)
}

// audience tells whom the definition reaches.
func (t *planTeller) audience(d *api.PlannedDefinition) {
	a := d.Audience
	if a == nil {
		return
	}
	least := ""
	if !a.Complete {
		least = "at least "
	}
	if d.Kind == crm.KindPool {
		t.line("    %s%s would enter the pool, %d would leave it", least, plural(a.Enter, "candidate"), a.Leave)
		return
	}
	if a.Members > 0 || len(a.Events) == 0 {
		t.line("    %s%s would be enrolled now, of %s of its pools", least, t.style.bold(plural(a.Enroll, "candidate")), plural(a.Members, "member"))
	}
	if len(a.Events) > 0 {
		t.line("    enrolls from now on at %s", strings.Join(a.Events, ", "))
	}
}

// past tells what the rules about events would have done.
func (t *planTeller) past(d *api.PlannedDefinition) {
	p := d.Past
	if p == nil {
		return
	}
	about, looked := "about", ""
	if !p.Complete {
		about, looked = "at least", fmt.Sprintf("; counted as far as it went: %s, back to %s", plural(p.Events, "event"), p.Since.Format("2 Jan 15:04 MST"))
	}
	t.line("    %s in the last %d days, had it been in force: events as stored, candidates as they are now%s",
		t.style.bold(about+" "+plural(p.Enroll, "enrollment")), p.Days, looked)
}

// runs tells of the enrollments that run on other versions.
func (t *planTeller) runs(d *api.PlannedDefinition) {
	if d.Runs == nil {
		return
	}
	running := plural(d.Runs.Open, "enrollment")
	if !d.Runs.Complete {
		running = "at least " + running
	}
	if d.Status == store.StatusRemoved {
		t.line("    %s running: they finish on their version and nobody new is enrolled; with --stop-runs they are stopped", running)
		return
	}
	t.line("    %s running on other versions: they finish on those, unless you apply with --migrate:", running)
	for _, c := range d.Runs.Classes {
		t.line("    %s", t.class(&c))
	}
}

// class tells where enrollments stand and where they would land.
func (t *planTeller) class(c *api.RunClass) string {
	from := "at " + c.From
	if c.From == "" {
		from = "before the first step"
	}
	text := fmt.Sprintf("%7d  version %d, %s: ", c.Count, c.Version, from)
	switch c.Kind {
	case crm.LandStays:
		return text + "stay there"
	case crm.LandMoves:
		return text + "go on at " + c.To
	case crm.LandEnds:
		return text + "complete, as nothing is left to do"
	case crm.LandRefused:
	}
	return text + t.style.with(red, "cannot be moved and stay on their version: ") + c.Reason
}

// summary counts.
func (t *planTeller) summary(plan *api.DefinitionPlan) {
	count := map[string]int{}
	enroll := 0
	for _, d := range plan.Definitions {
		if d.Status != store.StatusRemoved || d.Note == "" {
			count[d.Status]++
		}
		if d.Audience != nil {
			enroll += d.Audience.Enroll
		}
	}
	if !plan.Changes {
		t.line("Nothing to change in %s.", plural(len(plan.Definitions), "definition"))
		return
	}
	t.line("%s", t.style.bold(fmt.Sprintf("Plan: %d to add, %d to change, %d to remove; %s would be enrolled at once.",
		count[store.StatusAdded], count[store.StatusChanged], count[store.StatusRemoved], plural(enroll, "candidate"))))
	if n := count["kept"]; n > 0 {
		t.line("Not among the files, and left as they are: %s.", plural(n, "definition"))
	}
}

package graph

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// stepWords says in words what steps do.
type stepWords struct {
	set *dsl.Set // where messages and surveys are looked up
}

// node describes an instruction.
func (w stepWords) node(in *dsl.Instr) *Node {
	n := &Node{ID: in.ID}
	if !in.Implied {
		n.Step = in.ID
	}
	decides := w.effect(in, n) || w.decision(in, n)
	if !decides && n.Kind == "" {
		n.Kind, n.Title = NodeEmit, upperFirst(strings.ReplaceAll(string(in.Op), "_", " "))
	}
	if in.If != nil && in.Exit == "" {
		n.Notes = append([]string{"only if " + inWords(in.If)}, n.Notes...)
	}
	return n
}

// effect describes what a step does to the world. It is false for steps that wait or decide.
func (w stepWords) effect(in *dsl.Instr, n *Node) bool {
	switch {
	case in.Survey != nil:
		w.survey(in, n)
	case in.Send != nil:
		w.send(in.Send, n)
	case in.Task != nil:
		taskWords(in.Task, n)
	case in.Update != nil:
		n.Kind, n.Title, n.Text = NodeUpdate, "Update", updateWords(in.Update)
	case in.Op == dsl.OpEnroll:
		n.Kind, n.Title, n.Text = NodeSequence, "Enroll", []string{"in the sequence " + in.Sequence}
	case in.Op == dsl.OpLeave:
		n.Kind, n.Title, n.Text = NodeSequence, "Leave", []string{"the sequence " + in.Sequence}
	case in.Op == dsl.OpInterview:
		n.Kind, n.Title, n.Text = NodeSequence, "Interview", []string{"the loop " + in.Sequence + ", until it is over"}
	case in.Call != nil:
		callWords(in.Call, n)
	case in.ATS != nil:
		atsWords(in.ATS, n)
	case in.Emit != nil:
		n.Kind, n.Title, n.Text = NodeEmit, "Event", []string{"tells that " + in.Emit.Event + " has happened"}
	default:
		return false
	}
	return true
}

// decision describes what a step waits for or decides.
func (w stepWords) decision(in *dsl.Instr, n *Node) bool {
	switch {
	case in.Exit != "":
		n.Kind, n.Text = NodeEnd, []string{endsAs(in.Exit)}
		if in.If != nil {
			n.Kind, n.Title, n.Text = NodeChoice, "End here?", []string{question(in.If)}
		}
	case in.Wait != nil:
		n.Kind, n.Title, n.Text = NodeWait, "Wait", []string{waitWords(in.Wait)}
		if !in.Wait.Timeout.IsZero() {
			n.Notes = append(n.Notes, "at most "+durationWords(in.Wait.Timeout))
		}
	case in.WaitFor != nil:
		w.waitFor(in, n)
	case in.Choose != nil:
		n.Kind, n.Title = NodeChoice, "Choose"
		n.Text = []string{"The first of these that is true:"}
		if len(in.Choose.Arms) == 1 {
			n.Title, n.Text = "Question", []string{question(in.Choose.Arms[0].If)}
		}
	case in.Experiment != nil:
		experimentWords(in.Experiment, n)
	case in.Repeat != nil:
		n.Kind, n.Title, n.Text = NodeRepeat, "Repeat", []string{roundsWords(in.Repeat)}
		if in.Repeat.While != nil {
			n.Notes = append(n.Notes, "as long as "+inWords(in.Repeat.While))
		}
	default:
		return false
	}
	return true
}

func endsAs(outcome string) string { return "Ends as " + spaced(outcome) }

// spaced writes a word of the language as people do: silver_medallist as silver medallist.
func spaced(word string) string { return strings.ReplaceAll(word, "_", " ") }

func quoted(s string) string { return "“" + s + "”" }

// send describes the message of a step by its subject, and a text message by how it begins.
func (w stepWords) send(s *dsl.Send, n *Node) {
	n.Kind, n.Title = NodeEmail, "Email"
	if s.Channel == crm.SMS {
		n.Kind, n.Title = NodeSMS, "Text message"
	}
	if len(s.Use) > 1 {
		n.Text = append(n.Text, "The first of these that the candidate has not had:")
	}
	for _, name := range s.Use {
		n.Text = append(n.Text, w.message(name, s.Channel))
	}
	if s.Inline != nil {
		n.Text = append(n.Text, says(s.Inline))
	}
	if s.FromOwner {
		n.Notes = append(n.Notes, "from the candidate's owner")
	}
	if s.Window != nil {
		n.Notes = append(n.Notes, calendarWords(s.Window))
	}
	if !s.By.IsZero() {
		n.Notes = append(n.Notes, "within "+durationWords(s.By)+", else not at all")
	}
}

func (w stepWords) message(name string, ch crm.Channel) string {
	t := w.set.Template(name, "")
	if t == nil || t.Channel != ch {
		return name
	}
	return says(t)
}

// says quotes the subject of an email, or how a text message begins.
func says(t *dsl.Template) string {
	text := t.Subject
	if text == nil {
		text = t.Body
	}
	return quoted(shown(text, 90))
}

// shown is a text with its variables as people read them: [first name]. It is cut to some characters.
func shown(t *dsl.Text, most int) string {
	if t == nil {
		return ""
	}
	plain := liquidPattern.ReplaceAllStringFunc(t.Source, func(token string) string {
		if strings.HasPrefix(token, "{%") {
			return " "
		}
		variable, _, _ := strings.Cut(strings.Trim(token, "{}- \t\n"), "|")
		parts := strings.Split(strings.TrimSpace(variable), ".")
		if parts[0] == "candidate" || parts[0] == "enrollment" {
			parts = parts[len(parts)-1:]
		}
		return "[" + spaced(strings.Join(parts, " ")) + "]"
	})
	return shortened(oneLine(plain), most)
}

// shortened cuts a text after a word.
func shortened(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	s = string(runes[:most])
	if blank := strings.LastIndexByte(s, ' '); blank > len(s)/2 {
		s = s[:blank]
	}
	return strings.TrimRight(s, " ,.;:") + "…"
}

func taskWords(t *dsl.Task, n *Node) {
	n.Kind, n.Title, n.Text = NodeTask, "Task", []string{shown(t.Title, 160)}
	note := "for " + t.Assign
	if t.Assign == "owner" || t.Assign == "" {
		n.Title, note = "Task for the owner", ""
	}
	if t.Via != "" {
		note += " by " + viaWords(t.Via)
	}
	if !t.Due.IsZero() {
		if note != "" {
			note += ","
		}
		note += " due in " + durationWords(t.Due)
	}
	if note != "" {
		n.Notes = append(n.Notes, strings.TrimSpace(note))
	}
	if t.Wait {
		wait := "waits until it is done"
		if !t.Timeout.IsZero() {
			wait += ", at most " + durationWords(t.Timeout)
		}
		n.Notes = append(n.Notes, wait)
	}
}

func viaWords(via string) string {
	switch via {
	case "linkedin":
		return "LinkedIn"
	case "in_person":
		return "meeting in person"
	}
	return via
}

func (w stepWords) survey(in *dsl.Instr, n *Node) {
	n.Kind, n.Title = NodeSurvey, "Survey by email"
	if in.Send != nil && in.Send.Channel == crm.SMS {
		n.Title = "Survey by text message"
	}
	n.Text = []string{in.Survey.Use}
	if s := w.set.Surveys[in.Survey.Use]; s != nil && s.Intro != "" {
		n.Text = []string{quoted(shortened(oneLine(s.Intro), 90))}
	}
	n.Notes = append(n.Notes, "waits for the answer, at most "+durationWords(in.Survey.Timeout))
}

func updateWords(u *dsl.Update) []string {
	var lines []string
	for _, a := range u.Set {
		lines = append(lines, fmt.Sprintf("%s becomes %s", fieldWords(strings.TrimPrefix(a.Field, "attributes.")), valueWords(a.Value)))
	}
	add := func(format string, values []string) {
		for _, v := range values {
			lines = append(lines, fmt.Sprintf(format, v))
		}
	}
	add("adds the tag %s", u.Tag)
	add("takes off the tag %s", u.Untag)
	switch {
	case u.Score > 0:
		lines = append(lines, "score goes up by "+strconv.FormatFloat(u.Score, 'f', -1, 64))
	case u.Score < 0:
		lines = append(lines, "score goes down by "+strconv.FormatFloat(-u.Score, 'f', -1, 64))
	}
	add("puts into the pool %s", u.Enter)
	add("takes out of the pool %s", u.Leave)
	return lines
}

func valueWords(v any) string {
	switch v := v.(type) {
	case string:
		return spaced(v)
	case []string:
		return listed(v, "and")
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = fmt.Sprint(v[i])
		}
		return listed(all, "and")
	}
	return fmt.Sprint(v)
}

// waitFor describes a wait for events. With branches that differ it is a decision whose ways out say what they are.
func (w stepWords) waitFor(in *dsl.Instr, n *Node) {
	n.Kind, n.Title = NodeWait, "Wait until"
	if len(in.Then) > 0 {
		n.Kind, n.Title = NodeAwait, "Wait"
		n.Text = []string{"for the first of these, up to " + durationWords(in.WaitFor.Timeout)}
		return
	}
	for _, b := range in.WaitFor.Branches {
		n.Text = append(n.Text, branchWords(&b))
	}
	n.Text = []string{listed(n.Text, "or")}
	n.Notes = append(n.Notes, "at most "+durationWords(in.WaitFor.Timeout))
}

func experimentWords(x *dsl.Experiment, n *Node) {
	n.Kind, n.Title, n.Text = NodeExperiment, "A/B test", []string{"Candidates are split at random"}
	if x.Measure != nil {
		measured := "measures: " + matchWords(x.Measure)
		if !x.Within.IsZero() {
			measured += " within " + durationWords(x.Within)
		}
		n.Notes = append(n.Notes, measured)
	}
	if s := x.Settle; s != nil {
		to := "the arm that does best"
		if s.To != "" {
			to = spaced(s.To)
		}
		n.Notes = append(n.Notes, fmt.Sprintf("after %d candidates everybody gets %s", s.After, to))
	}
}

// armWords is the name of an arm and its share.
func armWords(x *dsl.Experiment, i int) string {
	total := 0
	for _, a := range x.Arms {
		total += a.Weight
	}
	share := strconv.FormatFloat(100*float64(x.Arms[i].Weight)/float64(max(total, 1)), 'f', 1, 64)
	return spaced(x.Arms[i].Name) + " · " + strings.TrimSuffix(share, ".0") + "%"
}

func roundsWords(r *dsl.Repeat) string {
	words := "every " + strings.TrimPrefix(durationWords(r.Every), "1 ")
	if r.Times > 0 {
		words += ", " + times(r.Times)
	}
	if r.Now {
		words += ", the first at once"
	}
	return words
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// roundsOver says when a run goes on after a repeat.
func roundsOver(in *dsl.Instr) string {
	var when []string
	if in.Repeat.Times > 0 {
		when = append(when, "after "+counted(in.Repeat.Times, "round"))
	}
	if in.Repeat.While != nil {
		when = append(when, "when that is no longer so")
	}
	if in.If != nil {
		when = append(when, "if it is skipped")
	}
	return anyOf(when)
}

// outcome says how a step ended.
func (w stepWords) outcome(in *dsl.Instr, outcome string) string {
	switch {
	case outcome == crm.OutcomeSkipped && in.If != nil && in.Send == nil:
		return "skipped"
	case outcome == crm.OutcomeSkipped:
		return "not sent"
	case in.WaitFor != nil:
		for _, b := range in.WaitFor.Branches {
			if b.Name == outcome {
				return branchWords(&b)
			}
		}
		return "after " + durationWords(in.WaitFor.Timeout)
	case in.Task != nil && outcome == dsl.OutcomeTimeout && !in.Task.Timeout.IsZero():
		return "not done after " + durationWords(in.Task.Timeout)
	case in.Survey != nil && outcome == dsl.OutcomeTimeout:
		return "no answer after " + durationWords(in.Survey.Timeout)
	case (in.Call != nil || in.ATS != nil) && outcome == crm.CallOK:
		return "it worked"
	case outcome == crm.OutcomeFailed:
		return "it failed"
	}
	return spaced(outcome)
}

// anyOf joins what leads the same way.
func anyOf(ways []string) string { return listed(ways, "or") }

// listed joins words as a sentence does: a, b and c.
func listed(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

package dsl_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/dsl"
)

// assembly writes a program's instructions one a line: place, id, what it does, where it goes.
func assembly(p *dsl.Program) string {
	var b strings.Builder
	for pc := range p.Code {
		in := &p.Code[pc]
		fmt.Fprintf(&b, "%d %q %s", pc, in.ID, in.Op)
		if in.If != nil {
			fmt.Fprintf(&b, " if %s", in.If.Source)
		}
		if in.Choose != nil {
			for _, a := range in.Choose.Arms {
				fmt.Fprintf(&b, " (%s → %d)", a.If.Source, a.Go)
			}
		}
		outcomes := make([]string, 0, len(in.Then))
		for o, to := range in.Then {
			outcomes = append(outcomes, fmt.Sprintf(" %s → %d", o, to))
		}
		sort.Strings(outcomes)
		fmt.Fprintf(&b, "%s next %d", strings.Join(outcomes, ""), in.Next)
		if in.Implied {
			b.WriteString(" implied")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func program(tb testing.TB, text string) *dsl.Program {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "s.yaml", Text: []byte(text)}}, baseDocuments(tb))
	if set == nil {
		tb.Fatalf("problems:\n%s", listing(problems))
	}
	return set.Programs["s"]
}

func TestCompileExamples(t *testing.T) {
	t.Parallel()
	set := examples(t)
	nurses := set.Programs["silver-medallist-nurses"]
	want := `0 "thanks" send next 1
1 "heard" wait_for clicked → 2 timeout → 3 next 4
2 "call" task next 4
3 "nudge" send if has(candidate.phone) next 4
4 "quarterly" repeat next 6
5 "letter" send next 4
`
	if diff := cmp.Diff(want, assembly(nurses)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"application.submitted", "consent.revoked", "message.clicked", "message.replied"}, nurses.Listens); diff != "" {
		t.Error(diff)
	}
	if nurses.Owner != "north-talent@trust.example" || nurses.Purpose != "talent-community" || nurses.Reenroll.After.Days != 180 ||
		nurses.Limit.Count != 2 || nurses.Limit.Per.Exact.Hours() != 7*24 || nurses.Goal.Within.Days != 90 || len(nurses.Exits) != 3 ||
		nurses.PerApp || nurses.Window != nil || len(nurses.Enroll) != 1 || nurses.Enroll[0].When == nil {
		t.Errorf("head: %+v", nurses)
	}
	heard := nurses.Code[1].WaitFor
	if heard.Timeout.Days != 14 || len(heard.Branches) != 1 || heard.Branches[0].Match.Step != "thanks" {
		t.Errorf("wait_for: %+v", heard)
	}
	call := nurses.Code[2].Task
	if call.Assign != "owner" || call.Via != "phone" || call.Due.BusinessDays != 2 {
		t.Errorf("task: %+v", call)
	}
	ack := set.Programs["application-acknowledged"]
	if !ack.PerApp || !ack.Transactional() || ack.Code[0].Send.Inline == nil || !ack.Reenroll.Never {
		t.Errorf("acknowledged: %+v", ack)
	}
	ws := set.Workspace
	if ws.Limit.Count != 3 || ws.QuietSMS.From != 20*60 || ws.QuietEmail != nil || ws.Calendar.Close != 17*60+30 ||
		ws.Purposes["sourced"].Expires.Days != 30 || len(ws.Statuses) != 7 || ws.From.SMS != "+447700900000" {
		t.Errorf("workspace: %+v", ws)
	}
	if set.Template("silver-medallist-nudge", "en-GB") == nil {
		t.Errorf("templates: %v", set.Templates)
	}
	if len(set.Interviews) != 1 || len(set.Retentions) != 2 || set.Surveys["post-interview"] == nil {
		t.Errorf("interviews %v, retentions %v, surveys %v", set.Interviews, set.Retentions, set.Surveys)
	}
}

func TestCompileBlocks(t *testing.T) {
	t.Parallel()
	p := program(t, `sequence: s
purpose: talent-community
enroll: by hand
steps:
  - wait: 1d
  - id: first
    email: hello
    then:
      failed:
        - wait: 2d
        - exit: bounced
      skipped: []
  - wait: 3d
  - wait: 4d
  - if: candidate.score > 1
    choose:
      - if: candidate.score > 2
        do:
          - wait: 5d
          - id: text
            sms: hello-sms
            then: {sent: [{wait: 6d}]}
      - {if: candidate.score > 3, do: []}
      - else:
          - update: {tag: [low]}
  - id: pick
    choose:
      - {if: candidate.score > 4, do: [{exit: high}]}
  - exit: done
`)
	want := `0 "at start" wait next 1 implied
1 "first" send failed → 2 skipped → 4 next 4
2 "after first/failed" wait next 3 implied
3 "exit after first/failed" exit next 4 implied
4 "after first" wait next 5 implied
5 "after first 2" wait next 6 implied
6 "choose after first" choose (candidate.score > 1 → 7) next 12 implied
7 "choose after first/choice" choose (candidate.score > 2 → 8) (candidate.score > 3 → 12) next 11 implied
8 "after choose after first/1" wait next 9 implied
9 "text" send sent → 10 next 12
10 "after text/sent" wait next 12 implied
11 "update after choose after first/else" update next 12 implied
12 "pick" choose (candidate.score > 4 → 13) next 14
13 "exit after pick/1" exit next 14 implied
14 "exit after pick" exit next 15 implied
`
	if diff := cmp.Diff(want, assembly(p)); diff != "" {
		t.Error(diff)
	}
	for pc := range p.Code {
		if at, ok := p.Find(p.Code[pc].ID); !ok || at != pc {
			t.Errorf("%q is found at %d, %v", p.Code[pc].ID, at, ok)
		}
	}
	if at, ok := p.Find(""); at != 0 || !ok {
		t.Error("the empty id is not the first instruction")
	}
	if !p.ByHand || len(p.Enroll) != 0 {
		t.Errorf("enroll: %v %v", p.ByHand, p.Enroll)
	}
}

func TestStateMatchesListenToWhatChangesThem(t *testing.T) {
	t.Parallel()
	p := program(t, `sequence: s
purpose: talent-community
enroll: by hand
exit: {when: consented("sourced"), outcome: agreed}
steps:
  - id: w
    wait_for:
      none: {when: size(candidate.open_applications) == 0}
      timeout: 3d
`)
	all := strings.Join(p.Listens, " ")
	for _, want := range []string{"consent.granted", "consent.revoked", "application.rejected"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s lacks %s", all, want)
		}
	}
}

func TestHashIsOfTheContent(t *testing.T) {
	t.Parallel()
	hashOf := func(text string) string {
		set, problems := dsl.Check([]dsl.File{{Path: "m.yaml", Text: []byte(text)}}, nil)
		if set == nil {
			t.Fatal(listing(problems))
		}
		return set.Documents[0].Hash
	}
	want := hashOf("message: m\nchannel: sms\nbody: Hello there\n")
	for name, text := range map[string]string{
		"comments": "# why\nmessage: m # name\nchannel: sms\n\nbody: Hello there\n",
		"quotes":   "message: 'm'\nchannel: \"sms\"\nbody: >-\n  Hello\n  there\n",
		"layout":   "{message: m, channel: sms, body: Hello there}\n",
		"endings":  "message: m\r\nchannel: sms\r\nbody: Hello there\r\n",
		"marker":   "\ufeff---\nmessage: m\nchannel: sms\nbody: Hello there\n...\n",
	} {
		if got := hashOf(text); got != want {
			t.Errorf("%s changes the hash", name)
		}
	}
	if len(want) != 64 || hashOf("message: m\nchannel: sms\nbody: Hello here\n") == want {
		t.Error("another text has the same hash")
	}
}

func TestLoadAndCompileStoredDocuments(t *testing.T) {
	t.Parallel()
	set := examples(t)
	loaded, err := dsl.Load(set.Documents)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range set.Programs {
		if diff := cmp.Diff(assembly(p), assembly(loaded.Programs[name])); diff != "" || loaded.Programs[name].Hash != p.Hash {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, d := range set.Documents {
		p, err := dsl.Compile(d)
		if (err == nil) != (d.Kind == dsl.KindSequence || d.Kind == dsl.KindInterview) {
			t.Errorf("%s %s: %v", d.Kind, d.Name, err)
		}
		if err == nil && (p.Hash != d.Hash || p.Name != d.Name) {
			t.Errorf("%s: hash %s, program's %s", d.Name, d.Hash, p.Hash)
		}
	}
}

func TestLoadChecksNoVocabulary(t *testing.T) {
	t.Parallel()
	docs := []dsl.Document{{Kind: dsl.KindSequence, Name: "s", Source: `sequence: s
purpose: a-purpose-that-is-gone
enroll: {on: application.rejected, when: 'candidate.status == "a_status_that_is_gone" && enrolled("gone")'}
steps:
  - id: a
    email: a-message-that-is-gone
`}, {Kind: dsl.KindSequence, Name: "broken", Source: "sequence: broken\nsteps: 3\n"}, {Kind: dsl.KindMessage, Name: "empty"}}
	set, err := dsl.Load(docs)
	if set.Programs["s"] == nil || set.Programs["broken"] != nil {
		t.Errorf("programs: %v", set.Programs)
	}
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error: %v", err)
	}
}

func TestFilesReplaceTheBase(t *testing.T) {
	t.Parallel()
	base := baseDocuments(t)
	text := "message: hello\nchannel: email\nsubject: New\nbody: New.\n---\nmessage: hello\nlocale: cy\nsubject: Newydd\nbody: Newydd.\n---\nmessage: hello\nlocale: pt-BR\nsubject: Novo\nbody: Novo.\n"
	set, problems := dsl.Check([]dsl.File{{Path: "new.yaml", Text: []byte(text)}}, base)
	if set == nil {
		t.Fatal(listing(problems))
	}
	if len(set.Documents) != 3 || len(set.All) != len(base)+2 {
		t.Errorf("%d documents of %d", len(set.Documents), len(set.All))
	}
	for locale, want := range map[string]string{"": "New", "en-GB": "New", "cy": "Newydd", "cy-GB": "Newydd", "pt-BR": "Novo", "pt": "New"} {
		if got := set.Template("hello", locale).Subject.Source; got != want {
			t.Errorf("%q: got %q", locale, got)
		}
	}
	if set.Template("nobody", "") != nil {
		t.Error("a message that does not exist")
	}
	second := set.Documents[1]
	if second.Line != 6 || second.Locale != "cy" || !strings.HasPrefix(second.Source, "message: hello\nlocale: cy") || second.File != "new.yaml" {
		t.Errorf("second document: %+v", second)
	}
}

func TestCheckReportsAllFilesInOrder(t *testing.T) {
	t.Parallel()
	_, problems := dsl.Check([]dsl.File{
		{Path: "b.yaml", Text: []byte("sequence: s\nsteps: []\nenroll: {on: nothing}\n")},
		{Path: "a.yaml", Text: []byte("message: m\nchannel: fax\n---\nmessage: [\n")},
		{Path: "c.yaml", Text: []byte{0xff, 0xfe, 'a'}},
	}, nil)
	got := make([]string, 0, len(problems))
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s:%d:%d %s", p.File, p.Line, p.Column, p.Code))
	}
	want := []string{"a.yaml:1:1 R0008", "a.yaml:2:10 R0105", "a.yaml:5:1 R0001", "b.yaml:1:1 R0008", "b.yaml:2:8 R0407", "b.yaml:3:14 R0201", "c.yaml:1:1 R0011"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCheckOfMuchText makes sure that places are found in a time that does not explode.
func TestCheckOfMuchText(t *testing.T) {
	t.Parallel()
	text := "message: m\nchannel: email\nsubject: s\nbody: \"" + strings.Repeat("{{ candidate.nam }} ", 1_000) + "\"\n" + strings.Repeat("---\na: b\n", 2_000)
	_, problems := dsl.Check([]dsl.File{{Path: "m.yaml", Text: []byte(text)}}, nil)
	if len(problems) != 2_500 || problems[499].Column != 7+499*20+4 {
		t.Errorf("%d problems, the last of the message %v", len(problems), problems[499])
	}
}

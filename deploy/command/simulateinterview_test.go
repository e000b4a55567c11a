package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const simulatedInterview = `
workspace: north
calendar: {days: mon-fri, hours: "09:00-17:30", zone: Europe/London}
from: {email: "North <careers@north.example>", address: "1 Way, Leeds"}
---
interview: talks
purpose: transactional
enroll: {on: application.stage_changed}
rounds:
  - id: talk
    duration: 1h
    interviewers: {all: [{any: 1, of: recruiters}, hiring_manager]}
    offer: {slots: 3, within: 2bd}
invite: {email: pick-one}
scorecard: {due: 1bd, nudge: 4h}
---
message: pick-one
channel: email
subject: Pick a time
body: "[Choose]({{ links.schedule }})"
`

// Who would be offered what is told by day and name, wherever people are known from, and so is what stands against it.
func TestSimulateInterview(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	defs := file("defs.yaml", simulatedInterview)
	table := file("people.csv", "email,name,groups,hours\nmaya@north.example,Maya Shah,recruiters,mon-fri 10:00-12:00\nomar@north.example,Omar,,\n")
	listed := file("people.yaml", "maya: {groups: recruiters, busy: 2026-10-05}\nomar: {}\n")
	url := server(t, map[string]string{"/v1/interviewers?": `{"items":[
		{"id":"int_1","email":"maya@north.example","name":"Maya Shah","groups":["recruiters"],"active":true,"calendars":[{"id":"cal_1","kind":"ics"}],
		 "time_off":[{"start":"2026-10-05T00:00:00Z","end":"2026-10-06T00:00:00Z"}]},
		{"id":"int_2","email":"omar@north.example","name":"Omar","groups":[],"active":true,"calendars":[],"time_off":[]}]}`})
	const by = "omar@north.example"
	for name, test := range map[string]struct {
		args, want []string
	}{
		"a table": {[]string{"--interviewers", table, "--hiring-manager", by}, []string{
			"Times for talk, looked for on Mon 5 Oct 2026 09:00 (Europe/London)\n  Mon 5 Oct   10:00  Maya Shah, Omar\n",
			"booked talk for Mon 5 Oct 2026 10:00 with maya, omar\n", "scorecard by omar: 4\n", "outcome completed\n",
		}},
		"a list": {[]string{"--interviewers", listed, "--hiring-manager", "omar"}, []string{"  Tue 6 Oct   09:00  Maya, Omar\n"}},
		"the server": {[]string{"--url", url, "--api-key", "k", "--hiring-manager", by}, []string{
			"The calendars of 1 interviewer are not known here", "  Tue 6 Oct   09:00  Maya Shah, Omar\n",
		}},
		"nobody decides": {[]string{"--interviewers", listed}, []string{"There is no time for 1h", "A place is for one person, who is not known.", "task talk.none"}},
		"a script": {[]string{"--interviewers", listed, "--hiring-manager", "omar", "--event", "{enroll: hand}", "--event", "{after: 1h, ask: times}"}, []string{
			"· ask for other times\n", "task talk.wish\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"simulate", "talks", "-f", defs, "--start", "2026-10-05T09:00", "--until", "2026-10-12"}, test.args...)
			out, errOut, code := rapport(t, args...)
			for _, want := range test.want {
				if code != 0 || !strings.Contains(out+errOut, want) {
					t.Errorf("exit %d, %q is missing in:\n%s%s", code, want, out, errOut)
				}
			}
		})
	}
	if _, errOut, code := rapport(t, "simulate", "talks", "-f", defs, "--server-history"); code == 0 || !strings.Contains(errOut, "for one candidate") {
		t.Errorf("history: exit %d, %s", code, errOut)
	}
}

package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/deploy/embedded/temporal/temporaltest"
)

// Workflow history, visibility and everything else that Temporal keeps hold ids, decisions and times only.
func TestTemporalHoldsNoPersonalData(t *testing.T) {
	t.Parallel()
	r := newRig(t, 100*time.Millisecond)
	r.apply(`
sequence: private
purpose: news
enroll: {on: application.rejected, when: 'candidate.first_name == "Zebedee"'}
steps:
  - id: hello
    email: {subject: "Xylophone lessons for {{ candidate.first_name | default: 'you' }}", body: "Hello."}
  - id: text
    sms: {body: "Hello {{ candidate.first_name | default: 'you' }}"}
  - wait: 2d
  - id: call
    task: {title: "Call {{ candidate.first_name | default: 'them' }}", assign: owner}
`)
	r.work()
	c := r.candidate("private")
	r.event(c, "application.rejected", "reason", "Xerxes")
	run := r.ended(c, "completed")
	sent := r.mailbox.all()
	if len(sent) != 2 || !strings.Contains(sent[0].Subject+sent[1].Subject, "Zebedee") {
		t.Fatalf("the run wrote %v", sent)
	}
	found := false
	for _, value := range temporaltest.Dump(t) {
		found = found || strings.Contains(value, run.ID)
		for _, secret := range []string{"Zebedee", "Quillfeather", "zebra.example", "+44770090", "Xylophone", "Xerxes"} {
			if strings.Contains(value, secret) {
				t.Errorf("temporal keeps %q in %.200q", secret, value)
			}
		}
	}
	if !found {
		t.Error("the dump does not even hold the run's id: it proves nothing")
	}
}

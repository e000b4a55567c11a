package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rapport-crm/rapport/crm"
)

// page is a log of erasures in memory, which cannot be written to the first time.
type page struct {
	mu    sync.Mutex
	tries int
	lines []string
}

func (p *page) Append(lines [][]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tries++; p.tries == 1 {
		return errors.New("the disk is full")
	}
	for _, l := range lines {
		p.lines = append(p.lines, string(l))
	}
	return nil
}

func (p *page) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines
}

// system is an applicant tracking system that is not there the first time.
type system struct {
	mu    sync.Mutex
	tries int
	told  []crm.Call
}

func (s *system) Do(_ context.Context, r crm.Call) (crm.CallResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries++; s.tries == 1 {
		return crm.CallResult{}, &crm.CallError{Host: "ats.example", Reason: "status_503"}
	}
	s.told = append(s.told, r)
	return crm.CallResult{Outcome: crm.CallOK}, nil
}

func (s *system) all() []crm.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// Somebody is erased in the middle of a sequence: its workflow ends at once, nothing is sent any more, the applicant tracking system is
// told, and it is written down.
func TestErasedInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	log, ats := &page{}, &system{}
	r.erasures, r.calls = log, ats
	r.apply(`
sequence: nurture
purpose: news
enroll: {on: application.rejected}
steps:
  - wait: 30d
  - id: hello
    email: {subject: Hello, body: Hello.}
`)
	r.work()
	c := r.candidate("quagga")
	r.event(c, "application.rejected")
	var run crm.Enrollment
	r.until(func() string {
		run = r.run(c)
		return differ("the run", run.Status == crm.EnrollmentRunning && run.Seq > 0, true)
	})
	workflow := run.WorkflowID()
	erased, err := r.store.Erase(t.Context(), crm.Erasure{Candidate: c, Mode: crm.RetentionErase, Rule: "request", Reason: "art-17", By: "lena", At: r.now()})
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := erased.Receipt.Read()
	if err != nil {
		t.Fatal(err)
	}
	r.until(func() string {
		described, err := r.temporal.DescribeWorkflowExecution(t.Context(), workflow, "")
		if err != nil {
			return err.Error()
		}
		return differ("the workflow", described.GetWorkflowExecutionInfo().GetStatus(), enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
	r.until(func() string { return differ("lines of the log", len(log.all()), 1) })
	if line := log.all()[0]; !strings.Contains(line, receipt.ID) || strings.Contains(line, "quagga") || !json.Valid([]byte(line)) {
		t.Errorf("the log says %s", line)
	}
	r.until(func() string {
		r.sql("update erasure_jobs set not_before = now() where attempts > 0 and finished_at is null") // the pause is over
		return differ("requests", len(ats.all()), 1)
	})
	told := ats.all()[0]
	if !told.ATS || told.Key != receipt.ID || !strings.HasPrefix(told.Body, `{"type":"candidate.erased",`) || !strings.Contains(told.Body, `"candidate":"quagga"`) {
		t.Errorf("told %+v", told)
	}
	r.until(func() string {
		outcomes, err := r.store.ErasureOutcomes(t.Context(), receipt.ID)
		if err != nil {
			return err.Error()
		}
		for _, o := range outcomes {
			if o.Outcome != "done" {
				return string(o.Kind) + " is " + o.Outcome
			}
		}
		return differ("jobs", len(outcomes), 2)
	})
	if sent := r.mailbox.all(); len(sent) != 0 {
		t.Errorf("sent %v", sent)
	}
}

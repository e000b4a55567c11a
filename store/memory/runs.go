package memory

import (
	"context"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Candidate returns a candidate as they are now. The error has crm.CodeNotFound when there is none with that id.
func (s *Store) Candidate(id string) (crm.Candidate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.people[id]; p != nil {
		return p.Candidate, nil
	}
	return crm.Candidate{}, notFound("There is no such candidate.")
}

// Pools lists the pools that a candidate is in, sorted.
func (s *Store) Pools(candidateID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.people[candidateID]; p != nil {
		return slices.Clone(p.pools)
	}
	return nil
}

// Enrollments lists a candidate's runs, as they began.
func (s *Store) Enrollments(candidateID string) []crm.Enrollment {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[candidateID]
	if p == nil {
		return nil
	}
	runs := make([]crm.Enrollment, len(p.runs))
	for i, r := range p.runs {
		runs[i] = r.Enrollment
	}
	return runs
}

// Starting lists the runs whose workflow is to be started, as they began.
func (s *Store) Starting() []crm.Enrollment {
	return s.which(func(r *run) bool { return r.Status == crm.EnrollmentStarting })
}

// MarkStarted notes that a run's workflow was started.
func (s *Store) MarkStarted(enrollmentID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[enrollmentID]; r != nil && r.Status == crm.EnrollmentStarting {
		r.Status, r.WakeSent = crm.EnrollmentRunning, r.Wake
	}
}

// Woken lists the runs that a wake-up is to be sent to.
func (s *Store) Woken() []crm.Enrollment {
	return s.which(func(r *run) bool { return r.Status == crm.EnrollmentRunning && r.Wake > r.WakeSent })
}

// MarkSignalled notes the wake that a run's workflow was signalled.
func (s *Store) MarkSignalled(enrollmentID string, wake int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[enrollmentID]; r != nil {
		r.WakeSent = max(r.WakeSent, wake)
	}
}

func (s *Store) which(wanted func(*run) bool) []crm.Enrollment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var runs []crm.Enrollment
	for _, id := range s.order {
		for _, r := range s.people[id].runs {
			if wanted(r) {
				runs = append(runs, r.Enrollment)
			}
		}
	}
	return runs
}

// Messages lists a candidate's messages, as they were planned.
func (s *Store) Messages(candidateID string) []crm.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[candidateID]
	if p == nil {
		return nil
	}
	messages := make([]crm.Message, len(p.messages))
	for i, m := range p.messages {
		messages[i] = *m
	}
	return messages
}

// Tasks lists a candidate's tasks, as they were created.
func (s *Store) Tasks(candidateID string) []crm.Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[candidateID]
	if p == nil {
		return nil
	}
	tasks := make([]crm.Task, len(p.tasks))
	for i, t := range p.tasks {
		tasks[i] = *t
	}
	return tasks
}

// CompleteTask notes that a person did a task, and tells by a task.completed event. The error has crm.CodeNotFound when there
// is no such task and crm.CodeConflict when it is not open.
func (s *Store) CompleteTask(id, outcome, note, by string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.people {
		i := slices.IndexFunc(p.tasks, func(t *crm.Task) bool { return t.ID == id })
		if i < 0 {
			continue
		}
		t := p.tasks[i]
		if t.State != crm.TaskOpen {
			return conflict("The task is closed already.", "Nothing is left to do.")
		}
		t.State, t.Outcome, t.ClosedAt = crm.TaskDone, outcome, instant(at)
		return s.queue(s.fact("task.completed", p.ID, at, map[string]any{
			"step": t.Step, "sequence": t.Definition, "outcome": outcome, "note": note, "task": id, "by": by,
		}))
	}
	return notFound("There is no such task.")
}

// Assignments lists the arms that a run was given.
func (s *Store) Assignments(enrollmentID string) []Assigned {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[enrollmentID]; r != nil {
		return slices.Clone(r.assigned)
	}
	return nil
}

// CallOf returns the request of a decision, and its answer if it is there already. The error has crm.CodeNotFound when there
// is no such request.
func (s *Store) CallOf(_ context.Context, enrollmentID string, seq int64) (crm.Call, *crm.CallResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[enrollmentID]
	if r == nil || seq < 1 || seq > int64(len(r.decisions)) || r.decisions[seq-1].Call == nil {
		return crm.Call{}, nil, notFound("There is no such call.")
	}
	for i := range r.calls {
		if r.calls[i].Seq == seq {
			done := r.calls[i]
			return *r.decisions[seq-1].Call, &done, nil
		}
	}
	return *r.decisions[seq-1].Call, nil, nil
}

// CallDone stores the answer of a call. The first one stays.
func (s *Store) CallDone(_ context.Context, enrollmentID string, done crm.CallResult) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[enrollmentID]
	if r == nil {
		return notFound("There is no such enrollment.")
	}
	if slices.ContainsFunc(r.calls, func(c crm.CallResult) bool { return c.Seq == done.Seq }) {
		return nil
	}
	return r.answered(done)
}

// answered keeps the answer of a call, as JSON has it.
func (r *run) answered(done crm.CallResult) error {
	if done.Result != nil {
		read, err := plain(done.Result)
		if err != nil {
			return err
		}
		done.Result = read
	}
	r.calls = append(r.calls, done)
	return nil
}

package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/workflows"
)

const (
	erasuresEvery  = 2 * time.Second
	erasuresBatch  = 32
	erasureLease   = time.Minute      // how long a job is taken for
	erasureTimeout = 40 * time.Second // of one job
	// Between attempts, really: the first pause, which doubles, and the longest one.
	erasurePause    = 10 * time.Second
	longestErasure  = 6 * time.Hour
	typeErased      = "candidate.erased"
	outcomeGaveUp   = "gave_up"
	outcomeDone     = "done"
	outcomeNobody   = "nothing_to_tell" // there is no such account, or no such thing any more
	erasureLogBatch = 100
	vacuumEvery     = time.Hour // really; no sooner than that are dead rows taken out after an erasure
)

// ErasureLog keeps erasures outside the database. Append returns when they are on disk.
type ErasureLog interface {
	Append(lines [][]byte) error
}

// erase does what erasures have left to do outside the database, and writes them down outside it.
func (w *Worker) erase(ctx context.Context) (more bool, err error) {
	logErr := w.logErasures(ctx)
	jobs, err := w.store.TakeErasureJobs(ctx, w.now(), w.span(erasureLease), erasuresBatch)
	if err != nil {
		return false, errors.Join(logErr, err)
	}
	err = each(ctx, jobs, func(ctx context.Context, j crm.ErasureJob) error { return w.eraseOutside(ctx, &j) })
	if len(jobs) == erasuresBatch {
		return true, errors.Join(logErr, err)
	}
	return false, errors.Join(logErr, err, w.vacuum(ctx))
}

// vacuum takes what was erased out of the tables, from time to time.
func (w *Worker) vacuum(ctx context.Context) error {
	if time.Now().Before(w.vacuumRest) {
		return nil
	}
	done, err := w.store.VacuumAfterErasures(ctx)
	if done {
		w.vacuumRest = time.Now().Add(vacuumEvery)
	}
	return err
}

// logErasures writes down the erasures that are in no log yet. One that is written twice, since this process died in between, does no
// harm.
func (w *Worker) logErasures(ctx context.Context) error {
	if w.erasureLog == nil {
		return nil
	}
	records, err := w.store.UnloggedErasures(ctx, erasureLogBatch)
	if err != nil || len(records) == 0 {
		return err
	}
	lines := make([][]byte, len(records))
	for i := range records {
		if lines[i], err = records[i].Line(); err != nil {
			return err
		}
	}
	if err := w.erasureLog.Append(lines); err != nil {
		return fmt.Errorf("write log of erasures: %w", err)
	}
	return w.store.MarkErasuresLogged(ctx, records)
}

// eraseOutside does one job, and says when it comes again if it came to nothing. After its time it is given up, and shown as such.
func (w *Worker) eraseOutside(ctx context.Context, j *crm.ErasureJob) error {
	limited, cancel := context.WithTimeout(ctx, erasureTimeout)
	outcome, again, err := w.eraseThere(limited, j)
	cancel()
	if ctx.Err() != nil {
		return nil // the worker stops: it comes again
	}
	now := w.now()
	switch {
	case err == nil && again > 0:
		return w.store.PostponeErasureJob(ctx, j.ID, now.Add(w.span(again)), true)
	case err == nil:
		return w.store.FinishErasureJob(ctx, j.ID, outcome, now)
	}
	next := now.Add(w.span(min(erasurePause<<min(j.Attempts-1, 12), longestErasure)))
	if next.After(j.GiveUpAt) {
		w.log.ErrorContext(ctx, "what an erasure has to do outside is given up", "erasure", j.ErasureID, "kind", j.Kind, "attempts", j.Attempts, "error", err)
		return w.store.FinishErasureJob(ctx, j.ID, outcomeGaveUp, now)
	}
	w.log.WarnContext(ctx, "what an erasure has to do outside came to nothing, trying again later", "erasure", j.ErasureID, "kind", j.Kind, "attempt", j.Attempts, "error", err)
	return w.store.PostponeErasureJob(ctx, j.ID, next, false)
}

// eraseThere does one job, once. Again is after how long (really) it is to be done once more although it went well.
func (w *Worker) eraseThere(ctx context.Context, j *crm.ErasureJob) (outcome string, again time.Duration, err error) {
	p := &j.Payload
	switch j.Kind {
	case crm.ErasureRun:
		err := w.temporal.SignalWorkflow(ctx, p.Workflow, "", workflows.SignalWake, workflows.Wake{N: p.Wake})
		if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
			return outcomeNobody, 0, nil
		}
		return outcomeDone, 0, wrap("signal workflow", err)
	case crm.ErasureCalendar:
		if w.bookings == nil {
			return outcomeNobody, 0, nil
		}
		if err := w.bookings.TakeOut(ctx, p.Meeting, p.Interviewer); err != nil {
			return "", 0, fmt.Errorf("take event out of calendar: %w", err)
		}
		if j.Passes == 0 {
			return "", w.bookings.Settles(), nil
		}
		return outcomeDone, 0, nil
	case crm.ErasureProvider:
		lists, ok := w.providers[crm.Email].(Lists)
		if !ok {
			return outcomeNobody, 0, nil
		}
		return outcomeDone, 0, wrap("tell provider", lists.Suppress(ctx, []string{p.Address}))
	case crm.ErasureATS:
		return w.tellATS(ctx, j)
	case crm.ErasureMail:
		outcome, err := w.callOff(ctx, j)
		return outcome, 0, err
	}
	return "", 0, fmt.Errorf("unknown kind of job %q", j.Kind)
}

// erasedNotice is what the applicant tracking system is sent, in the form of ats steps. Candidate is its own id of them.
type erasedNotice struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the erasure
	Data      struct {
		Candidate string `json:"candidate"`
		Mode      string `json:"mode"` // erase or anonymize
		Erasure   string `json:"erasure"`
	} `json:"data"`
}

func (w *Worker) tellATS(ctx context.Context, j *crm.ErasureJob) (outcome string, again time.Duration, err error) {
	notice := erasedNotice{Type: typeErased, Timestamp: j.Payload.At.UTC()}
	notice.Data.Candidate, notice.Data.Mode, notice.Data.Erasure = j.Payload.ExternalID, j.Payload.Mode, j.ErasureID
	text, err := json.Marshal(notice)
	if err != nil {
		return "", 0, fmt.Errorf("encode notice of erasure: %w", err)
	}
	result, err := w.caller.Client.Do(ctx, crm.Call{ATS: true, Key: j.ErasureID, Body: string(text)})
	if err != nil {
		return "", 0, fmt.Errorf("tell applicant tracking system: %w", err)
	}
	switch {
	case result.Outcome == crm.CallOK:
		return outcomeDone, 0, nil
	case result.Reason == noATS:
		return outcomeNobody, 0, nil
	}
	return "", 0, fmt.Errorf("tell applicant tracking system: %s", result.Reason)
}

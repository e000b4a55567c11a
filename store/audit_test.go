package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/store"
)

// exported is the whole log as an export, unsigned, with what is known of whom it is about.
func exported(t *testing.T, s *store.Store) []byte {
	t.Helper()
	span, err := s.AuditSpan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	head, err := span.Sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	if err := lines.Encode(head); err != nil {
		t.Fatal(err)
	}
	entries, err := s.AuditPage(t.Context(), span.First, span.Number, 1_000_000, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if err := lines.Encode(&entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// whole checks the log and returns what was found.
func whole(t *testing.T, s *store.Store) crm.AuditResult {
	t.Helper()
	result, err := crm.VerifyAudit(bytes.NewReader(exported(t, s)), crm.AuditCheck{Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func read(ids ...string) crm.AuditRecord {
	return crm.AuditRecord{Action: crm.AuditRead, Kind: "candidate", Parts: crm.About(ids...)}
}

func TestAuditChainsWhateverIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ana")
	ctx := crm.WithActor(t.Context(), "key_1")
	for _, r := range []crm.AuditRecord{
		read(id), {Action: crm.AuditRead, Kind: "a:b,c", Object: "Zürich\x00\xff", Detail: "12:34,"}, {Action: crm.AuditList, Kind: "", At: b.now().Add(123456789 * time.Nanosecond)},
	} {
		if err := b.Audit(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if got := whole(t, b.Store); got.Last != 3 || got.Openings != 1 {
		t.Errorf("checked %+v, want 3 entries and 1 opening", got)
	}
	about, _, err := b.ListAudit(t.Context(), &store.AuditFilter{Candidate: id, Actor: "key_1"})
	if err != nil || len(about) != 1 || about[0].Number != 1 || about[0].Openings[0].Value != id {
		t.Errorf("listed of the candidate: %+v, %v", about, err)
	}
}

func TestAuditBy100Writers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.open(t)
	ids := []string{b.candidate(t, "ana"), b.candidate(t, "ben"), b.candidate(t, "cem")}
	before := whole(t, b.Store).Last
	var wait sync.WaitGroup
	failed := make(chan error, 200)
	for i := range 100 {
		s := b.Store
		if i%2 == 1 {
			s = other
		}
		wait.Go(func() {
			ctx := crm.WithActor(t.Context(), fmt.Sprintf("key_%d", i))
			failed <- s.Audit(ctx, read(ids[i%3], ids[(i+1)%3]))
			_, err := s.UpsertCandidates(ctx, []store.Write{{
				Candidate: crm.Candidate{ID: ids[i%3], City: fmt.Sprintf("city %d", i)}, Consents: []crm.Consent{grant(fmt.Sprintf("p%d", i), crm.Email)},
			}}, b.now())
			failed <- err
		})
	}
	wait.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
	if got := whole(t, b.Store); got.Last-before != 200 {
		t.Errorf("%d entries, want 200", got.Last-before)
	}
}

func TestAuditOutlivesTheCandidate(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"erased", "merged"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ana, ben := b.candidate(t, "ana", grant("news", crm.Email)), b.candidate(t, "ben")
			if err := b.Audit(crm.WithActor(t.Context(), "key_1"), read(ana), read(ben, ana)); err != nil {
				t.Fatal(err)
			}
			before := exported(t, b.Store)
			if way == "merged" {
				if _, err := b.Merge(t.Context(), ana, ben, "lena", b.now(), nil); err != nil {
					t.Fatal(err)
				}
				about, _, err := b.ListAudit(t.Context(), &store.AuditFilter{Candidate: ben})
				if err != nil || len(about) != 3 {
					t.Errorf("the survivor has %d entries, want 3: %v", len(about), err)
				}
				ana = ben
			}
			b.eraseNow(t, ana)
			whole(t, b.Store)
			after := exported(t, b.Store)
			if bytes.Contains(after, []byte(ana)) {
				t.Errorf("the log still names them:\n%s", after)
			}
			if result, err := crm.VerifyAudit(bytes.NewReader(before), crm.AuditCheck{Whole: true}); err != nil || result.Openings != 3 {
				t.Errorf("who kept an export can no longer show whom it names: %+v, %v", result, err)
			}
			if err := b.Audit(t.Context(), read(ana)); err != nil {
				t.Fatal(err)
			}
			if result := whole(t, b.Store); way == "merged" && result.Openings != 0 {
				t.Errorf("%d openings of somebody who is gone", result.Openings)
			}
		})
	}
}

// eraseNow erases a candidate.
func (b *bundle) eraseNow(t *testing.T, id string) {
	t.Helper()
	if _, err := b.Erase(t.Context(), crm.Erasure{Candidate: id, Mode: crm.RetentionErase, Rule: "request", Reason: "request", By: "lena", At: b.now()}); err != nil {
		t.Fatal(err)
	}
}

func TestAuditOfChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ana", grant("news", crm.Email))
	ctx := crm.WithActor(t.Context(), "key_1")
	key, _, err := b.CreateKeyWithRoles(ctx, "ats", nil, []string{"recruiter"}, b.now())
	if err != nil {
		t.Fatal(err)
	}
	steps := []func() error{
		func() error { return b.RevokeKey(ctx, key, b.now()) },
		func() error {
			_, err := b.ApplyDefinitions(ctx, []crm.Document{{Kind: "sequence", Name: "nurture", Hash: "h1", Source: "x"}}, b.now())
			return err
		},
		func() error { return b.PauseDefinition(ctx, "nurture", true) },
		func() error {
			return b.Suppress(ctx, []store.OptOut{{Channel: crm.Email, Address: "ana@example.org", Reason: crm.SuppressedManual, At: b.now()}})
		},
		func() error {
			return b.Unsuppress(ctx, crm.Email, "ana@example.org", crm.SuppressedManual, "lena", b.now())
		},
		func() error {
			b.pass(time.Hour)
			_, err := b.UpsertCandidates(ctx, []store.Write{{Candidate: crm.Candidate{ID: id, LegalHold: true}, Consents: []crm.Consent{{Purpose: "news", Channel: crm.Email, Source: "lena"}}}}, b.now())
			return err
		},
		func() error {
			_, err := b.CreateInterviewer(ctx, store.InterviewerWrite{Interviewer: crm.Interviewer{Email: "ines@example.org"}}, "lena", b.now())
			return err
		},
		func() error {
			_, err := b.SetTimeOff(ctx, "ines@example.org", []crm.Span{{Start: b.now(), End: b.now().Add(time.Hour)}}, "lena", b.now())
			return err
		},
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	lines, _, err := b.ListAudit(t.Context(), &store.AuditFilter{Actor: "key_1"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range slices.Backward(lines) {
		got = append(got, strings.TrimSpace(l.Action+" "+l.Kind+" "+l.Detail))
	}
	want := []string{
		"create key recruiter", "remove key", "publish definition added version 1", "pause definition", "create suppression email manual",
		"remove suppression email manual", "hold candidate", "change consent", "change interviewer created", "change interviewer time_off",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	whole(t, b.Store)
	for _, l := range lines {
		l.Openings = nil
		if text := fmt.Sprintf("%+v", l); strings.Contains(text, id) || strings.Contains(text, "example.org") {
			t.Errorf("an entry names somebody: %s", text)
		}
	}
}

func TestAuditOnlyGrows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Audit(t.Context(), read(b.candidate(t, "ana"))); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{"update audit_log set actor = 'x'", "delete from audit_log", "truncate audit_log"} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s was let through", sql)
		}
	}
	if _, err := conn.Exec(t.Context(), "set rapport.break_glass = 'a test'; update audit_log set actor = 'x'"); err != nil {
		t.Errorf("the glass does not break: %v", err)
	}
	if _, err := crm.VerifyAudit(bytes.NewReader(exported(t, b.Store)), crm.AuditCheck{}); err == nil {
		t.Error("what was changed behind the glass was not found")
	}
}

func TestAuditOfAReadOfWhoIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Audit(t.Context(), read("cnd_nobody")); err != nil {
		t.Fatal(err)
	}
	if got := whole(t, b.Store); got.Openings != 0 || got.Last != 1 {
		t.Errorf("%+v, want an entry that nothing opens", got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Audit(gone, read("cnd_nobody")); err == nil {
		t.Error("whoever gives up is told that it was written")
	}
}

func BenchmarkAuditRead(b *testing.B) {
	for _, parallel := range []int{1, 50} {
		b.Run(fmt.Sprintf("readers=%d", parallel), func(b *testing.B) {
			s, err := store.Open(b.Context(), postgrestest.New(b, "store", store.Migrate), store.Options{MaxConns: 8})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(s.Close)
			b.SetParallelism(parallel)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if err := s.Audit(b.Context(), read("cnd_nobody")); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// An entry about a whole page of people costs what it writes: it leaves no temporary files.
func TestAuditOfManyPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	writes := make([]store.Write, 500)
	for i := range writes {
		writes[i].Candidate.ExternalID = strconv.Itoa(i)
	}
	done, err := b.UpsertCandidates(t.Context(), writes, b.now())
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(done))
	for i := range done {
		ids[i] = done[i].ID
	}
	u, err := url.Parse(b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("temp_file_limit", "64kB")
	u.RawQuery = query.Encode()
	s, err := store.Open(t.Context(), u.String(), store.Options{Now: b.now, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Audit(t.Context(), crm.AuditRecord{Action: crm.AuditList, Kind: "candidates", Parts: crm.About(ids...)}); err != nil {
		t.Error(err)
	}
	if result := whole(t, b.Store); result.Openings != len(ids) {
		t.Errorf("%d openings, want %d", result.Openings, len(ids))
	}
}

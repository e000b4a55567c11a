package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, secret, err := b.CreateKey(t.Context(), "career site", []string{"events:write"}, b.now())
	if err != nil || !strings.HasPrefix(secret, "rk_") || !crm.HasPrefix(id, crm.PrefixKey) {
		t.Fatalf("made %s, %s, %v", id, secret, err)
	}
	_, other, err := b.CreateKey(t.Context(), "admin", nil, b.now())
	if err != nil || other == secret {
		t.Fatalf("made %s, %v", other, err)
	}
	b.pass(time.Hour)
	key, err := b.KeyBySecret(t.Context(), secret)
	if err != nil || key.ID != id || key.Name != "career site" || !slices.Equal(key.Scopes, []string{"events:write"}) {
		t.Errorf("the key is %+v, %v", key, err)
	}
	used := b.now()
	lastUsed := func() time.Time {
		t.Helper()
		keys, err := b.ListKeys(t.Context())
		if err != nil || len(keys) != 2 {
			t.Fatalf("keys are %+v, %v", keys, err)
		}
		return keys[slices.IndexFunc(keys, func(k store.Key) bool { return k.ID == id })].LastUsedAt
	}
	b.pass(30 * time.Second)
	if _, err := b.KeyBySecret(t.Context(), secret); err != nil || !lastUsed().Equal(used) {
		t.Errorf("last used %v, %v, want %v still", lastUsed(), err, used)
	}
	b.pass(31 * time.Second)
	if _, err := b.KeyBySecret(t.Context(), secret); err != nil || !lastUsed().Equal(b.now()) {
		t.Errorf("last used %v, %v, want %v", lastUsed(), err, b.now())
	}

	part := strings.Split(secret, "_")[1]
	for name, wrong := range map[string]string{
		"empty": "", "no prefix": secret[3:], "another secret": "rk_" + part + "_" + strings.Repeat("a", 26), "only the id": "rk_" + part,
		"the id of nobody": "rk_" + strings.Repeat("0", 26) + "_x", "the key id": id,
	} {
		if _, err := b.KeyBySecret(t.Context(), wrong); crm.CodeOf(err) != crm.CodeNotFound {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for range 2 {
		if err := b.RevokeKey(t.Context(), id, b.now()); err != nil {
			t.Fatal(err)
		}
	}
	_, err = b.KeyBySecret(t.Context(), secret)
	wantCode(t, err, crm.CodeNotFound)
	wantCode(t, b.RevokeKey(t.Context(), "key_none", b.now()), crm.CodeNotFound)
}

func TestSetting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := make([]string, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			value, err := b.Setting(t.Context(), "admin", func() (string, error) { return fmt.Sprint("value ", i), nil })
			if err != nil {
				t.Error(err)
			}
			got[i] = value
		})
	}
	wg.Wait()
	if got[0] == "" || len(slices.Compact(got)) != 1 {
		t.Errorf("got %v, want one value", got)
	}
	broken := errors.New("no entropy")
	if _, err := b.Setting(t.Context(), "other", func() (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	b.enroll(t, id, "other")
	b.plan(t, run, "thanks", crm.Email)
	b.exec(t, "update enrollments set wake = wake + 1 where id = $1", run)
	b.receive(t, b.event("page.viewed", id, nil), b.event("page.viewed", "unknown", nil))
	b.pass(time.Minute)
	got, err := b.Counts(t.Context())
	want := store.Counts{PendingEvents: 1, Starting: 1, Unsignalled: 1, PlannedMessages: 1, OldestPending: time.Minute}
	if err != nil || got != want {
		t.Errorf("counts are %+v, %v, want %+v", got, err, want)
	}
}

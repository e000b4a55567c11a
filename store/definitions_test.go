package store_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/rapport-crm/rapport/crm"
)

func sequence(name, content string) crm.Document {
	return crm.Document{Kind: "sequence", Name: name, Hash: "hash of " + content, Source: content, File: name + ".yaml", Line: 3}
}

func (b *bundle) apply(t *testing.T, docs ...crm.Document) []string {
	t.Helper()
	applied, err := b.ApplyDefinitions(t.Context(), docs, b.now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range applied {
		got = append(got, fmt.Sprintf("%s/%s%s v%d %s", a.Kind, a.Name, a.Locale, a.Version, a.Status))
	}
	return got
}

func TestApplyDefinitions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	generation := func() int64 {
		t.Helper()
		g, err := b.DefinitionsGeneration(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	message := crm.Document{Kind: "message", Name: "thanks", Locale: "cy", Hash: "hash of diolch", Source: "diolch"}
	for i, step := range []struct {
		docs []crm.Document
		want []string
		news bool
	}{
		{[]crm.Document{sequence("a", "one"), message}, []string{"sequence/a v1 added", "message/thankscy v1 added"}, true},
		{[]crm.Document{sequence("a", "one")}, []string{"sequence/a v1 unchanged"}, false},
		{[]crm.Document{sequence("a", "two"), sequence("b", "two")}, []string{"sequence/a v2 changed", "sequence/b v1 added"}, true},
		{[]crm.Document{sequence("a", "one")}, []string{"sequence/a v1 changed"}, true},
		{[]crm.Document{sequence("a", "three")}, []string{"sequence/a v3 changed"}, true},
		{
			[]crm.Document{{Kind: "pool", Name: "a", Hash: "pool a"}, {Kind: "survey", Name: "a", Hash: "survey a"}},
			[]string{"pool/a v1 added", "survey/a v1 added"},
			true,
		},
	} {
		before := generation()
		if got := b.apply(t, step.docs...); !slices.Equal(got, step.want) {
			t.Errorf("step %d: got %v, want %v", i, got, step.want)
		}
		if raised := generation() > before; raised != step.news {
			t.Errorf("step %d: the generation was raised: %v, want %v", i, raised, step.news)
		}
	}

	active, g, err := b.ActiveDefinitions(t.Context())
	if err != nil || g != generation() || len(active) != 5 {
		t.Fatalf("active are %+v of generation %d, %v", active, g, err)
	}
	if a := active[2]; a.Name != "a" || a.Version != 3 || a.Source != "three" || !a.Active || a.File != "a.yaml" || a.Line != 3 || !a.CreatedAt.Equal(b.now()) {
		t.Errorf("in force is %+v", a)
	}
	everything, err := b.ListDefinitions(t.Context())
	if err != nil || len(everything) != 7 {
		t.Errorf("there are %d versions, %v, want 7", len(everything), err)
	}
	for _, test := range []struct {
		version int
		want    string
	}{{0, "three"}, {2, "two"}} {
		d, err := b.Definition(t.Context(), "sequence", "a", "", test.version)
		if err != nil || d.Source != test.want {
			t.Errorf("version %d is %+v, %v", test.version, d, err)
		}
	}
	old, err := b.DefinitionByHash(t.Context(), "hash of one")
	if err != nil || old.Version != 1 || old.Active {
		t.Errorf("by hash: %+v, %v", old, err)
	}
	_, err = b.DefinitionByHash(t.Context(), "none")
	wantCode(t, err, crm.CodeNotFound)
	_, err = b.Definition(t.Context(), "sequence", "a", "", 9)
	wantCode(t, err, crm.CodeNotFound)
}

func TestApplyConcurrently(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := b.ApplyDefinitions(t.Context(), []crm.Document{sequence("a", strconv.Itoa(i)), sequence("b", "same")}, b.now()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := b.ListDefinitions(t.Context())
	if err != nil || len(all) != 9 || all[0].Version != 8 {
		t.Errorf("there are %d versions, the last is %+v, %v", len(all), all[0], err)
	}
}

func TestPauseDefinition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(t, sequence("nurture", "one"))
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	message := b.plan(t, run, "thanks", crm.Email)
	if err := b.PauseDefinition(t.Context(), "nurture", true); err != nil {
		t.Fatal(err)
	}
	if got := b.run(t, run); !got.Held || got.Wake != 0 {
		t.Errorf("the run is %+v, want held and not woken", got)
	}
	if claims := b.claimAll(t); len(claims) != 0 {
		t.Errorf("claimed %d messages of a paused sequence", len(claims))
	}
	b.decide(t, run, func(f *crm.Facts, _ *crm.Decision) {
		if !f.Enrollment.Held {
			t.Error("a decision does not see that the sequence is paused")
		}
	})
	b.apply(t, sequence("nurture", "two")) // publishing does not resume
	if got := b.run(t, run); !got.Held {
		t.Error("a new version resumed the sequence")
	}
	if err := b.PauseDefinition(t.Context(), "nurture", false); err != nil {
		t.Fatal(err)
	}
	if got := b.run(t, run); got.Held || got.Wake != 1 {
		t.Errorf("the run is %+v, want woken and not held", got)
	}
	if claims := b.claimAll(t); len(claims) != 1 || claims[0].Message.ID != message {
		t.Errorf("claimed %+v, want the message that was held back", claims)
	}
	wantCode(t, b.PauseDefinition(t.Context(), "none", true), crm.CodeNotFound)
}

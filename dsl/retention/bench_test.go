package retention_test

import "testing"

// BenchmarkJudge holds one candidate against ten policies.
func BenchmarkJudge(b *testing.B) {
	policies := []string{maximum("a", "6mo", decision, asks), minimum("m", "1y", activity)}
	for _, name := range []string{"c", "d", "e", "f", "g", "h", "i", "j"} {
		policies = append(policies, maximum(name, "1y", decision, `applies_to: candidate.country == "FR" && candidate.status == "rejected"`))
	}
	r, c, now := rules(b, documents(policies...)), rejected(b), on(b, "2026-07-16T03:00")
	b.ReportAllocs()
	for b.Loop() {
		if v := r.Judge(c, now); !v.Conflict {
			b.Fatal(v.Explain())
		}
	}
}

package bench_test

import (
	"fmt"
	"testing"
	"time"
)

func (in *installation) xacts(b *testing.B) map[string]int {
	m := map[string]int{}
	time.Sleep(1200 * time.Millisecond)
	rows, _ := in.pool.Query(b.Context(), `select datname, xact_commit from pg_stat_database where datname is not null`)
	for rows.Next() {
		var n string
		var c int
		rows.Scan(&n, &c)
		m[n] = c
	}
	return m
}

func BenchmarkZZ(b *testing.B) {
	for b.Loop() {
		in := install(b)
		in.publish(b, touches(3, "1s"))
		in.candidates(b, enrollments)
		h := in.workByHand(b)
		x0 := in.xacts(b)
		hand := in.enrollByHand(b, h)
		x1 := in.xacts(b)
		in.work(b)
		ours := in.enroll(b)
		x2 := in.xacts(b)
		fmt.Println("hand", hand, "ours", ours)
		for k := range x2 {
			fmt.Println(k, "hand", float64(x1[k]-x0[k])/enrollments, "ours", float64(x2[k]-x1[k])/enrollments)
		}
	}
}

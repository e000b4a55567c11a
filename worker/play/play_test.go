package play_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

func TestX(t *testing.T) {
	var files []dsl.File
	for _, n := range []string{"workspace", "silver-medallist-nurses", "application-acknowledged"} {
		b, err := os.ReadFile(filepath.Join("/work/shared/examples", n+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, dsl.File{Path: n, Text: b})
	}
	set, problems := dsl.Check(files, nil)
	if set == nil {
		t.Fatal(problems)
	}
	for _, test := range set.Tests {
		begin := time.Now()
		tl, err := play.On(set, test.Of).Play(t.Context(), play.PartOf(test))
		if err != nil {
			t.Error(test.Name, err)
			continue
		}
		rows, ok := play.Compare(test.Expect, tl)
		fmt.Println(test.Name, ok, time.Since(begin))
		for _, r := range rows {
			if r.Got != nil {
				fmt.Println("   ", r.OK, r.Want != nil, r.Got.At.In(r.Got.Zone).Format("Mon 2006-01-02 15:04:05.000000"), r.Got.Kind, r.Got.Name, r.Got.Reason, r.Got.Text, r.Got.Problem)
			} else {
				fmt.Println("   ", r.OK, r.Want.Kind, r.Want.Name)
			}
		}
	}
}

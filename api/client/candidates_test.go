package client_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

func TestImportReadsAnyTable(t *testing.T) {
	t.Parallel()
	const plain = "external_id,first_name,skills,tags\nA-1,Ann,Go;SQL,\"x|y\"\nA-2,\"Bo \"\"B\"\" Lee\",,\n"
	for name, text := range map[string]string{
		"plain":               plain,
		"no newline at end":   strings.TrimSuffix(plain, "\n"),
		"byte order mark":     "\ufeff" + plain,
		"Windows":             strings.ReplaceAll(plain, "\n", "\r\n"),
		"old Mac":             strings.ReplaceAll(plain, "\n", "\r"),
		"empty lines":         strings.ReplaceAll(plain, "\n", "\n\n"),
		"other names":         strings.Replace(plain, "external_id,first_name", "Candidate ID,Given name", 1),
		"upper case, spaces":  strings.Replace(plain, "external_id,first_name", `" EXTERNAL-ID ",FIRST_NAME`, 1),
		"extra empty columns": strings.ReplaceAll(plain, "\nA-1,Ann,Go;SQL,\"x|y\"", "\nA-1,Ann,Go;SQL,\"x|y\",,"),
		"semicolons":          "external_id;first_name;skills;tags\nA-1;Ann;Go|SQL;x|y\nA-2;\"Bo \"\"B\"\" Lee\";;\n",
		"tabs":                "external_id\tfirst_name\tskills\ttags\nA-1\tAnn\tGo;SQL\tx|y\nA-2\t\"Bo \"\"B\"\" Lee\"\t\t\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			summary, err := w.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{})
			if err != nil || summary.Created != 2 || summary.Rows != 2 {
				t.Fatalf("%+v, %v", summary, err)
			}
			ann, err := w.Candidate(t.Context(), "A-1")
			if err != nil || ann.FirstName != "Ann" || len(ann.Skills) != 2 || len(ann.Tags) != 2 {
				t.Errorf("%+v, %v", ann, err)
			}
			if bo, err := w.Candidate(t.Context(), "A-2"); err != nil || bo.FirstName != `Bo "B" Lee` {
				t.Errorf("%+v, %v", bo, err)
			}
		})
	}
}

func TestImportTakesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := "external_id,E-mail,mobile,time_zone,locale,country,consents,consented_at,consent_wording,created_at,last_activity_at,shoe size\n" +
		`A,sarah@example.org,+44 (0)7700 900-123,Europe/London,en-GB,GB,talent-community:email+sms;job-alerts,2025-05-04T23:40:00+02:00,"Yes,` + "\nplease\"" + `,2024-01-02,2026-02-03 04:05:06,38` + "\n"
	var done []int64
	summary, err := w.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{Progress: func(n, total int64) { done = append(done, n, total) }})
	if err != nil || summary.Created != 1 || len(summary.Warnings) != 1 || !strings.Contains(summary.Warnings[0], "shoe size") {
		t.Fatalf("%+v, %v", summary, err)
	}
	if last := len(done) - 1; done[last] != int64(len(text)) || done[last-1] != int64(len(text)) {
		t.Errorf("progress %v, want to end at %d", done, len(text))
	}
	c, err := w.Candidate(t.Context(), "A")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Email, c.Phone, c.TimeZone, c.Locale, c.Country, c.CreatedAt.Format("2006-01-02"), c.LastActivityAt.Format("15:04"))
	if got != "sarah@example.org+447700900123Europe/Londonen-GBGB2024-01-0204:05" {
		t.Errorf("got %s", got)
	}
	var consents []string
	for _, line := range c.Consents {
		consents = append(consents, fmt.Sprint(line.Purpose, line.Channel, line.Granted, line.Source, line.Wording, line.At.Format("01-02 15:04")))
	}
	for _, want := range []string{"talent-communityemailtrueimportYes,\nplease05-04 21:40", "talent-communitysmstrueimportYes,\nplease05-04 21:40", "job-alertsemailtrueimportYes,\nplease05-04 21:40"} {
		if !strings.Contains(strings.Join(consents, "|"), want) {
			t.Errorf("consents %q lack %q", consents, want)
		}
	}
}

func TestImportRejectsRowsAndGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := strings.Join([]string{
		"external_id,first_name,email,phone,created_at,time_zone",
		"A,Ann,ann@example.org,,,",                   // 2
		"B,Bo,not an address,07700,,Mars/Base",       // 3
		"C,Cy",                                       // 4
		",Di,,,,",                                    // 5
		"E,\xff\xfe,,,,",                             // 6
		`F,Fa "5" x,f@example.org,,,`,                // 7
		"G,Gus,,,yesterday,",                         // 8
		`H,"never closed,h@example.org,,,`,           // 9
		"I,Ida,ida@example.org,,,",                   // 10
		",Jo,Jo@Example.org,,,",                      // 11
		"=cmd,Kit,k,,,",                              // 12
		",,,+447700900123,,",                         // 13
		"L," + strings.Repeat("x", 300<<10) + ",,,,", // 14
		"M,Mo,,,,",                                   // 15
	}, "\n")
	var out bytes.Buffer
	summary, err := w.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{Report: &out, BatchSize: 3})
	if err != nil || summary.Rows != 14 || summary.Created != 5 || summary.Rejected != 9 {
		t.Fatalf("%+v, %v", summary, err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, row := range rows[1:] {
		reasons[row[0]] = row[1]
		if strings.HasPrefix(row[2], "=") {
			t.Errorf("a spreadsheet would run %q", row[2])
		}
	}
	for number, part := range map[string]string{
		"3": "time_zone: it is not a time zone like Europe/London (IANA); phone: it has no country code", "4": "2 fields", "5": "neither an external id", "6": "UTF-8",
		"7": "quote", "8": "created_at", "9": "quote", "12": "email", "14": "longer",
	} {
		if !strings.Contains(reasons[number], part) {
			t.Errorf("row %s: %q, want %q", number, reasons[number], part)
		}
		delete(reasons, number)
	}
	if len(reasons) > 0 {
		t.Errorf("also rejected: %v", reasons)
	}
	again, err := w.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{})
	want := client.ImportSummary{Rows: 14, Unchanged: 5, Rejected: 9}
	if diff := cmp.Diff(want, again); diff != "" || err != nil {
		t.Errorf("the same again: %v (-want +got):\n%s", err, diff)
	}
	for _, id := range []string{"email:jo@example.org", "phone:+447700900123"} {
		if _, err := w.Candidate(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestImportRefusesWhatIsNoTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, text := range map[string]string{
		"empty": "", "no names": "Ann,ann@example.org\nBo,bo@example.org\n", "a column twice": "email,E-mail\na,b\n", "UTF-16": "\xff\xfee\x00m\x00",
	} {
		if _, err := w.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{}); err == nil {
			t.Errorf("%s was imported", name)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add("external_id,first_name\nA,\"x\ny\"\n")
	f.Add("email\r\"a\"\"\r,\x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		nobody := client.New("http://127.0.0.1:1", "rk") // rows are read before any is sent
		nobody.Patience = 0
		summary, err := nobody.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{})
		if err == nil && summary.Rows != summary.Rejected {
			t.Errorf("rows were imported by nobody: %+v", summary)
		}
		if err != nil && crm.CodeOf(err) == crm.CodeUnavailable && summary.Rows == summary.Rejected {
			t.Errorf("nothing was to be sent: %+v, %v", summary, err)
		}
	})
}

func TestImportReadsNumbersAsDialled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := strings.Join([]string{
		"phone,country,first_name",
		"07700 900 123,,Ann",          // the file's country
		"+44 (0)7700-900-123,,Ann",    // the same number
		"06 12 34 56 78,FR,Bo",        // the row's country
		"0049 151 12345678,,Cy",       // abroad
		"12,,Di",                      // too short
		"020 7946 0000,,Landline Edi", // kept, though it gets no texts
	}, "\n")
	var out bytes.Buffer
	summary, err := w.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{Report: &out, Country: "GB", BatchSize: 1})
	if err != nil || summary.Created != 4 || summary.Rejected != 1 || !strings.Contains(out.String(), "phone: it has too few digits") {
		t.Fatalf("%+v, %v, report %s", summary, err, out.String())
	}
	for number, country := range map[string]string{"+447700900123": "", "+33612345678": "FR", "+4915112345678": "", "+442079460000": ""} {
		c, err := w.Candidate(t.Context(), "phone:"+number)
		if err != nil || c.Phone != number || c.Country != country {
			t.Errorf("%s: %q of %q, %v", number, c.Phone, c.Country, err)
		}
	}
}

// A candidate counts for more than a text: a number that nobody can read is kept as it is written, and told.
func TestImportKeepsNumbersThatNobodyCanRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := "external_id,email,phone,country\nA,,+336399811257,FR\n,bo@example.org,call me,\n,,+336399811257,FR\nC,,+33612345678,FR\n"
	for _, want := range []client.ImportSummary{{Rows: 4, Created: 3, Unread: 2, Rejected: 1}, {Rows: 4, Unchanged: 3, Unread: 2, Rejected: 1}} {
		var out bytes.Buffer
		got, err := w.ImportCandidates(t.Context(), strings.NewReader(text), client.ImportOptions{Report: &out})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		for _, line := range []string{
			"2,phone: it has too many digits for its country. The row was imported; nothing is texted to this number,", `3,"phone: it is not a telephone number`,
			"4,phone: it has too many digits for its country,",
		} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("the report does not say %q:\n%s", line, out.String())
			}
		}
	}
	for id, number := range map[string]string{"A": "+336399811257", "email:bo@example.org": "call me", "C": "+33612345678"} {
		if c, err := w.Candidate(t.Context(), id); err != nil || c.Phone != number {
			t.Errorf("%s has %q, %v", id, c.Phone, err)
		}
	}
}

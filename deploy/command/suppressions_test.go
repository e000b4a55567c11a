package command_test

import (
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/deploy/command"
)

func TestReadSuppressions(t *testing.T) {
	t.Parallel()
	items, err := command.ReadSuppressions(strings.NewReader("\ufeffEmail,phone,reason,at\na@b.example,,,\n,+447700900123,stop,2026-01-02T03:04:05Z\n"))
	if err != nil || len(items) != 2 || items[0].Reason != "manual" || items[1].Channel != "sms" || items[1].At.Year() != 2026 {
		t.Errorf("read %+v, %v", items, err)
	}
	_, err = command.ReadSuppressions(strings.NewReader("email,phone,reason,at\nx,,,\n,,,\na@b.example,+44,,\n\na@b.example,,because,\na@b.example,,,yesterday\n"))
	for _, want := range []string{"line 2: the email address has no @", "line 3: it has neither", "line 4: it has an email address and a number", `line 6: "because" is no reason`, "line 7: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	if _, err := command.ReadSuppressions(strings.NewReader("")); err == nil {
		t.Error("an empty file is read")
	}
}

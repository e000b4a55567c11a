package crm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
)

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	link := crm.CalendarLink{ID: "cal_1", Secret: "hunter2"}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.InfoContext(t.Context(), "connected", "link", link, "secret", link.Secret)
	slog.New(slog.NewTextHandler(&log, nil)).InfoContext(t.Context(), "connected", "link", link, "secret", link.Secret)
	encoded, err := json.Marshal(link) //nolint:musttag // by mistake, as this test fears
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %q %x %v", link, link, link, link.Secret, link.Secret, link.Secret, &link)
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(shown, "(secret)") {
		t.Errorf("shown: %s", shown)
	}
	if string(link.Secret) != "hunter2" || fmt.Sprint(crm.Secret("")) != "" {
		t.Error("a secret is what it is")
	}
}

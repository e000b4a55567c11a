package embedded

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/deploy/service"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store/seal"
)

// Config is what `rapport up` is told.
type Config struct {
	Data       string // the folder that holds everything
	Ports      Ports
	PublicURL  string             // where providers and candidates reach the API; empty: the local address
	Providers  service.Providers  // empty: the sandbox
	Inbound    string             // the domain whose mail is posted to the API; empty: none
	Tracking   string             // who notices opens and clicks, as service.Config has it
	Calls      call.Config        // which hosts call steps may reach; without an ATS, the sandbox
	Calendars  service.Calendars  // how people's calendars are reached
	Seal       seal.Keys          // of what opens calendars; without a key, one that is kept in the data folder
	Receipts   ed25519.PrivateKey // that signs receipts of erasures; nil: one that is kept in the data folder
	ErasureLog string             // the file in which erasures are kept beside the database; empty: one in the data folder
	SMSNumbers []string           // that the sandbox's Twilio account owns, E.164
	TimeScale  float64            // virtual seconds per real one; 0 is 1. Sandbox only
	Demo       bool               // apply the examples, import a few candidates and play what they do
	Out        io.Writer          // where the addresses are printed
	Log        *slog.Logger
}

// Ports are the ports on 127.0.0.1 that the parts listen on.
type Ports struct {
	API, Sandbox, TemporalUI, Temporal, Postgres int
}

// ParseTimeScale reads a scale such as "1d=10s": a day passes in ten seconds. Empty is real time.
func ParseTimeScale(s string) (float64, error) {
	if s == "" {
		return 1, nil
	}
	virtual, actual, ok := strings.Cut(s, "=")
	v, errV := exact(virtual)
	r, errR := exact(actual)
	if !ok || errV != nil || errR != nil || v < r {
		return 0, fmt.Errorf("time scale %q is not understood: write it as 1d=10s, a day of Rapport's time in ten real seconds", s)
	}
	return float64(v) / float64(r), nil
}

func exact(s string) (time.Duration, error) {
	d, err := dsl.ParseDuration(s)
	total := d.Exact + time.Duration(d.Days)*24*time.Hour
	if err == nil && (total <= 0 || d.Months != 0 || d.BusinessDays != 0) {
		err = fmt.Errorf("no exact duration: %q", s)
	}
	return total, err
}

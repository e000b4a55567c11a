package command

import (
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rapport-crm/rapport/activities/call"
)

// calls are the flags of what call and ats steps may reach.
type calls struct {
	hosts []string
	ats   call.ATS
}

func (c *calls) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&c.hosts, "call-hosts", nil, "hosts that call steps may reach, such as hooks.example.com or *.example.com; their secrets are RAPPORT_SECRET_<NAME>")
	f.StringVar(&c.ats.URL, "ats-url", "", "where ats steps tell the applicant tracking system of changes; RAPPORT_ATS_SECRET signs them")
	f.BoolVar(&c.ats.Private, "ats-private", false, "let --ats-url be at a private address, and plain HTTP")
}

// config reads the secrets from the environment, where no list of processes shows them: the secret crm-hook of a call step is
// RAPPORT_SECRET_CRM_HOOK. What signs for the applicant tracking system is not among those, so that no step can send it.
func (c *calls) config() call.Config {
	config := call.Config{Hosts: c.hosts, Secrets: map[string]string{}, ATS: c.ats}
	config.ATS.Secret = os.Getenv("RAPPORT_ATS_SECRET")
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if secret, ok := strings.CutPrefix(name, "RAPPORT_SECRET_"); ok {
			config.Secrets[strings.ToLower(strings.ReplaceAll(secret, "_", "-"))] = value
		}
	}
	return config
}

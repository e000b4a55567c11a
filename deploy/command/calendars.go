package command

import (
	"os"

	"github.com/spf13/pflag"

	"github.com/rapport-crm/rapport/deploy/service"
)

// calendarFlags are those of how people's calendars are reached.
func calendarFlags(f *pflag.FlagSet, c *service.Calendars) {
	f.BoolVar(&c.Private, "calendar-private", false, "let CalDAV servers and feeds be at private addresses, and plain HTTP")
	f.StringVar(&c.Google.ID, "google-client-id", "", "client id of the OAuth app for Google calendars; its secret is RAPPORT_GOOGLE_CLIENT_SECRET")
	f.StringVar(&c.Microsoft.ID, "microsoft-client-id", "", "client id of the OAuth app for Microsoft calendars; its secret is RAPPORT_MICROSOFT_CLIENT_SECRET")
	f.StringVar(&c.Tenant, "microsoft-tenant", "", "the organization whose accounts connect, as an id or a domain; empty: any")
}

// calendarSecrets reads the apps' secrets from the environment, where no list of processes shows them.
func calendarSecrets(c service.Calendars) service.Calendars {
	c.Google.Secret = os.Getenv("RAPPORT_GOOGLE_CLIENT_SECRET")
	c.Microsoft.Secret = os.Getenv("RAPPORT_MICROSOFT_CLIENT_SECRET")
	return c
}

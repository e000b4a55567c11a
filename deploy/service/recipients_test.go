package service_test

import (
	"slices"
	"testing"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/deploy/service"
)

// Who gets data by the settings stands in the record of processing; the sandbox is nobody.
func TestRecipients(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config service.Config
		want   []string
	}{
		"nobody":            {service.Config{}, nil},
		"both providers":    {service.Config{Providers: service.Providers{SendGridKey: "k", TwilioAccount: "a"}}, []string{"sendgrid", "twilio"}},
		"the sandbox":       {service.Config{Providers: service.Providers{SendGridKey: "k", SendGridURL: "http://127.0.0.1:8421", TwilioAccount: "a", TwilioURL: "http://localhost:8421"}}, nil},
		"another region":    {service.Config{Providers: service.Providers{SendGridKey: "k", SendGridURL: "https://api.eu.sendgrid.com"}}, []string{"sendgrid"}},
		"a mail server":     {service.Config{Providers: service.Providers{SendGridKey: "k", MailServer: "smtp://mail.trust.example:587"}}, []string{"smtp"}},
		"an ATS":            {service.Config{Calls: call.Config{ATS: call.ATS{URL: "https://ats.trust.example"}}}, []string{"ats"}},
		"the sandbox's ATS": {service.Config{Calls: call.Config{ATS: call.ATS{URL: "http://127.0.0.1:8421/ats"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := service.Recipients(&c.config); !slices.Equal(got, c.want) {
				t.Errorf("recipients are %v, want %v", got, c.want)
			}
		})
	}
}

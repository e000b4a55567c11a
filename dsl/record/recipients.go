package record

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// recipientEmail stands for who carries mail, where neither the settings nor the workspace say who that is.
const recipientEmail = "email"

// defaultsFor says what known recipients do.
func defaultsFor(id string) string {
	return map[string]string{
		recipientEmail: "carries email", dsl.RecipientSendGrid: "carries email", dsl.RecipientSMTP: "carries email", dsl.RecipientTwilio: "carries text messages",
		dsl.RecipientATS: "the applicant tracking system: is told of changes", dsl.RecipientCalendars: "calendars of interviewers: hold the appointments",
	}[id]
}

// hands tells whether the settings hand data to a recipient; without a server, whether they may.
func (m *maker) hands(id string) bool {
	return m.server == nil || slices.Contains(m.server.Recipients, id)
}

// mailers are those who carry email. Without a server they are those of which the workspace speaks.
func (m *maker) mailers() []string {
	both := []string{dsl.RecipientSMTP, dsl.RecipientSendGrid}
	if m.server != nil {
		return slices.DeleteFunc(both, func(id string) bool { return !m.hands(id) })
	}
	both = slices.DeleteFunc(both, func(id string) bool { _, said := m.ws.Recipients[id]; return !said })
	if len(both) == 0 {
		return []string{recipientEmail}
	}
	return both
}

// carriers are those who carry messages.
func (m *maker) carriers() []string { return append(m.mailers(), dsl.RecipientTwilio) }

// recipientsOf lists to whom a definition hands data.
func (m *maker) recipientsOf(reads *dsl.Reads) []string {
	ids := append([]string{}, reads.Hosts...)
	if slices.Contains(reads.Channels, string(crm.Email)) {
		ids = append(ids, m.mailers()...)
	}
	for id, does := range map[string]bool{
		dsl.RecipientTwilio: slices.Contains(reads.Channels, string(crm.SMS)), dsl.RecipientATS: reads.ATS, dsl.RecipientCalendars: reads.Meets,
	} {
		if does && m.hands(id) {
			ids = append(ids, id)
		}
	}
	return byName(ids)
}

// reached lists those whom an erasure reaches beside Rapport itself: lists of suppressions and the applicant tracking system.
func (m *maker) reached() []string {
	var ids []string
	for _, id := range []string{dsl.RecipientSendGrid, dsl.RecipientATS} {
		_, said := m.ws.Recipients[id]
		if m.server != nil && m.hands(id) || m.server == nil && said {
			ids = append(ids, id)
		}
	}
	return ids
}

// recipients lists all who get data: by a definition, by the settings, or by what the workspace says.
func (m *maker) recipients() {
	used := map[string][]string{}
	for i := range m.out.Activities {
		a := &m.out.Activities[i]
		for _, id := range a.Recipients {
			used[id] = append(used[id], a.Kind+" "+a.Name)
		}
	}
	names := map[string]bool{}
	for id := range used {
		names[id] = true
	}
	for id := range m.ws.Recipients {
		names[id] = true
	}
	if m.server != nil {
		for _, id := range m.server.Recipients {
			names[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		m.recipient(id, used[id])
	}
}

func (m *maker) recipient(id string, used []string) {
	said := m.ws.Recipients[id]
	r := Recipient{ID: id, Name: said.Name, For: said.For, Country: said.Country, Safeguard: said.Safeguard, UsedBy: byName(used)}
	if r.For == "" {
		r.For = defaultsFor(id)
	}
	m.out.Recipients = append(m.out.Recipients, r)
	where := fmt.Sprintf("`recipients: {%s: {%%s: ..}}` in the workspace", id)
	if id == recipientEmail {
		m.missing("Art. 30(1)(d)", "Who carries email.", "`recipients: {sendgrid: {..}}` or `recipients: {smtp: {..}}` in the workspace, with name and country")
		return
	}
	if r.Name == "" {
		m.missing("Art. 30(1)(d)", fmt.Sprintf("Who %s is, by the legal name.", id), fmt.Sprintf(where, "name"))
	}
	switch {
	case r.Country == "":
		m.missing("Art. 30(1)(e)", fmt.Sprintf("In which country %s processes the data.", id), fmt.Sprintf(where, "country"))
	case third(r.Country, m.ws.Controller.Country):
		m.out.Transfers = append(m.out.Transfers, Transfer{Recipient: id, Country: r.Country, Safeguard: r.Safeguard})
		if r.Safeguard == "" {
			m.missing("Art. 30(1)(e)", fmt.Sprintf("What protects data that leave for %s in %s.", id, r.Country), fmt.Sprintf(where, "safeguard"))
		}
	}
}

// third tells whether a country is a third country to a controller's: outside the European Economic Area, or for a controller who is outside it
// too, any other country, as the UK GDPR has it. Of a controller whose country is not known the first is assumed.
func third(country, controller string) bool {
	area := []string{
		"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL",
		"NO", "PL", "PT", "RO", "SE", "SI", "SK",
	}
	if controller == "" || slices.Contains(area, controller) {
		return !slices.Contains(area, country)
	}
	return country != controller
}

package worker

import (
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Tracking is who notices opens and clicks where the workspace wants them noticed: the provider of email, or links and pictures of
// Rapport's own, or nobody.
type Tracking struct {
	Provider bool                               // the provider does
	Link     func(messageID, url string) string // else: the address that notices a click and leads on to the URL
	Pixel    func(messageID string) string      // and the address of the picture that notices an open
}

// apply has a message tracked as its purpose says, and returns what is left to the provider.
func (t *Tracking) apply(r *dsl.Rendered, m *crm.Message, ws *dsl.Workspace) (opens, clicks bool) {
	wanted := ws.Tracks(m.Purpose)
	if t.Provider {
		return wanted.Opens && m.Channel == crm.Email, wanted.Clicks && m.Channel == crm.Email
	}
	var link func(string) string
	if t.Link != nil && wanted.Follows(m.Channel) {
		link = func(url string) string { return t.Link(m.ID, url) }
	}
	pixel := ""
	if t.Pixel != nil && wanted.Opens && m.Channel == crm.Email {
		pixel = t.Pixel(m.ID)
	}
	r.Track(link, pixel)
	return false, false
}

package provider

import (
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// InvitationFile is the type of an invitation where it is a file beside the one that mail programs act on. With text/calendar
// some would show the meeting twice.
const InvitationFile = "application/ics"

// File is an attachment as a mail carries it.
type File struct {
	Name       string
	MediaType  string // without parameters
	Invitation string // the part of the body that mail programs act on: "text/calendar; method=REQUEST"; "" for other files
	Content    []byte
}

// Files reads the attachments of a message.
func Files(attachments []crm.Attachment) ([]File, error) {
	files := make([]File, 0, len(attachments))
	for _, a := range attachments {
		if a.Name == "" || strings.ContainsAny(a.Name, "\r\n") || len(a.Content) == 0 {
			return nil, errors.New("an attachment needs a name of one line and a content")
		}
		kind, parameters, err := mime.ParseMediaType(a.ContentType)
		if err != nil {
			return nil, fmt.Errorf("read type of attachment: %w", err)
		}
		f := File{Name: a.Name, MediaType: kind, Content: a.Content}
		if method := parameters["method"]; kind == "text/calendar" && method != "" {
			f.MediaType, f.Invitation = InvitationFile, "text/calendar; method="+strings.ToUpper(method)
		}
		files = append(files, f)
	}
	return files, nil
}

package api

import (
	"crypto/hmac"
	"strings"

	"github.com/gin-gonic/gin"
)

// Purposes of the links to the pages of interviews.
const (
	purposeSchedule = "schedule"
	purposePanel    = "panel"
)

// ScheduleURL is the address of the page on which a candidate picks, changes and cancels the times of one run of an interview.
func ScheduleURL(publicURL string, secret []byte, enrollmentID string) string {
	return signedLink(publicURL, "/i/", secret, purposeSchedule, enrollmentID)
}

// PanelURL is the address of the page of one who holds a meeting.
func PanelURL(publicURL string, secret []byte, meetingID, interviewerID string) string {
	return signedLink(publicURL, "/v/", secret, purposePanel, meetingID+"."+interviewerID)
}

// signedID returns what the page's link is about, as it was signed for a purpose; "" when it was not.
func (s *server) signedID(c *gin.Context, purpose string) string {
	token := c.Param("token")
	dot := strings.LastIndexByte(token, '.')
	if dot <= 0 || len(s.LinkSecret) == 0 || !hmac.Equal([]byte(token[dot+1:]), []byte(linkMAC(s.LinkSecret, purpose, token[:dot]))) {
		return ""
	}
	return token[:dot]
}

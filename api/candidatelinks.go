package api

import (
	"crypto/hmac"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
)

const purposePreferences = "preferences"

// PreferencesURL is the address of a candidate's preference page, for messages that are sent at a moment. It names nobody, and
// works for a year: longer than any sequence leaves a candidate without a newer one, and short enough that a mail which turns
// up in somebody else's hands years later opens nothing.
func PreferencesURL(publicURL string, secret []byte, candidateID string, sent time.Time) string {
	expires := strconv.FormatInt(sent.AddDate(0, 0, crm.PreferenceLinkDays).Unix(), 36)
	subject := candidateID + "." + expires
	return strings.TrimRight(publicURL, "/") + "/p/" + url.PathEscape(subject+"."+linkMAC(secret, purposePreferences, subject))
}

// signedCandidate returns the candidate whose page a link opens, and whether it still does. It is not ok when nobody has signed
// the link.
func (s *server) signedCandidate(c *gin.Context) (candidateID string, expired, ok bool) {
	token := c.Param("token")
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || len(s.LinkSecret) == 0 || !hmac.Equal([]byte(token[cut+1:]), []byte(linkMAC(s.LinkSecret, purposePreferences, token[:cut]))) {
		return "", false, false
	}
	candidateID, until, _ := strings.Cut(token[:cut], ".")
	expires, err := strconv.ParseInt(until, 36, 64)
	if err != nil || !crm.HasPrefix(candidateID, crm.PrefixCandidate) {
		return "", false, false
	}
	return candidateID, !s.Now().Before(time.Unix(expires, 0)), true
}

package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
)

// The body of SendGrid's POST /v3/mail/send. The checker reads field names and types off these structs, so a field that
// is not here is refused. Source: SendGrid's Mail Send reference.
type mailRequest struct {
	Personalizations []personalization `json:"personalizations"`
	From             *address          `json:"from"`
	ReplyTo          *address          `json:"reply_to"`
	ReplyToList      []address         `json:"reply_to_list"`
	Subject          string            `json:"subject"`
	Content          []mailContent     `json:"content"`
	Attachments      []attachment      `json:"attachments"`
	TemplateID       string            `json:"template_id"`
	Sections         map[string]string `json:"sections"`
	Headers          map[string]string `json:"headers"`
	Categories       []string          `json:"categories"`
	CustomArgs       map[string]string `json:"custom_args"`
	SendAt           int64             `json:"send_at"`
	BatchID          string            `json:"batch_id"`
	ASM              *asm              `json:"asm"`
	IPPoolName       string            `json:"ip_pool_name"`
	MailSettings     mailSettings      `json:"mail_settings"`
	TrackingSettings trackingSettings  `json:"tracking_settings"`
}

type personalization struct {
	To                  []address         `json:"to"`
	From                *address          `json:"from"`
	CC                  []address         `json:"cc"`
	BCC                 []address         `json:"bcc"`
	Subject             string            `json:"subject"`
	Headers             map[string]string `json:"headers"`
	Substitutions       map[string]string `json:"substitutions"`
	DynamicTemplateData map[string]any    `json:"dynamic_template_data"`
	CustomArgs          map[string]string `json:"custom_args"`
	SendAt              int64             `json:"send_at"`
}

// recipients are those of one of the fields to, cc and bcc.
type recipients struct {
	name string
	list []address
}

func (p personalization) groups() []recipients {
	return []recipients{{"to", p.To}, {"cc", p.CC}, {"bcc", p.BCC}}
}

type address struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

type mailContent struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type attachment struct {
	Content     string `json:"content"`
	Type        string `json:"type"`
	Filename    string `json:"filename"`
	Disposition string `json:"disposition"`
	ContentID   string `json:"content_id"`
}

// files are the attachments of a mail that was loaded with its request.
func (m *Message) files() ([]attachment, error) {
	var request struct {
		Attachments []attachment `json:"attachments"`
	}
	if err := json.Unmarshal(m.Raw, &request); err != nil {
		return nil, fmt.Errorf("read attachments: %w", err)
	}
	return request.Attachments, nil
}

// bytes are the file itself. What is not base64 was refused when the mail came.
func (a attachment) bytes() []byte {
	content, _ := base64.StdEncoding.DecodeString(a.Content)
	return content
}

// Size is the file's, for people.
func (a attachment) Size() string {
	n := len(a.bytes())
	if n < 1024 {
		return strconv.Itoa(n) + " B"
	}
	return strconv.Itoa((n+512)/1024) + " KB"
}

type asm struct {
	GroupID         int64   `json:"group_id"`
	GroupsToDisplay []int64 `json:"groups_to_display"`
}

type toggle struct {
	Enable bool `json:"enable"`
}

type mailSettings struct {
	BypassListManagement        toggle     `json:"bypass_list_management"`
	BypassSpamManagement        toggle     `json:"bypass_spam_management"`
	BypassBounceManagement      toggle     `json:"bypass_bounce_management"`
	BypassUnsubscribeManagement toggle     `json:"bypass_unsubscribe_management"`
	Footer                      mailFooter `json:"footer"`
	SandboxMode                 toggle     `json:"sandbox_mode"`
}

type mailFooter struct {
	Enable bool   `json:"enable"`
	Text   string `json:"text"`
	HTML   string `json:"html"`
}

type trackingSettings struct {
	ClickTracking        clickTracking        `json:"click_tracking"`
	OpenTracking         openTracking         `json:"open_tracking"`
	SubscriptionTracking subscriptionTracking `json:"subscription_tracking"`
	GoogleAnalytics      googleAnalytics      `json:"ganalytics"`
}

type clickTracking struct {
	Enable     bool `json:"enable"`
	EnableText bool `json:"enable_text"`
}

type openTracking struct {
	Enable          bool   `json:"enable"`
	SubstitutionTag string `json:"substitution_tag"`
}

type subscriptionTracking struct {
	Enable          bool   `json:"enable"`
	Text            string `json:"text"`
	HTML            string `json:"html"`
	SubstitutionTag string `json:"substitution_tag"`
}

type googleAnalytics struct {
	Enable      bool   `json:"enable"`
	UTMSource   string `json:"utm_source"`
	UTMMedium   string `json:"utm_medium"`
	UTMTerm     string `json:"utm_term"`
	UTMContent  string `json:"utm_content"`
	UTMCampaign string `json:"utm_campaign"`
}

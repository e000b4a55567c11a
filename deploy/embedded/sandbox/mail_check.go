package sandbox

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SendGrid's documented limits of one request.
const (
	maxMailBytes        = 30 << 20
	maxPersonalizations = 1000
	maxRecipients       = 1000
	maxCustomArgsBytes  = 10_000
	maxCategories       = 10
	maxCategoryLength   = 255
	maxSchedule         = 72 * time.Hour
	maxASMGroups        = 25
)

var (
	headerNameFormat = regexp.MustCompile(`^[!-9;-~]+$`) // RFC 5322 section 2.2: printable US-ASCII but the colon
	domainFormat     = regexp.MustCompile(`(?i)^([\pL\pN]([\pL\pN-]{0,61}[\pL\pN])?\.)+[\pL][\pL\pN-]{0,61}[\pL\pN]$`)
	invitation       = regexp.MustCompile(`^text/calendar; ?method=[A-Z]+$`) // the one parameter that SendGrid takes
	localPartFormat  = regexp.MustCompile("^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+$")
)

// reservedHeaders are those that SendGrid sets itself.
func reservedHeaders() []string {
	return []string{
		"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
		"to", "from", "subject", "reply-to", "cc", "bcc",
	}
}

// mailCheck collects what SendGrid would refuse a request for.
type mailCheck struct {
	request  *mailRequest
	now      time.Time
	problems []mailError
}

func checkMail(request *mailRequest, now time.Time) []mailError {
	c := &mailCheck{request: request, now: now}
	c.personalizations()
	c.sender()
	c.subject()
	c.content()
	c.attachments()
	c.headers("headers", request.Headers)
	c.labels()
	c.sendAt("send_at", request.SendAt)
	c.unknownResources()
	return c.problems
}

func (c *mailCheck) refuse(field, message string, args ...any) {
	c.problems = append(c.problems, fieldError(field, fmt.Sprintf(message, args...)))
}

func (c *mailCheck) personalizations() {
	list := c.request.Personalizations
	if len(list) == 0 {
		c.refuse("personalizations", "The personalizations field is required and must have at least one personalization.")
		return
	}
	if len(list) > maxPersonalizations {
		c.refuse("personalizations", "The personalization block is limited to %d personalizations per API request. You have provided %d personalizations. Please consider splitting this into multiple requests and resending your request.", maxPersonalizations, len(list))
	}
	total := 0
	for i, p := range list {
		c.personalization("personalizations."+strconv.Itoa(i), p)
		total += len(p.To) + len(p.CC) + len(p.BCC)
	}
	if total > maxRecipients {
		c.refuse("personalizations", "There is a limit of %d total recipients (to + cc + bcc) per request.", maxRecipients)
	}
}

func (c *mailCheck) personalization(path string, p personalization) {
	if len(p.To) == 0 {
		c.refuse(path+".to", "The to array is required for all personalization objects, and must have at least one email object with a valid email address.")
	}
	seen := map[string]bool{}
	for _, group := range p.groups() {
		c.addresses(path+"."+group.name, group.list)
		for _, a := range group.list {
			email := strings.ToLower(a.Email)
			if seen[email] {
				c.refuse(path, "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [%s] in the %s.%s field.", a.Email, path, group.name)
				break
			}
			seen[email] = true
		}
	}
	if p.From != nil {
		c.address(path+".from", *p.From)
	}
	c.headers(path+".headers", p.Headers)
	c.sendAt(path+".send_at", p.SendAt)
	if size := sizeOf(p.Substitutions); size > maxCustomArgsBytes {
		c.refuse(path+".substitutions", "The substitutions of one personalization may not exceed %d bytes; these have %d.", maxCustomArgsBytes, size)
	}
	if size := sizeOf(merged(c.request.CustomArgs, p.CustomArgs)); size > maxCustomArgsBytes {
		c.refuse(path+".custom_args", "The custom_args of one personalization may not exceed %d bytes; these have %d.", maxCustomArgsBytes, size)
	}
}

func (c *mailCheck) addresses(path string, list []address) {
	for i, a := range list {
		c.address(path+"."+strconv.Itoa(i), a)
	}
}

func (c *mailCheck) address(path string, a address) {
	if !isEmail(a.Email) {
		c.refuse(path+".email", "Does not contain a valid address.")
	}
	if strings.ContainsAny(a.Name, "\r\n") {
		c.refuse(path+".name", "The name cannot contain CR or LF characters.")
	}
}

func (c *mailCheck) sender() {
	switch from := c.request.From; {
	case from == nil || from.Email == "":
		c.refuse("from.email", `The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.`)
	default:
		c.address("from", *from)
	}
	if c.request.ReplyTo != nil {
		c.address("reply_to", *c.request.ReplyTo)
		if len(c.request.ReplyToList) > 0 {
			c.refuse("reply_to_list", "Only one of reply_to and reply_to_list may be given.")
		}
	}
	if len(c.request.ReplyToList) > maxRecipients {
		c.refuse("reply_to_list", "There is a limit of %d reply_to_list addresses per request.", maxRecipients)
	}
	c.addresses("reply_to_list", c.request.ReplyToList)
}

func (c *mailCheck) subject() {
	if strings.ContainsAny(c.request.Subject, "\r\n") {
		c.refuse("subject", "The subject cannot contain CR or LF characters.")
	}
	if c.request.Subject != "" {
		return
	}
	for _, p := range c.request.Personalizations {
		if p.Subject == "" {
			c.refuse("subject", "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.")
			return
		}
	}
}

func (c *mailCheck) content() {
	if len(c.request.Content) == 0 {
		c.refuse("content", "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.")
	}
	position, seen := 0, map[string]bool{}
	for i, part := range c.request.Content {
		path := "content." + strconv.Itoa(i)
		kind := strings.ToLower(part.Type)
		switch {
		case part.Type == "":
			c.refuse(path+".type", "The content type must be a string at least one character in length.")
		case strings.ContainsAny(part.Type, ";\r\n") && !invitation.MatchString(part.Type):
			c.refuse(path+".type", "The content type cannot contain ';', or CRLF characters.")
		case seen[kind]:
			c.refuse(path+".type", "If present, text/plain and text/html may only be provided once.")
		}
		seen[kind] = true
		if part.Value == "" {
			c.refuse(path+".value", "The content value must be a string at least one character in length.")
		}
		rank := slices.Index([]string{"text/plain", "text/html"}, kind)
		if rank < 0 {
			rank = 2
		}
		if rank < position {
			c.refuse("content", "If present, text/plain must be first, followed by text/html, followed by any other content.")
		}
		position = max(position, rank)
	}
}

func (c *mailCheck) attachments() {
	for i, a := range c.request.Attachments {
		path := "attachments." + strconv.Itoa(i)
		if _, err := base64.StdEncoding.DecodeString(a.Content); err != nil || a.Content == "" {
			c.refuse(path+".content", "The attachment content must be base64 encoded.")
		}
		if a.Filename == "" {
			c.refuse(path+".filename", "The attachment filename is required.")
		}
		if strings.ContainsAny(a.Type, ";\r\n") || strings.ContainsAny(a.Filename, "\r\n") {
			c.refuse(path+".type", "The attachment type and filename cannot contain ';', or CRLF characters.")
		}
		if a.Disposition != "" && a.Disposition != "inline" && a.Disposition != "attachment" {
			c.refuse(path+".disposition", "The disposition of your attachment can be either “inline” or “attachment”.")
		}
	}
}

func (c *mailCheck) headers(path string, headers map[string]string) {
	for _, name := range sortedKeys(headers) {
		switch {
		case slices.Contains(reservedHeaders(), strings.ToLower(name)):
			c.refuse(join(path, name), "The header %s is reserved and cannot be set.", name)
		case !headerNameFormat.MatchString(name):
			c.refuse(join(path, name), "Header names must be printable ASCII without a colon.")
		case strings.ContainsAny(headers[name], "\r\n"):
			c.refuse(join(path, name), "Header values cannot contain CR or LF characters.")
		}
	}
}

// labels checks categories, the unsubscribe group and the pool's name.
func (c *mailCheck) labels() {
	categories := c.request.Categories
	if len(categories) > maxCategories {
		c.refuse("categories", "You cannot have more than %d categories per request.", maxCategories)
	}
	for i, category := range categories {
		path := "categories." + strconv.Itoa(i)
		if category == "" || len([]rune(category)) > maxCategoryLength {
			c.refuse(path, "Category names must have 1 to %d characters.", maxCategoryLength)
		}
		if slices.Contains(categories[:i], category) {
			c.refuse(path, "Category names must be unique.")
		}
	}
	if c.request.ASM != nil {
		if c.request.ASM.GroupID <= 0 {
			c.refuse("asm.group_id", "The asm.group_id is required and must be the id of an unsubscribe group.")
		}
		if len(c.request.ASM.GroupsToDisplay) > maxASMGroups {
			c.refuse("asm.groups_to_display", "There is a limit of %d groups to display.", maxASMGroups)
		}
	}
	if n := len(c.request.IPPoolName); n == 1 || n > 64 {
		c.refuse("ip_pool_name", "The ip_pool_name must have 2 to 64 characters.")
	}
}

func (c *mailCheck) sendAt(path string, at int64) {
	if at < 0 || time.Unix(at, 0).After(c.now.Add(maxSchedule)) {
		c.refuse(path, "Scheduling more than 72 hours in advance is forbidden.")
	}
}

// unknownResources refuses ids of things that one would have made at SendGrid first: the sandbox's account has none.
func (c *mailCheck) unknownResources() {
	if c.request.TemplateID != "" {
		c.refuse("template_id", "The template_id must be the id of a template in this account; the sandbox has none.")
	}
	if c.request.BatchID != "" {
		c.refuse("batch_id", "The batch_id must have been generated before; the sandbox has none.")
	}
}

// isEmail reports whether SendGrid takes s as an address: no display name, ASCII before the @, a domain with a dot.
func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(local) > 64 || len(domain) > 255 || !domainFormat.MatchString(domain) {
		return false
	}
	if !localPartFormat.MatchString(local) {
		return false
	}
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s
}

func sizeOf(values map[string]string) int {
	size := 0
	for name, value := range values {
		size += len(name) + len(value)
	}
	return size
}

// merged returns the values of both, the second winning, as SendGrid merges headers and custom_args of a personalization.
func merged(base, over map[string]string) map[string]string {
	all := make(map[string]string, len(base)+len(over))
	maps.Copy(all, base)
	maps.Copy(all, over)
	return all
}

package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	twilioapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

// toSandbox sends api.twilio.com's requests to the sandbox, as a deployment of Rapport would be set up to.
type toSandbox struct{ host string }

func (t toSandbox) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", t.host
	return http.DefaultTransport.RoundTrip(r)
}

func (b *testBundle) twilio() *twilioapi.ApiService {
	c := &client.Client{
		Credentials: client.NewCredentials(accountSID, authToken),
		HTTPClient:  &http.Client{Transport: toSandbox{strings.TrimPrefix(b.server.URL, "http://")}},
	}
	c.SetAccountSid(accountSID)
	return twilio.NewRestClientWithParams(twilio.ClientParams{Client: c}).Api
}

func (b *testBundle) text(body string) *twilioapi.CreateMessageParams {
	params := &twilioapi.CreateMessageParams{}
	return params.SetFrom(ourNumber).SetTo(herNumber).SetBody(body).SetStatusCallback(b.receiver.server.URL + "/webhooks/twilio/status?rapport_message=msg_3")
}

func TestTwilioOfficialClient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	api := b.twilio()
	made, err := api.CreateMessage(b.text("Hello Ada 🎉"))
	require.NoError(t, err)
	require.Regexp(t, "^SM[0-9a-f]{32}$", *made.Sid)
	require.Equal(t, "queued", *made.Status)
	require.Equal(t, "outbound-api", *made.Direction)
	require.Equal(t, "1", *made.NumSegments)
	require.Equal(t, "Tue, 04 Mar 2031 05:06:07 +0000", *made.DateCreated)
	require.Nil(t, made.DateSent)
	require.Nil(t, made.Price)
	require.Nil(t, made.ErrorCode)
	require.Equal(t, "/2010-04-01/Accounts/"+accountSID+"/Messages/"+*made.Sid+".json", *made.Uri)
	require.Contains(t, *made.SubresourceUris, "media")

	got, err := api.FetchMessage(*made.Sid, &twilioapi.FetchMessageParams{})
	require.NoError(t, err)
	require.Equal(t, made, got)
	kept, err := b.sandbox.Message(t.Context(), *made.Sid)
	require.NoError(t, err)
	require.Equal(t, "msg_3", kept.Reference)

	_, err = api.FetchMessage("SM"+strings.Repeat("0", 32), &twilioapi.FetchMessageParams{})
	requireTwilioError(t, err, http.StatusNotFound, 20404)
}

func requireTwilioError(t *testing.T, err error, status, code int) {
	t.Helper()
	var refused *client.TwilioRestError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, status, refused.Status)
	require.Equal(t, code, refused.Code, refused.Message)
	require.NotEmpty(t, refused.Message)
	require.Equal(t, fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), refused.MoreInfo)
}

func TestTwilioRefusesTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		change func(p *twilioapi.CreateMessageParams)
		code   int
	}{
		"no to":               {func(p *twilioapi.CreateMessageParams) { p.To = nil }, 21604},
		"no from":             {func(p *twilioapi.CreateMessageParams) { p.From = nil }, 21603},
		"no body":             {func(p *twilioapi.CreateMessageParams) { p.Body = nil }, 21602},
		"local to":            {func(p *twilioapi.CreateMessageParams) { p.SetTo("0151 12345678") }, 21211},
		"local from":          {func(p *twilioapi.CreateMessageParams) { p.SetFrom("Acme") }, 21212},
		"foreign from":        {func(p *twilioapi.CreateMessageParams) { p.SetFrom("+15005550006") }, 21659},
		"to itself":           {func(p *twilioapi.CreateMessageParams) { p.SetTo(ourNumber) }, 21266},
		"too long":            {func(p *twilioapi.CreateMessageParams) { p.SetBody(strings.Repeat("ä", 1601)) }, 21617},
		"relative callback":   {func(p *twilioapi.CreateMessageParams) { p.SetStatusCallback("/status") }, 21609},
		"underscored host":    {func(p *twilioapi.CreateMessageParams) { p.SetStatusCallback("http://my_host/status") }, 21609},
		"unknown service":     {func(p *twilioapi.CreateMessageParams) { p.SetMessagingServiceSid("MG" + strings.Repeat("0", 32)) }, 21701},
		"schedule":            {func(p *twilioapi.CreateMessageParams) { p.SetSendAt(scaledNow()) }, 35118},
		"unknown template":    {func(p *twilioapi.CreateMessageParams) { p.SetContentSid("HX1") }, 21655},
		"media without a URL": {func(p *twilioapi.CreateMessageParams) { p.SetMediaUrl([]string{"cat.jpg"}) }, 21620},
		"eleven media":        {func(p *twilioapi.CreateMessageParams) { p.SetMediaUrl(make([]string, 11)) }, 21623},
		"validity":            {func(p *twilioapi.CreateMessageParams) { p.SetValidityPeriod(0) }, 21624},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := b.text("Hello")
			c.change(params)
			_, err := b.twilio().CreateMessage(params)
			requireTwilioError(t, err, http.StatusBadRequest, c.code)
		})
	}
	t.Run("1600 characters are taken", func(t *testing.T) {
		t.Parallel()
		made, err := b.twilio().CreateMessage(b.text(strings.Repeat("ä", 1600)))
		require.NoError(t, err)
		require.Equal(t, "11", *made.NumSegments)
	})
}

func TestTwilioRefusesCredentials(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.server.URL + "/2010-04-01/Accounts/" + accountSID + "/Messages.json"
	response, body := do(t, http.MethodGet, path, nil, nil)
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Contains(t, string(body), `"code":20003`)

	other := &client.Client{Credentials: client.NewCredentials(accountSID, "wrong"), HTTPClient: &http.Client{Transport: toSandbox{strings.TrimPrefix(b.server.URL, "http://")}}}
	other.SetAccountSid(accountSID)
	_, err := twilio.NewRestClientWithParams(twilio.ClientParams{Client: other}).Api.CreateMessage(b.text("Hello"))
	requireTwilioError(t, err, http.StatusUnauthorized, 20003)

	params := b.text("Hello")
	params.SetPathAccountSid("AC" + strings.Repeat("9", 32))
	_, err = b.twilio().CreateMessage(params)
	requireTwilioError(t, err, http.StatusNotFound, 20404)
}

func TestTwilioFindsNoParametersInJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/2010-04-01/Accounts/"+accountSID+"/Messages.json", strings.NewReader(`{"To":"+1"}`))
	require.NoError(t, err)
	request.SetBasicAuth(accountSID, authToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	var answer struct {
		Code int `json:"code"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	require.Equal(t, 21604, answer.Code)
}

func TestTwilioStatusCallbacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	made, err := b.twilio().CreateMessage(b.text("Hello"))
	require.NoError(t, err)
	statuses := func() map[string]url.Values {
		all := map[string]url.Values{}
		for _, p := range b.receiver.all("/webhooks/twilio/status?rapport_message=msg_3") {
			all[p.form.Get("MessageStatus")] = p.form
		}
		return all
	}
	eventually(t, func() bool { return len(statuses()) == 3 })
	for status, form := range statuses() {
		require.Contains(t, []string{"queued", "sent", "delivered"}, status)
		require.Equal(t, *made.Sid, form.Get("MessageSid"))
		require.Equal(t, herNumber, form.Get("To"))
		require.Equal(t, ourNumber, form.Get("From"))
		require.Equal(t, accountSID, form.Get("AccountSid"))
		require.Equal(t, "2010-04-01", form.Get("ApiVersion"))
		require.Empty(t, form.Get("ErrorCode"))
	}
	got, err := b.twilio().FetchMessage(*made.Sid, &twilioapi.FetchMessageParams{})
	require.NoError(t, err)
	require.Equal(t, "delivered", *got.Status)
	require.Equal(t, "Tue, 04 Mar 2031 05:06:07 +0000", *got.DateSent)

	require.Equal(t, http.StatusSeeOther, b.press(t, "/texts/"+*made.Sid+"/undelivered", url.Values{"code": {"30005"}}).StatusCode)
	eventually(t, func() bool { return statuses()["undelivered"].Get("ErrorCode") == "30005" })
	got, err = b.twilio().FetchMessage(*made.Sid, &twilioapi.FetchMessageParams{})
	require.NoError(t, err)
	require.Equal(t, "undelivered", *got.Status)
	require.Equal(t, 30005, *got.ErrorCode)
}

func TestTwilioTextWithoutCallbackIsDeliveredToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	params := b.text("Hello")
	params.StatusCallback = nil
	made, err := b.twilio().CreateMessage(params)
	require.NoError(t, err)
	eventually(t, func() bool {
		got, err := b.twilio().FetchMessage(*made.Sid, &twilioapi.FetchMessageParams{})
		return err == nil && *got.Status == "delivered" && got.DateSent != nil
	})
}

func TestTwilioList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	api := b.twilio()
	for i := range 5 {
		_, err := api.CreateMessage(b.text(fmt.Sprint("text ", i)))
		require.NoError(t, err)
	}
	_, err := api.CreateMessage(b.text("to another").SetTo("+4915187654321"))
	require.NoError(t, err)
	list := func(p *twilioapi.ListMessageParams) (bodies []string) {
		all, err := api.ListMessage(p)
		require.NoError(t, err)
		for _, m := range all {
			bodies = append(bodies, *m.Body)
		}
		return bodies
	}
	params := func() *twilioapi.ListMessageParams {
		return (&twilioapi.ListMessageParams{}).SetTo(herNumber).SetFrom(ourNumber)
	}
	newestFirst := []string{"text 4", "text 3", "text 2", "text 1", "text 0"}
	require.Equal(t, newestFirst, list(params()))
	require.Equal(t, newestFirst, list(params().SetPageSize(2)), "over pages")
	require.Equal(t, newestFirst[:3], list(params().SetPageSize(2).SetLimit(3)))
	require.Empty(t, list((&twilioapi.ListMessageParams{}).SetTo("+15005550006")))

	eventually(t, func() bool { return len(list(params().SetDateSentAfter(scaledNow()))) == 5 }, "sent by now")
	require.Len(t, list(params().SetDateSentBefore(scaledNow())), 5)
	require.Len(t, list(params().SetDateSent(scaledNow().Add(-5*time.Hour))), 5, "the same day")
	require.Empty(t, list(params().SetDateSentAfter(scaledNow().Add(time.Second))))
	require.Empty(t, list(params().SetDateSentBefore(scaledNow().Add(-time.Second))))
	require.Empty(t, list(params().SetDateSent(scaledNow().AddDate(0, 0, 1))))
}

func TestPhoneTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	reply := func(form url.Values) { // from her phone
		form.Set("to", ourNumber)
		require.Equal(t, http.StatusSeeOther, b.press(t, "/phones/"+herNumber+"/reply", form).StatusCode)
	}
	inbound := func(body string) url.Values {
		var form url.Values
		eventually(t, func() bool {
			for _, p := range b.receiver.all("/webhooks/twilio/inbound") {
				if p.form.Get("Body") == body {
					form = p.form
				}
			}
			return form != nil
		}, body)
		return form
	}
	reply(url.Values{"body": {"Tuesday works"}})
	form := inbound("Tuesday works")
	require.Equal(t, herNumber, form.Get("From"))
	require.Equal(t, ourNumber, form.Get("To"))
	require.Equal(t, "0", form.Get("NumMedia"))
	require.Equal(t, "DE", form.Get("FromCountry"))
	require.Regexp(t, "^SM[0-9a-f]{32}$", form.Get("MessageSid"))
	require.Empty(t, form.Get("OptOutType"))

	reply(url.Values{"quick": {"STOP"}})
	require.Equal(t, "STOP", inbound("STOP").Get("OptOutType"))
	_, err := b.twilio().CreateMessage(b.text("Still there?"))
	requireTwilioError(t, err, http.StatusBadRequest, 21610)
	other, err := b.twilio().CreateMessage(b.text("You too").SetTo("+4915187654321"))
	require.NoError(t, err, "STOP is between two numbers")
	require.NotNil(t, other)
	require.Contains(t, b.page(t, "/phones/"+herNumber), "You have successfully been unsubscribed")

	reply(url.Values{"body": {" start "}})
	require.Equal(t, "START", inbound("start").Get("OptOutType"))
	_, err = b.twilio().CreateMessage(b.text("Welcome back"))
	require.NoError(t, err)

	require.Equal(t, http.StatusBadRequest, b.press(t, "/phones/"+herNumber+"/reply", url.Values{"to": {"+1"}, "body": {"x"}}).StatusCode)
}

func TestTextsAreAnsweredByTwiML(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.receiver.twiml = "<?xml version=\"1.0\"?><Response><Message>Acme: for help write to us &amp; wait.</Message></Response>"
	b.run(t)
	require.Equal(t, http.StatusSeeOther, b.press(t, "/phones/"+herNumber+"/reply", url.Values{"to": {ourNumber}, "body": {"Who is this?"}}).StatusCode)
	eventually(t, func() bool {
		return strings.Contains(b.page(t, "/phones/"+herNumber), "Acme: for help write to us &amp; wait.")
	}, "the answer on the phone")
	auto, err := b.sandbox.Messages(t.Context(), sandbox.Filter{Direction: sandbox.Auto})
	require.NoError(t, err)
	require.Len(t, auto, 1)
	require.Equal(t, []string{ourNumber, herNumber}, []string{auto[0].From, auto[0].To})
}

func TestSegments(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"one":                       {"a", "1"},
		"160 of GSM-7":              {strings.Repeat("a", 160), "1"},
		"161 of GSM-7":              {strings.Repeat("a", 161), "2"},
		"306 of GSM-7":              {strings.Repeat("a", 306), "2"},
		"307 of GSM-7":              {strings.Repeat("a", 307), "3"},
		"80 of the extension":       {strings.Repeat("€", 80), "1"},
		"81 of the extension":       {strings.Repeat("€", 81), "2"},
		"an escape is never split":  {strings.Repeat("€", 153), "3"},
		"umlauts are GSM-7":         {strings.Repeat("ä", 160), "1"},
		"70 of UCS-2":               {strings.Repeat("ш", 70), "1"},
		"71 of UCS-2":               {strings.Repeat("ш", 71), "2"},
		"35 emoji":                  {strings.Repeat("🎉", 35), "1"},
		"36 emoji":                  {strings.Repeat("🎉", 36), "2"},
		"a pair is never split":     {strings.Repeat("🎉", 67), "3"},
		"one odd letter makes UCS2": {strings.Repeat("a", 70) + "ш", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := b.twilio().CreateMessage(b.text(c.body))
			require.NoError(t, err)
			require.Equal(t, c.want, *made.NumSegments)
		})
	}
}

package twilio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/client"
	messaging "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// Provider is the name under which receipts and events of this package are known.
const Provider = "twilio"

// DefaultTimeout bounds one request when the configuration does not.
const DefaultTimeout = 20 * time.Second

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// Config says how to reach Twilio.
type Config struct {
	AccountSID string
	AuthToken  string
	BaseURL    string        // "" is https://api.twilio.com; otherwise scheme and host replace it
	Timeout    time.Duration // of one request; 0 is DefaultTimeout
}

// Client sends text messages. It is safe for concurrent use and keeps its connections open.
type Client struct {
	config  Config
	base    *url.URL // nil: Twilio's own
	baseErr error
	http    *http.Transport
}

// New returns a client. Nothing is sent before Send. A base URL that cannot be used makes every Send fail, to be retried.
func New(config Config) *Client {
	c := &Client{config: config, http: &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
	}}
	if c.config.Timeout == 0 {
		c.config.Timeout = DefaultTimeout
	}
	if config.BaseURL != "" {
		c.base, c.baseErr = baseURL(config.BaseURL)
	}
	return c
}

func baseURL(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("read Twilio's base URL %q: it must be like https://api.twilio.com", text)
	}
	return base, nil
}

// Send hands one text message to Twilio, once. The receipt's ProviderID is the message's SID. Every error is a
// *crm.SendError.
func (c *Client) Send(ctx context.Context, out crm.Outgoing) (crm.Receipt, error) {
	if c.baseErr != nil {
		return crm.Receipt{}, &crm.SendError{Class: crm.SendRetry, Code: "base_url", RetryAfter: provider.AccountPause, Err: c.baseErr}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	ctx, attempt := provider.Watch(ctx)
	call := &exchange{client: c, ctx: ctx}
	params := &messaging.CreateMessageParams{}
	params.SetTo(out.To).SetFrom(out.From).SetBody(out.Text)
	if out.StatusURL != "" {
		params.SetStatusCallback(out.StatusURL)
	}
	message, err := call.api().CreateMessage(params)
	switch {
	case err == nil && message.Sid != nil && *message.Sid != "":
		return crm.Receipt{Provider: Provider, ProviderID: *message.Sid}, nil
	case call.status == 0:
		return crm.Receipt{}, attempt.Failure(fmt.Errorf("post message: %w", err))
	case call.status/100 == 2:
		return crm.Receipt{}, &crm.SendError{Class: crm.SendUnknown, Code: "bad_answer", Err: errors.Join(errors.New("answer without a message id"), err)}
	}
	return crm.Receipt{}, refusal(call, err)
}

func refusal(call *exchange, err error) *crm.SendError {
	var answer *client.TwilioRestError
	if !errors.As(err, &answer) || answer.Code == 0 {
		return provider.Answer(call.status, call.header, "", time.Now(), errors.New("answer without a reason"))
	}
	failure := provider.Answer(call.status, call.header, strconv.Itoa(answer.Code), time.Now(), errors.New(provider.Redact(answer.Message)))
	classify(failure, answer.Code, call.header, time.Now())
	return failure
}

// exchange is one request and its answer. The official client takes no context, hides the status of an answer that is not
// JSON and leaves bodies open, all of which its transport can mend.
type exchange struct {
	client *Client
	ctx    context.Context //nolint:containedctx // the transport lives for one request; see above
	status int             // 0 until there is an answer
	header http.Header
}

func (x *exchange) api() *messaging.ApiService {
	base := &client.Client{
		Credentials: client.NewCredentials(x.client.config.AccountSID, x.client.config.AuthToken),
		HTTPClient: &http.Client{
			Transport:     x,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	base.SetAccountSid(x.client.config.AccountSID)
	return messaging.NewApiService(client.NewRequestHandler(base))
}

// RoundTrip sends the request to the configured host and reads the whole answer.
func (x *exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(x.ctx)
	if base := x.client.base; base != nil {
		request.URL.Scheme, request.URL.Host, request.Host = base.Scheme, base.Host, base.Host
	}
	response, err := x.client.http.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	x.status, x.header = response.StatusCode, response.Header
	return response, nil
}

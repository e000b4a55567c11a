package call_test

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/crm"
)

// request is what a server was asked.
type request struct {
	Method, Host, URI, Body string
	Header                  http.Header
}

// server is a TLS server for hooks.example.com and its neighbours that writes down what it is asked.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []request
}

func newServer(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, request{r.Method, r.Host, r.RequestURI, string(body), r.Header})
		s.mu.Unlock()
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *server) asked() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// port is ":" and the server's port.
func (s *server) port() string {
	addr := s.Listener.Addr().String()
	return addr[strings.LastIndex(addr, ":"):]
}

func (s *server) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

// client trusts the server and takes it for a public one. Every name is at the server's address. hosts get the server's port.
func (s *server) client(t *testing.T, hosts ...string) *call.Client {
	t.Helper()
	config := call.Config{Secrets: map[string]string{"ats": "hush-hush"}, RootCAs: s.roots()}
	config.Resolver = resolver(t, func(string, int) string { return "127.0.0.1" })
	for _, host := range hosts {
		config.Hosts = append(config.Hosts, host+s.port())
	}
	client := call.New(config)
	client.Spare(s.Listener.Addr())
	return client
}

// resolver asks a DNS server in which lookup gives the IPv4 address of a name, and the how manieth question for it this is.
func resolver(t *testing.T, lookup func(name string, n int) string) *net.Resolver {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	go func() {
		defer close(done)
		counts, buffer := map[string]int{}, make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(buffer[:n]) != nil || len(query.Questions) != 1 {
				continue
			}
			q := query.Questions[0]
			reply := dnsmessage.Message{Questions: query.Questions}
			reply.Header = dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionAvailable: true}
			if q.Type == dnsmessage.TypeA {
				name := strings.TrimSuffix(q.Name.String(), ".")
				counts[name]++
				if ip := net.ParseIP(lookup(name, counts[name])).To4(); ip != nil {
					reply.Answers = []dnsmessage.Resource{{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
						Body:   &dnsmessage.AResource{A: [4]byte(ip)},
					}}
				} else {
					reply.RCode = dnsmessage.RCodeNameError
				}
			}
			if packed, err := reply.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// failure does a call that must end with a failed result.
func failure(t *testing.T, c *call.Client, r crm.Call, reason string) {
	t.Helper()
	result, err := c.Do(t.Context(), r)
	if err != nil || result.Outcome != crm.CallFailed || result.Reason != reason || result.Result != nil {
		t.Errorf("got %+v %v, want failed %s", result, err, reason)
	}
}
